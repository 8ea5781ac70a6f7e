"""What was worked out for a text lately, kept in memory up to a size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

from rerank.features import TextTraits

_PIECES = 100_000  # of some 800 bytes each


class Memory:
    """Texts and their traits, the least lately used forgotten first. Safe to use from several threads."""

    def __init__(self, most_pieces: int = _PIECES) -> None:
        self._most = most_pieces
        self._held = 0
        self._known: OrderedDict[str, TextTraits] = OrderedDict()
        self._lock = Lock()

    def of(self, texts: Sequence[str], make: Callable[[Sequence[str]], Sequence[TextTraits]]) -> list[TextTraits]:
        """In order; `make` is asked once for all that are not known, outside the lock."""
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
            for text in found:
                self._known.move_to_end(text)
        missing = list(dict.fromkeys(text for text in texts if text not in found))
        if missing:
            made = dict(zip(missing, make(missing), strict=True))
            self._remember(made)
            found |= made
        return [found[text] for text in texts]

    def __len__(self) -> int:
        return len(self._known)

    def _remember(self, made: dict[str, TextTraits]) -> None:
        with self._lock:
            for text, traits in made.items():
                if text not in self._known:
                    self._held += len(traits.pieces)
                self._known[text] = traits
            while self._held > self._most and len(self._known) > 1:
                _, forgotten = self._known.popitem(last=False)
                self._held -= len(forgotten.pieces)
