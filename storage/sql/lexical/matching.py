"""Lexical search: documents in which words of a query stand, best first by BM25, the same in both databases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Protocol

from sqlalchemy import Connection

from storage.sql.lexical import postgres, sqlite
from uniir.documents import Modality
from uniir.filters import Filter
from uniir.lexical import LexicalMatch

_MOST_WORDS = 64  # of one query, the first
_ROUNDING = 1e-6  # of a share
_MOST_PLACES = 5_000  # rows of the index that one search looks at


class _Spelling(Protocol):
    """What each database has a module for."""

    def size(self, connection: Connection) -> int: ...

    def held(self, connection: Connection, words: Sequence[str]) -> dict[str, int]: ...

    def stand_together(self, connection: Connection, words: Sequence[str]) -> bool: ...

    def ranked(
        self, connection: Connection, space: int, held: dict[str, int], modalities: Sequence[Modality] | None, limit: int | None
    ) -> Sequence[int]: ...

    def words(self, connection: Connection, ids: Sequence[int]) -> Mapping[int, frozenset[str]]: ...


def matches(connection: Connection, space: int, words: Sequence[str], limit: int, where: Filter, least: float) -> Sequence[LexicalMatch]:
    """Indexed documents of a space that hold at least this share of the words; where many stand in very many, the commonest don't count."""
    spelled: _Spelling = sqlite
    if connection.dialect.name == "postgresql":
        spelled = postgres
    asked = list(dict.fromkeys(words))[:_MOST_WORDS]
    held = spelled.held(connection, asked)
    affordable = _affordable(held)
    if not affordable:
        return []
    size = spelled.size(connection)
    rarity = {word: math.log(1 + size / (held.get(word, 0) + 0.5)) for word in asked}
    total = sum(rarity.values())
    needed = [word for word in asked if rarity[word] > (1 + _ROUNDING - least) * total]
    if not all(held.get(word) for word in needed) or (needed and not spelled.stand_together(connection, needed)):
        return []  # which most queries come to, and much sooner than by ranking what holds any of their words
    modalities = None if where.modalities is None else sorted(where.modalities)
    at_most = limit + len(where.without) if where.only is None else None
    found = spelled.ranked(connection, space, affordable, modalities, at_most)
    fitting = [one for one in found if one not in where.without and (where.only is None or one in where.only)][:limit]
    theirs = spelled.words(connection, fitting)
    telling = [word for word in asked if 2 * held.get(word, 0) <= size]
    found_in = []
    for one in fitting:
        here = tuple(word for word in asked if word in theirs[one])
        share = round(sum(rarity[word] for word in here) / total, 9)
        if share >= least:
            found_in.append(LexicalMatch(one, tuple(word for word in here if word in telling) or here, share))
    return found_in


def _affordable(held: dict[str, int]) -> dict[str, int]:
    """The rarest words, as many as a search can afford, and one at least: the commonest tell least and cost most."""
    rarest = sorted((count, word) for word, count in held.items() if count)
    within = sum(total <= _MOST_PLACES for total in accumulate(count for count, _ in rarest))
    return {word: count for count, word in rarest[: max(1, within)]}
