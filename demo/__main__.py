"""`python -m demo`: build the corpus, ingest it with the real command line, search it three times, show what was found.

Everything it makes is in `.demo/` beside this folder; it reads no settings of yours and never touches your own data directory.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cli.output import shortened, table
from demo.corpus import DemoError, build

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".demo"
CORPUS, DATA, QUESTIONS = PLACE / "corpus", PLACE / "data", PLACE / "questions"
_KINDS = {"text": "text", "image": "picture", "image,text": "picture with caption"}
_WIDTH = 76


@dataclass(frozen=True, slots=True)
class Search:
    """A search to show: what it is, in words, and its arguments."""

    title: str
    arguments: tuple[str, ...]


MOTORCYCLE = str(QUESTIONS / "motorcycle_right.png")
SEARCHES = (
    Search("By words", ("old silver coins",)),
    Search("By a picture: the same motorcycle, taken from a little further right", ("--image", MOTORCYCLE)),
    Search("By both: that picture, and words about it", ("getting it ready after the winter", "--image", MOTORCYCLE)),
)


def main() -> int:
    """Runs the demo; returns the exit code."""
    try:
        expected = _corpus()
        print(f"A corpus of {expected} documents is in {_shown(CORPUS)}: photographs, captioned photographs and notes.\n")
        ingested = _uniir("ingest", str(CORPUS), "--encoder", "starter")
        held = sum(ingested["documents"].values())
        print(
            f"{ingested['added']} new, {ingested['changed']} changed, {ingested['unchanged']} unchanged in {ingested['seconds']:.1f} s; "
            f"the collection holds {held} documents.\n"
        )
        if held < expected:
            raise DemoError(f"{expected} documents were expected. Delete {_shown(PLACE)} and run the demo again.")
        for search in SEARCHES:
            print(search.title)
            _show(_uniir("search", *search.arguments, "-k", "5"))
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print("What fits stands first; in so small a collection the rest is only what comes next.")
    print(f"See it on the page: `uniir ui --data-dir {_shown(DATA)}`. Your own: `uniir ingest FOLDER`, then `uniir search WORDS`.")
    return 0


def _corpus() -> int:
    try:
        return build(CORPUS, QUESTIONS)
    except OSError as error:
        raise DemoError(f"The corpus can't be made in {PLACE}: {error.strerror or error}.") from error


def _uniir(command: str, *arguments: str) -> Any:
    """Runs a command and returns the object it printed. What the command has to say besides goes to the terminal."""
    words = [command, *arguments, "--data-dir", str(DATA), "--json"]
    print(f"$ uniir {shlex.join(map(_shown, words))}", flush=True)
    # settings in your environment are for your own data; what stands on a command line overrules the rest
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UNIIR_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "app.cli.main", *words],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DemoError(
            f"`uniir {command}` ended with {done.returncode}; what it says stands above. "
            f"If it is about what an earlier demo left, delete {_shown(PLACE)}."
        )
    return json.loads(done.stdout)


def _show(result: Any) -> None:
    print(f"{result['instruction']['text']} [{result['instruction']['id']}]")
    rows = [(str(hit["rank"]), f"{hit['score']:.3f}", _KINDS[hit["modality"]], _file(hit), _words(hit)) for hit in result["hits"]]
    print(table(("rank", "score", "kind", "file", "what it says"), rows) + "\n")


def _file(hit: Any) -> str:
    path = Path(hit["path"])
    return str(path.relative_to(CORPUS)) if path.is_relative_to(CORPUS) else str(path)


def _words(hit: Any) -> str:
    lines: Sequence[str] = (hit["text"] or "").strip().splitlines()
    return shortened(lines[0].lstrip("# "), _WIDTH) if lines else ""


def _shown(path: Path | str) -> str:
    """A path below where we are, from there; anything else as it is."""
    here = f"{Path.cwd()}{os.sep}"
    return str(path).removeprefix(here)


if __name__ == "__main__":
    sys.exit(main())
