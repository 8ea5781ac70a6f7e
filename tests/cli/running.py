"""Running the command line: in this process where that is enough, in one of its own where it is not."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from app.cli.main import main

ROOT = Path(__file__).parents[2]
_command = cache(typer.main.get_command)  # made of signatures, which takes longer than most commands


@dataclass(frozen=True, slots=True)
class Done:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


class Cli:
    """`uniir("ingest", corpus)` runs in this process with a data directory of the test's own."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.data = place / "data"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setattr(typer.main, "get_command", _command)
        settings = {"DATA_DIR": self.data, "ENCODER": "arithmetic", "VECTOR_STORE": "exact", "WAIT_SECONDS": 0, "WORKERS": 2, "THREADS": 2}
        settings["RERANK_SECONDS"] = 60  # or a busy machine would leave hits unread
        for name, value in settings.items():
            monkeypatch.setenv(f"UNIIR_{name}", str(value))

    def __call__(self, *words: object) -> Done:
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["uniir", *map(str, words)])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        out, err = self._capsys.readouterr()
        return Done(code, out, err)

    def set(self, name: str, value: object) -> None:
        """A setting, by its environment variable."""
        self._monkeypatch.setenv(f"UNIIR_{name.upper()}", str(value))

    def files(self) -> dict[str, bytes]:
        """Everything in the data directory that is worth comparing."""
        found = (path for path in sorted(self.data.rglob("*")) if path.is_file())
        return {str(path.relative_to(self.data)): path.read_bytes() for path in found}


def command(*words: object) -> list[str]:
    """The words that start a command in a process of its own."""
    return [sys.executable, "-m", "app.cli.main", *map(str, words)]


def environment(**settings: object) -> dict[str, str]:
    """This process's environment with settings, and with the program in reach from any directory."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in settings.items()}}


def spawn(words: Sequence[object], **settings: object) -> subprocess.Popen[str]:
    """Starts a command and goes on."""
    return _started(command(*words), settings)


def spawn_held(
    gate: Path, batches: int, words: Sequence[object], encoder: str = "encoders.arithmetic:ArithmeticEncoder", **settings: object
) -> subprocess.Popen[str]:
    """Starts a command that encodes so many batches and then stands still until the gate is unlinked, or its job cancelled."""
    return _started(held_command(gate, batches, encoder, *words), settings)


def held_command(gate: Path, batches: int, encoder: str, *words: object) -> list[str]:
    """The words that start such a command; the gate is shut from here on."""
    gate.touch()
    return [sys.executable, "-m", "tests.cli.held", *map(str, (gate, batches, encoder, *words))]


def _started(line: Sequence[str], settings: Mapping[str, object]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment(**settings)
    )


def documents(data: Path) -> int:
    """How many documents a catalog holds by now."""
    try:
        with closing(sqlite3.connect(f"file:{data / 'catalog.sqlite'}?mode=ro", uri=True)) as catalog:
            count: int = catalog.execute("SELECT count(*) FROM documents").fetchone()[0]
    except sqlite3.OperationalError:  # not made yet
        return 0
    return count


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits for something to be so that a process does, and that stays so if it ends."""
    deadline = time.monotonic() + 120
    while not holds():
        if process.poll() is not None:
            assert holds(), process.stderr and process.stderr.read()
            return
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finish(process: subprocess.Popen[str], seconds: float = 120) -> Done:
    """Waits for a command to end."""
    with process:
        out, err = process.communicate(timeout=seconds)
    return Done(process.returncode, out, err)
