"""Putting words of documents into the catalog, in the transaction that writes the documents; the databases index them by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, delete, insert, select, text

from storage.sql.rows import PAGE, in_blocks
from storage.sql.schema import document_words, documents, sources
from uniir.ledger import SourceKind
from uniir.lexical import words_of, words_of_name

_MOST = 5000  # words of one text: far beyond any passage, and as much as a row of Postgres' index holds


def index_words(connection: Connection, of: ColumnElement[bool]) -> None:
    """The words of those rows of documents joined with sources, as they stand now."""
    after = -1
    query = (
        select(documents.c.id, documents.c.text, documents.c.image_path, sources.c.path, sources.c.kind)
        .join(sources, sources.c.id == documents.c.source_id)
        .where(of)
        .order_by(documents.c.id)
        .limit(PAGE)
    )
    while True:
        page = connection.execute(query.where(documents.c.id > after)).mappings().all()
        for block in in_blocks(page):
            connection.execute(delete(document_words).where(document_words.c.document_id.in_([row["id"] for row in block])))
            connection.execute(insert(document_words), [_row(row) for row in block])
        if len(page) < PAGE:
            return
        after = page[-1]["id"]


def index_words_of(connection: Connection, ids: Sequence[int]) -> None:
    """The words of these documents."""
    for block in in_blocks(ids):
        index_words(connection, documents.c.id.in_(block))


def without_words(collection: int, dialect: str) -> Select[Any]:
    """Ids of a collection's documents that no lexical search would find."""
    query = select(documents.c.id).outerjoin(document_words, document_words.c.document_id == documents.c.id)
    lacking: ColumnElement[bool] = document_words.c.document_id.is_(None)
    if dialect == "sqlite":
        lacking |= text("NOT EXISTS (SELECT 1 FROM lexical_docsize AS kept WHERE kept.id = documents.id)")
    return query.where(documents.c.collection_id == collection, lacking).order_by(documents.c.id)


def _row(row: RowMapping) -> dict[str, Any]:
    # the lines of a manifest share its name, which tells nothing of any of them
    path = row["image_path"] or ("" if row["kind"] == SourceKind.RECORD else row["path"])
    name, words = words_of_name(path)[:_MOST], words_of(row["text"] or "")[:_MOST]
    return {"document_id": row["id"], "name": name, "text": words, "length": len(name) + len(words)}
