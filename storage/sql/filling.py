"""One space's side of the catalog while documents that are known already are encoded for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from storage.sql.collections import CollectionRecord
from storage.sql.databases.engines import Engines
from storage.sql.ledger import SqlLedger
from storage.sql.rows import in_blocks, to_document
from storage.sql.schema import EmbeddingState, documents, embeddings, sources
from uniir.documents import Document

_PAGE = 512


class SqlFilling:
    """Implements uniir.ledger.Filling for a collection seen through the space that is filled."""

    def __init__(self, engines: Engines, collection: CollectionRecord, *, keep_vectors: bool = True) -> None:
        self._engines = engines
        self._collection = collection
        self._ledger = SqlLedger(engines, collection, keep_vectors=keep_vectors)

    def count(self) -> int:
        with self._engines.reading() as connection:
            return connection.execute(select(func.count()).select_from(documents).where(self._lacking())).scalar_one()

    def lacking(self) -> Iterator[Sequence[Document]]:
        after = -1
        while True:
            query = (
                select(documents, sources.c.root, sources.c.path)
                .join(sources, sources.c.id == documents.c.source_id)
                .where(self._lacking(), documents.c.id > after)
                .order_by(documents.c.id)
                .limit(_PAGE)
            )
            with self._engines.reading() as connection:
                page = [to_document(row, row["root"], row["path"]) for row in connection.execute(query).mappings()]
            if not page:
                return
            after = page[-1].id
            yield page

    def _lacking(self) -> ColumnElement[bool]:
        settled = embeddings.c.state.in_((EmbeddingState.INDEXED, EmbeddingState.DELETING))
        here = (embeddings.c.document_id == documents.c.id) & (embeddings.c.space_id == self._collection.space_id) & settled
        leaving = (embeddings.c.document_id == documents.c.id) & (embeddings.c.state == EmbeddingState.DELETING)
        found = select(embeddings.c.document_id)
        return (documents.c.collection_id == self._collection.id) & ~found.where(here).exists() & ~found.where(leaving).exists()

    def vectors_of(self, fingerprints: Sequence[str]) -> Mapping[str, NDArray[np.float16]]:
        return self._ledger.vectors_of(fingerprints)

    def claim(self, wanted: Sequence[Document]) -> Sequence[Document]:
        with self._engines.writing() as connection:
            return self._put(connection, [(document, None) for document in wanted], EmbeddingState.PENDING)

    def refuse(self, codes: Sequence[tuple[Document, str]]) -> None:
        with self._engines.writing() as connection:
            self._put(connection, codes, EmbeddingState.REFUSED)

    def mark_indexed(self, vectors: Mapping[int, NDArray[np.float16]]) -> None:
        self._ledger.mark_indexed(vectors)

    def lose(self, ids: Sequence[int]) -> None:
        with self._engines.writing() as connection:
            for block in in_blocks(ids):
                self._delete(connection, block)

    def refused(self, count: int) -> Sequence[tuple[Document, str]]:
        query = (
            select(documents, sources.c.root, sources.c.path, embeddings.c.code)
            .join(sources, sources.c.id == documents.c.source_id)
            .join(embeddings, embeddings.c.document_id == documents.c.id)
            .where(embeddings.c.space_id == self._collection.space_id, embeddings.c.state == EmbeddingState.REFUSED)
            .order_by(documents.c.id)
            .limit(count)
        )
        with self._engines.reading() as connection:
            return [(to_document(row, row["root"], row["path"]), row["code"]) for row in connection.execute(query).mappings()]

    def refused_by_code(self) -> Mapping[str, int]:
        query = (
            select(embeddings.c.code, func.count().label("documents"))
            .where(embeddings.c.space_id == self._collection.space_id, embeddings.c.state == EmbeddingState.REFUSED)
            .group_by(embeddings.c.code)
        )
        with self._engines.reading() as connection:
            return {row.code: row.documents for row in connection.execute(query)}

    def _put(self, connection: Connection, codes: Sequence[tuple[Document, str | None]], state: EmbeddingState) -> Sequence[Document]:
        """Rows for those that are still what was read; what was changed, or is on its way out, is another's matter."""
        by_id = {document.id: (document, code) for document, code in codes}
        accepted: list[Document] = []
        for block in in_blocks(sorted(by_id)):
            there = select(documents.c.id, documents.c.fingerprint).where(documents.c.id.in_(block)).with_for_update(read=True)
            known = {row.id: row.fingerprint for row in connection.execute(there)}
            leaving = select(embeddings.c.document_id).where(
                embeddings.c.document_id.in_(block), embeddings.c.state == EmbeddingState.DELETING
            )
            gone = set(connection.execute(leaving).scalars())
            kept = [one for one in block if one not in gone and known.get(one) == by_id[one][0].fingerprint]
            self._delete(connection, kept)
            if kept:
                rows = [{"document_id": one, "space_id": self._collection.space_id, "state": state, "code": by_id[one][1]} for one in kept]
                connection.execute(insert(embeddings), rows)
            accepted += [by_id[one][0] for one in kept]
        return accepted

    def _delete(self, connection: Connection, ids: Sequence[int]) -> None:
        if ids:
            mine = embeddings.c.document_id.in_(ids) & (embeddings.c.space_id == self._collection.space_id)
            connection.execute(delete(embeddings).where(mine))
