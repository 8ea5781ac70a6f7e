"""`uniir --help`: wall time of the whole process, beside a Python that only imports typer, which the command line is made with."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from bench.report import ROOT, Number, command, options, report

HEAVY = (
    "torch",
    "transformers",
    "pymilvus",
    "pandas",
    "streamlit",
    "faiss",
    "onnxruntime",
    "sqlalchemy",
    "numpy",
    "PIL",
    "rich",
    "pydantic",
)
_LOADED = f"""
import sys
sys.argv = ["uniir", "--help"]
from app.cli.main import main
try:
    main()
except SystemExit:
    pass
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""


def main() -> None:
    given = options(__doc__)
    ours, plain = [], []
    for _ in range(5 if given.quick else 21):
        ours.append(_seconds(command("--help")))
        plain.append(_seconds([sys.executable, "-c", "import typer"]))
    loaded = subprocess.run([sys.executable, "-c", _LOADED], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    median = statistics.median(ours)
    figures = {
        "ratio to `python -c 'import typer'`": round(median / statistics.median(plain), 2),
        "`import typer`, median s": round(statistics.median(plain), 3),
        "fastest s": round(min(ours), 3),
        "runs": len(ours),
        "heavy modules loaded": loaded or "none",
    }
    report("help", given, [Number("`uniir --help`, median s", median, "< 0.4 s", median < 0.4, figures)])


def _seconds(words: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(words, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
