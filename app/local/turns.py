"""One at a time may write: an ingest, a repair, a rebuild or a deletion."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from uniir.errors import DirectoryInUse


class Turns:
    """Who writes now; others wait `wait_seconds` and then learn who it is."""

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._changing = threading.Condition()
        self._current: str | None = None

    @contextmanager
    def taken(self, what: str) -> Iterator[None]:
        """Waits for the turn and holds it. Raises DirectoryInUse where that takes too long."""
        deadline = time.monotonic() + self._wait_seconds
        with self._changing:
            while self._current is not None:
                if not self._changing.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise DirectoryInUse(
                        f"The collections can't be changed now: {self._current} is at work.", "Wait until it is done, or stop it."
                    )
            self._current = what
        try:
            yield
        finally:
            self._free()

    @contextmanager
    def awaited(self, what: str) -> Iterator[None]:
        """The same for who has all the time in the world: a job in its queue."""
        with self._changing:
            while self._current is not None:
                self._changing.wait()
            self._current = what
        try:
            yield
        finally:
            self._free()

    def _free(self) -> None:
        with self._changing:
            self._current = None
            self._changing.notify_all()
