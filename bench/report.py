"""How every benchmark is started, and how it says what it measured."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".bench"


@dataclass(frozen=True, slots=True)
class Options:
    """`quick` asks for small sizes: minutes to seconds, and numbers that only show that everything runs."""

    quick: bool
    as_json: bool


@dataclass(frozen=True, slots=True)
class Number:
    """One number with its target. `figures` are the absolute ones behind it, with their units in their names."""

    name: str
    value: float
    target: str
    met: bool
    figures: Mapping[str, object] = field(default_factory=dict)


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line that all benchmarks share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def options(description: str | None) -> Options:
    """What was given, for a benchmark that has no more to say."""
    given = argument_parser(description).parse_args()
    return Options(given.quick, given.json)


def report(benchmark: str, given: Options, numbers: Sequence[Number]) -> None:
    """Prints the numbers, as a table of lines or as one JSON object."""
    if given.as_json:
        print(json.dumps({"benchmark": benchmark, "quick": given.quick, **_circumstances(), "numbers": [asdict(one) for one in numbers]}))
        return
    for one in numbers:
        print(f"{one.name}: {one.value:.3f}   target {one.target}: {'met' if one.met else 'MISSED'}")
        for name, value in one.figures.items():
            print(f"    {name:44} {value}")
    print("    " + ", ".join(f"{name} {value}" for name, value in _circumstances().items()))


def progress(text: str) -> None:
    """A line for whoever waits, on stderr."""
    print(text, file=sys.stderr, flush=True)


def in_child(module: str, *arguments: str) -> Any:
    """Runs `python -m module ARGUMENTS` and returns the JSON object on its last line: a fresh process for every measurement."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def command(*arguments: str) -> list[str]:
    """The command `uniir` of this checkout, as this interpreter runs it."""
    return [sys.executable, "-m", "app.cli.main", *arguments]


def _circumstances() -> dict[str, object]:
    """Where and when: without it no figure means anything."""
    return {
        "measured": datetime.now(UTC).isoformat(timespec="minutes"),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
