"""The spaces that stand beside the one that is searched, as an ingest sees them: it only takes out of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ingest.rebuild import settle
from uniir.protocols import Archive, VectorStore


@dataclass(frozen=True, slots=True)
class OtherSpace:
    """A collection seen through a space that is not searched."""

    archive: Archive
    open_store: Callable[[], VectorStore]


class Beside:
    """The vectors of all other spaces; their stores are opened when there is something to take out."""

    def __init__(self, spaces: Sequence[OtherSpace] = ()) -> None:
        self._spaces = spaces
        self._unfinished = False

    @cached_property
    def _stores(self) -> Sequence[VectorStore]:
        return [space.open_store() for space in self._spaces]

    def delete(self, documents: Sequence[int]) -> None:
        """What changed or went has no vector in any space from now on."""
        if not documents or not self._spaces:
            return
        self._unfinished = True
        for store in self._stores:
            store.delete(documents)

    def settle(self) -> None:
        """After a run that died: what it had not taken out yet goes, what its death took along comes back."""
        for space, store in zip(self._spaces, self._stores, strict=True):
            settle(space.archive, store)
        self._unfinished = bool(self._spaces)

    def finish(self) -> None:
        if self._unfinished:
            for store in self._stores:
                store.finish()
            self._unfinished = False
