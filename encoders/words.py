"""For which searches the query's words beside its meaning were measured to help: docs/results/words.md."""

from __future__ import annotations

from types import MappingProxyType

from uniir.documents import Modality

_OF_WORDS = frozenset((Modality.TEXT, target) for target in (None, *Modality))
_HELPS = MappingProxyType({"starter": _OF_WORDS})


def words_help(encoder: str, query: Modality, target: Modality | None) -> bool:
    """Whether documents that hold nearly all words of such a query come forward when nobody says otherwise; `target` None: a mixed list."""
    return (query, target) in _HELPS.get(encoder, ())
