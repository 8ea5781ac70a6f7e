"""A pool of candidates in a catalog of its own, so that words are looked up as the application does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sqlalchemy import text

from storage.sql.collections import SqlCollections
from storage.sql.databases.engines import Engines, open_catalog
from storage.sql.ledger import SqlLedger
from storage.sql.library import SqlLibrary
from training.starter.pairs import Parts
from uniir.documents import Document, Modality, Source
from uniir.filters import Filter
from uniir.ledger import SourceDraft, SourceKey, SourceKind
from uniir.lexical import LexicalMatch, words_of
from uniir.spaces import VectorSpace

_NONE = VectorSpace("none", "0", "none", "float32", 1)
_AT_ONCE = 1000
_TS_RANK = """
SELECT document_id - 1 FROM document_words WHERE text @@ CAST(:query AS tsquery)
ORDER BY {function}(text, CAST(:query AS tsquery)) DESC, document_id LIMIT :limit
"""


class Shelf:
    """Candidates are known by their places in the pool."""

    def __init__(self, engines: Engines, pool: Sequence[Parts], names: Sequence[str]) -> None:
        self._engines = engines
        record = SqlCollections(engines).get_or_create("pool", _NONE)
        ledger, self._library = SqlLedger(engines, record), SqlLibrary(engines, record)
        for start in range(0, len(pool), _AT_ONCE):
            places = range(start, min(start + _AT_ONCE, len(pool)))
            ledger.record([_draft(place, pool[place], names[place]) for place in places])
            ledger.mark_indexed({place + 1: np.zeros(1, np.float16) for place in places})
        engines.take_stock()

    def matches(self, query: str, target: Modality | None, limit: int) -> list[LexicalMatch]:
        where = Filter(None if target is None else frozenset({target}))
        found = self._library.lexical_matches(words_of(query), limit, where)
        return [LexicalMatch(match.document - 1, match.words, match.share) for match in found]

    def by_ts_rank(self, query: str, function: str, limit: int) -> list[int]:
        """What Postgres' own ranking would give."""
        asked = " | ".join(f"'{word}'" for word in dict.fromkeys(words_of(query)))
        with self._engines.reading() as connection:
            found = connection.execute(text(_TS_RANK.format(function=function)), {"query": asked, "limit": limit})
            return list(found.scalars())


@contextmanager
def shelf(pool: Sequence[Parts], names: Sequence[str] | None = None) -> Iterator[Shelf]:
    """In SQLite; `names` are paths, none for candidates without."""
    with TemporaryDirectory(prefix="uniir-words-") as place:
        engines = open_catalog(f"sqlite:///{Path(place) / 'catalog.sqlite'}")
        try:
            yield Shelf(engines, pool, names or [""] * len(pool))
        finally:
            engines.close()


def _draft(place: int, parts: Parts, name: str) -> SourceDraft:
    key = SourceKey("/pool", name or "list.jsonl", str(place))
    document = Document(id=place + 1, modality=parts.modality, text=parts.text, source=Source(key.root, key.path, key.locator))
    return SourceDraft(key, SourceKind.TEXT if name else SourceKind.RECORD, "", document.fingerprint, (document,))
