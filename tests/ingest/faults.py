"""Death at a chosen call: from then on nothing of the process reaches catalog, vectors or thumbnails any more."""

from __future__ import annotations

import threading
from typing import Any

from storage.exact import ExactVectors
from tests.worlds import World
from uniir.protocols import Points


class Death(Exception):
    """The process is dead."""


class Fuse:
    """Blows at the n-th call of anything it guards, and stays blown."""

    def __init__(self, calls: int) -> None:
        self._left = calls
        self._lock = threading.Lock()
        self.calls: list[str] = []

    @property
    def blown(self) -> bool:
        return self._left < 0

    def pass_through(self, name: str) -> bool:
        """Whether this is the call at which it blows; raises Death where that was an earlier one."""
        with self._lock:
            if self.blown:
                raise Death(name)
            self._left -= 1
            self.calls.append(name)
            return self.blown


class Guarded:
    """Anything whose methods go through a fuse. A write of many rows that dies has written half of them."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if not self._fuse.pass_through(f"{type(self._inner).__name__}.{name}"):
                return method(*arguments, **options)
            if name == "upsert":
                method(_half_of(*arguments))
            elif name == "delete":
                method(arguments[0][: len(arguments[0]) // 2])
            raise Death(name)

        return call


def _half_of(points: Points) -> Points:
    half = len(points.ids) // 2
    return Points(points.ids[:half], points.vectors[:half], points.modalities[:half], points.metadata[:half])


def dies_after(world: World, calls: int, *, prune: bool = True) -> Fuse:
    """An ingest that dies after so many calls, or ends before. What the store had not finished is lost with the process."""
    fuse = Fuse(calls)
    whole = world.ledger, world.library, world.store, world.thumbnails
    world.ledger, world.library, world.store, world.thumbnails = (Guarded(part, fuse) for part in whole)  # type: ignore[assignment]
    try:
        world.ingest(prune=prune)
    except Death:
        pass
    finally:
        world.ledger, world.library, world.store, world.thumbnails = whole
    if fuse.blown and isinstance(world.store, ExactVectors) and world.volatile:
        world.forget_unfinished_vectors()
    return fuse
