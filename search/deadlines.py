"""Work that may take so long and no longer: what is late is left to itself, and too much of it is not begun."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Underway(Generic[_T]):
    """Work with a deadline, in a thread of its own once there is room for one. It must not raise."""

    def __init__(self, name: str, work: Callable[[], _T], seconds: float, room: threading.BoundedSemaphore) -> None:
        self._name = name
        self._work = work
        self._deadline = time.monotonic() + seconds
        self._room = room
        self._done = threading.Event()
        self._begun = False
        self._answers: list[_T] = []

    def within(self, seconds: float) -> _T | None:
        """What it gave, or None where that is not there after so many seconds more, or at the deadline."""
        until = min(time.monotonic() + seconds, self._deadline)
        if not self._begun:
            if not self._room.acquire(timeout=_left(until)):
                return None
            self._begun = True
            threading.Thread(target=self._run, name=self._name, daemon=True).start()
        self._done.wait(_left(until))
        return self._answers[0] if self._answers else None

    def _run(self) -> None:
        try:
            self._answers.append(self._work())
        finally:
            self._room.release()
            self._done.set()


class Deadline(Generic[_T]):
    """How long a kind of work may take. `at_once` counts late ones too, so that slow work can't fill the process with threads."""

    def __init__(self, name: str, seconds: float, at_once: int) -> None:
        self.seconds = seconds
        self._name = name
        self._room = threading.BoundedSemaphore(at_once)

    def underway(self, work: Callable[[], _T]) -> Underway[_T]:
        """The work, whose time runs from now."""
        return Underway(self._name, work, self.seconds, self._room)

    def within(self, work: Callable[[], _T]) -> _T | None:
        """What the work gave, or None where that took too long."""
        return self.underway(work).within(self.seconds)


def _left(until: float) -> float:
    return max(0.0, until - time.monotonic())
