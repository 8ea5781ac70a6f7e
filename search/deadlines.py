"""Work that may take so long and no longer: what is late is left to itself, and too much of it is not begun."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Deadline(Generic[_T]):
    """Runs work in threads of its own. `at_once` counts late ones too, so that slow work can't fill the process with threads."""

    def __init__(self, name: str, seconds: float, at_once: int) -> None:
        self.seconds = seconds
        self._name = name
        self._running = threading.BoundedSemaphore(at_once)

    def within(self, work: Callable[[], _T]) -> _T | None:
        """What the work gave, or None where that took too long. The work must not raise."""
        if not self._running.acquire(timeout=self.seconds):
            return None
        answers: list[_T] = []
        done = threading.Event()

        def run() -> None:
            try:
                answers.append(work())
            finally:
                self._running.release()
                done.set()

        threading.Thread(target=run, name=self._name, daemon=True).start()
        return answers[0] if done.wait(self.seconds) and answers else None
