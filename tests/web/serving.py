"""`uniir ui` and `uniir serve` as processes of their own, on a data directory of the test's own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from demo.corpus import build
from tests.cli.running import ROOT
from tests.cli.running import command as command_line
from tests.folders import lay, picture

READY_SECONDS = 180  # of a very busy machine; bench/page.py measures how long it takes
HOSTILE = (
    "<script>window.broken=1</script><img src=x onerror='window.broken=1'> **bold** "
    "[a link](javascript:window.broken=1) $x^2$ :red[red] # head"
)


@dataclass
class Served:
    """A running command, `ui` or `serve`. `kill` is -9; `start` brings it back on the same port and data."""

    data: Path
    corpus: Path
    port: int
    command: str = "ui"
    line: Callable[..., list[str]] = command_line
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data.parent / f"{self.data.name}-{self.command}.log"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.line(self.command, "--port", self.port, "--data-dir", self.data),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=quiet_environment(self.data.parent, UNIIR_CORPUS_ROOTS=f'["{self.corpus}"]'),
                cwd=self.data.parent,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text("utf-8", "replace")
            assert time.monotonic() < deadline, self.log.read_text("utf-8", "replace")
            time.sleep(0.05)

    def kill(self) -> None:
        """What the kernel does to a process that asks for too much."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """Ends it as a service manager does."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)  # of a busy machine; it gives itself nine seconds
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def _answers(self) -> bool:
        try:
            httpx.get(f"{self.address}/healthz", timeout=5, trust_env=False)
        except httpx.TransportError:
            return False
        return True


@contextmanager
def served(data: Path, corpus: Path, command: str = "ui", line: Callable[..., list[str]] = command_line) -> Iterator[Served]:
    """The command on a free port until the block ends."""
    page = Served(data, corpus, free_port(), command, line)
    try:
        page.start()
        yield page
    finally:
        page.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def quiet_environment(home: Path, **settings: object) -> dict[str, str]:
    """No setting of the person who runs the tests, and no home of theirs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("UNIIR_", "STREAMLIT_", "XDG_"))}
    ours = {"HOME": str(home), "PYTHONPATH": str(ROOT), "UNIIR_THREADS": "2", "UNIIR_WORKERS": "2", "UNIIR_RERANK_SECONDS": "60"}
    return {**kept, **ours, **{name: str(value) for name, value in settings.items()}}


@dataclass(frozen=True, slots=True)
class Library:
    """A corpus of real photographs and a data directory in which it was ingested; `copy` is a directory of one's own."""

    corpus: Path
    data: Path
    questions: Path

    def copy(self, place: Path) -> Path:
        """The data directory once more, at a place that is not there yet."""
        return Path(shutil.copytree(self.data, place))


def make_library(place: Path) -> Library:
    """The demo corpus and a caption that would like to be markup, ingested with the real starter encoder."""
    library = Library(place / "corpus", place / "data", place / "questions")
    build(library.corpus, library.questions)
    lay(library.corpus, {"hostile/poster.jpg": picture(7, (320, 240)), "hostile/poster.txt": HOSTILE})
    uniir(place, "ingest", library.corpus, "--encoder", "starter", "--data-dir", library.data)
    return library


def uniir(home: Path, *words: object) -> None:
    """Runs a command to its end."""
    done = subprocess.run(command_line(*words), env=quiet_environment(home), capture_output=True, text=True, check=False, cwd=home)
    assert done.returncode == 0, done.stderr
