"""Lexical search in SQLite: an FTS5 table that triggers keep equal to `document_words`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, text

from storage.sql.rows import in_blocks
from storage.sql.schema import NAME_WEIGHT, TEXT_WEIGHT, EmbeddingState
from uniir.documents import Modality

_HELD = text("SELECT term, doc FROM lexical_vocabulary WHERE term IN :words").bindparams(bindparam("words", expanding=True))
_WORDS = text("SELECT document_id, name, text FROM document_words WHERE document_id IN :ids").bindparams(bindparam("ids", expanding=True))
_TOGETHER = text("SELECT 1 FROM lexical WHERE lexical MATCH :words LIMIT 1")
_SIZE = text("SELECT count(*) FROM lexical_docsize")
_RANKED = """
SELECT lexical.rowid FROM lexical
CROSS JOIN embeddings ON embeddings.document_id = lexical.rowid AND embeddings.space_id = :space AND embeddings.state = :state
{of_modality}
WHERE lexical MATCH :words
ORDER BY round(bm25(lexical, :name_weight, :text_weight), 9), lexical.rowid LIMIT :limit
"""
_OF_MODALITY = "CROSS JOIN documents ON documents.id = lexical.rowid AND documents.modality IN :modalities"
_ANY = text(_RANKED.format(of_modality=""))
_OF_SOME = text(_RANKED.format(of_modality=_OF_MODALITY)).bindparams(bindparam("modalities", expanding=True))


def size(connection: Connection) -> int:
    """How many documents there are."""
    found: int = connection.execute(_SIZE).scalar_one()
    return found


def held(connection: Connection, words: Sequence[str]) -> dict[str, int]:
    """How many documents each word stands in."""
    return {row.term: row.doc for row in connection.execute(_HELD, {"words": words})} if words else {}


def stand_together(connection: Connection, words: Sequence[str]) -> bool:
    """Whether any document, of whatever collection, holds all of these."""
    return connection.execute(_TOGETHER, {"words": " AND ".join(f'"{word}"' for word in words)}).first() is not None


def ranked(
    connection: Connection, space: int, held: dict[str, int], modalities: Sequence[Modality] | None, limit: int | None
) -> Sequence[int]:
    """By FTS5's own BM25; ties by id."""
    given = {
        "words": " OR ".join(f'"{word}"' for word in held),
        "space": space,
        "state": EmbeddingState.INDEXED.value,
        "name_weight": NAME_WEIGHT,
        "text_weight": TEXT_WEIGHT,
        "limit": -1 if limit is None else limit,
    }
    if modalities is None:
        return connection.execute(_ANY, given).scalars().all()
    return connection.execute(_OF_SOME, {**given, "modalities": [str(one) for one in modalities]}).scalars().all()


def words(connection: Connection, ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """What stands in each document."""
    return {
        row.document_id: frozenset((*row.name.split(" "), *row.text.split(" ")))
        for block in in_blocks(ids)
        for row in connection.execute(_WORDS, {"ids": block})
    }


def rebuild(connection: Connection) -> None:
    """The index from its rows, whatever happened to it."""
    connection.execute(text("INSERT INTO lexical(lexical) VALUES ('rebuild')"))
