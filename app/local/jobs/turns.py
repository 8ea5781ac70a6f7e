"""One at a time may write to a collection: an ingest, a repair, a rebuild or a deletion."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol

from app.wiring.installation import Installation
from storage.sql.jobs.turns import SqlTurns
from uniir.errors import DirectoryInUse

_LOOK_SECONDS = 0.5


class Turns(Protocol):
    """Who writes now. `what` is told to others, `collection` is the one that is written to, None all of them."""

    def taken(self, what: str, collection: str | None = None) -> AbstractContextManager[None]:
        """Waits a while for the turn and holds it. Raises DirectoryInUse where that takes too long."""
        ...

    def awaited(self, what: str, collection: str | None, given_up: threading.Event) -> AbstractContextManager[bool]:
        """The same for who has all the time in the world, a job in its queue; False: it gave up waiting and has no turn."""
        ...


def turns_of(installation: Installation) -> Turns:
    """Turns among all who can change these collections."""
    wait_seconds = installation.settings.wait_seconds
    own = OwnTurns(wait_seconds)
    if not installation.is_shared:
        return own
    return SharedTurns(own, installation.turns, lambda: [record.name for record in installation.collections.all()], wait_seconds)


class OwnTurns:
    """Within this process: one at a time, whatever the collection."""

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._changing = threading.Condition()
        self._current: str | None = None

    @contextmanager
    def taken(self, what: str, collection: str | None = None) -> Iterator[None]:
        deadline = time.monotonic() + self._wait_seconds
        with self._changing:
            while self._current is not None:
                if not self._changing.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise _refusal(self._current)
            self._current = what
        try:
            yield
        finally:
            self._free()

    @contextmanager
    def awaited(self, what: str, collection: str | None, given_up: threading.Event) -> Iterator[bool]:
        with self._changing:
            while self._current is not None and not given_up.is_set():
                self._changing.wait(_LOOK_SECONDS)
            if given_up.is_set():
                mine = False
            else:
                self._current, mine = what, True
        try:
            yield mine
        finally:
            if mine:
                self._free()

    def _free(self) -> None:
        with self._changing:
            self._current = None
            self._changing.notify_all()


class SharedTurns:
    """Within this process first, then between all processes that share a catalog."""

    def __init__(self, own: OwnTurns, between: SqlTurns, collections: Callable[[], Sequence[str]], wait_seconds: float) -> None:
        """`collections` names all there are."""
        self._own = own
        self._between = between
        self._collections = collections
        self._wait_seconds = wait_seconds

    @contextmanager
    def taken(self, what: str, collection: str | None = None) -> Iterator[None]:
        deadline = time.monotonic() + self._wait_seconds
        with self._own.taken(what, collection), ExitStack() as held:
            for name in self._named(collection):
                while (said := self._between.take(name, what)) is not None:
                    if time.monotonic() >= deadline:
                        raise _refusal(said)
                    time.sleep(min(_LOOK_SECONDS, self._wait_seconds))
                held.callback(self._between.free, name)
            yield

    @contextmanager
    def awaited(self, what: str, collection: str | None, given_up: threading.Event) -> Iterator[bool]:
        with self._own.awaited(what, collection, given_up) as waited, ExitStack() as held:
            mine = waited
            for name in self._named(collection) if waited else ():
                while mine and self._between.take(name, what) is not None:
                    mine = not given_up.wait(_LOOK_SECONDS)
                if mine:
                    held.callback(self._between.free, name)
            yield mine

    def _named(self, collection: str | None) -> Sequence[str]:
        """In one order for all, or two might wait for each other."""
        return [collection] if collection is not None else sorted(self._collections())


def _refusal(current: str) -> DirectoryInUse:
    return DirectoryInUse(f"The collections can't be changed now: {current} is at work.", "Wait until it is done, or stop it.")
