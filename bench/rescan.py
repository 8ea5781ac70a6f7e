"""A second `uniir ingest` over 100,000 unchanged files: wall time of the whole command, beside a bare walk for names and times."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.inputs import texts
from bench.report import PLACE, ROOT, Number, command, options, progress, report

LIMIT = 10.0  # seconds
_WALK = """
import os, sys
def walk(folder):
    with os.scandir(folder) as listing:
        for entry in listing:
            yield from walk(entry.path) if entry.is_dir() else [(entry.path, entry.stat().st_mtime_ns)]
print(len(sorted(walk(sys.argv[1]))))
"""


def main() -> None:
    given = options(__doc__)
    count, repeats = (10_000, 2) if given.quick else (100_000, 5)
    folder = texts(count)
    data = PLACE / f"rescan-{count}"
    words = command("ingest", str(folder), "--encoder", "arithmetic", "--data-dir", str(data), "--json")
    first = _ingest(words) if not (data / "whole").exists() else None
    (data / "whole").touch()
    seconds, walks = [], []
    for number in range(repeats):
        walks.append(_seconds([sys.executable, "-c", _WALK, str(folder)]))
        start = time.perf_counter()
        answer = _ingest(words)
        seconds.append(time.perf_counter() - start)
        assert (answer["added"], answer["changed"], answer["unchanged"]) == (0, 0, count), answer
        progress(f"run {number + 1}: {seconds[-1]:.2f} s, bare walk {walks[-1]:.2f} s")
    median = statistics.median(seconds)
    figures: dict[str, object] = {
        "files": count,
        "fastest s": round(min(seconds), 2),
        "slowest s": round(max(seconds), 2),
        "bare walk, median s": round(statistics.median(walks), 2),
        "ratio to the bare walk": round(median / statistics.median(walks), 2),
        "runs": repeats,
    }
    if first is not None:
        figures["first ingest (arithmetic encoder), s"] = first["seconds"]
    report("rescan", given, [Number("second run over unchanged files, median s", median, f"< {LIMIT:.0f} s", median < LIMIT, figures)])


def _ingest(words: Sequence[str]) -> dict[str, float]:
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _seconds(words: Sequence[str | Path]) -> float:
    start = time.perf_counter()
    subprocess.run(words, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
