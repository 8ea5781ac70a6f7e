"""Reading the catalog: documents for search, walks for the doctor and the rebuild, listings for people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, RowMapping, Select, bindparam, func, select, true, update

from storage.sql.collections import CollectionRecord
from storage.sql.conditions.conditions import matching
from storage.sql.conditions.prefixes import after_all_with, prefixes_below
from storage.sql.databases.engines import Engines
from storage.sql.lexical.matching import matches
from storage.sql.rows import CONTENT, PAGE, from_bytes, in_blocks, to_document, to_source
from storage.sql.schema import EmbeddingState, documents, embeddings, failures, sources
from uniir.documents import Document, Metadata, Modality
from uniir.filter_language import Condition
from uniir.filters import Filter
from uniir.ledger import SourceKey, SourceRecord
from uniir.lexical import LexicalMatch
from uniir.protocols import Findable, StoredVector

# What every search asks: written once, since putting such a query together takes longer than SQLite's answer.
_INDEXED = (embeddings.c.space_id == bindparam("space")) & (embeddings.c.state == EmbeddingState.INDEXED)
_DOCUMENTS = (
    select(*CONTENT, sources.c.root, sources.c.path)
    .join(sources, sources.c.id == documents.c.source_id)
    .join(embeddings, embeddings.c.document_id == documents.c.id)
    .where(documents.c.id.in_(bindparam("ids", expanding=True)), _INDEXED)
)
_FINDABLE = _DOCUMENTS.add_columns(embeddings.c.vector)
_VECTORS = select(embeddings.c.document_id, embeddings.c.vector).where(
    embeddings.c.document_id.in_(bindparam("ids", expanding=True)), _INDEXED, embeddings.c.vector.is_not(None)
)


@dataclass(frozen=True, slots=True)
class ListedFailure:
    """A quarantined input as people see it."""

    key: SourceKey
    code: str
    reason: str
    ignored: bool
    attempts: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Described:
    """What a filter can ask of a document."""

    modality: Modality
    path: str
    metadata: Metadata


class SqlLibrary:
    """Implements Library and Archive of uniir.protocols for one collection, and the listings beside them."""

    def __init__(self, engines: Engines, collection: CollectionRecord) -> None:
        self._engines = engines
        self._collection = collection

    @cached_property
    def _indexed(self) -> ColumnElement[bool]:
        return (embeddings.c.space_id == self._collection.space_id) & (embeddings.c.state == EmbeddingState.INDEXED)

    def _select(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Of indexed documents with their sources."""
        return (
            select(*columns)
            .join_from(documents, sources, sources.c.id == documents.c.source_id)
            .join(embeddings, embeddings.c.document_id == documents.c.id)
            .where(self._indexed)
        )

    def findable(self, ids: Sequence[int]) -> Mapping[int, Findable]:
        return {
            row["id"]: Findable(to_document(row, row["root"], row["path"]), None if row["vector"] is None else from_bytes(row["vector"]))
            for row in self._rows(_FINDABLE, ids)
        }

    def documents(self, ids: Sequence[int]) -> Mapping[int, Document]:
        return {row["id"]: to_document(row, row["root"], row["path"]) for row in self._rows(_DOCUMENTS, ids)}

    def vectors(self, ids: Sequence[int]) -> Mapping[int, NDArray[np.float16]]:
        return {row["document_id"]: from_bytes(row["vector"]) for row in self._rows(_VECTORS, ids)}

    def _rows(self, query: Select[Any], ids: Sequence[int]) -> Iterator[RowMapping]:
        with self._engines.glancing() as connection:
            for block in in_blocks(ids):
                yield from connection.execute(query, {"ids": block, "space": self._collection.space_id}).mappings().all()

    def ids_below(self, path: str, modality: Modality | None) -> frozenset[int]:
        mine = sources.c.collection_id == self._collection.id
        wanted = documents.c.modality == modality if modality is not None else true()
        found: set[int] = set()
        with self._engines.reading() as connection:
            for root in connection.execute(select(sources.c.root).where(mine).distinct()).scalars():
                for prefix in prefixes_below(root, path):
                    query = self._select(documents.c.id).where(mine, sources.c.root == root, wanted, sources.c.path >= prefix)
                    if end := after_all_with(prefix):
                        query = query.where(sources.c.path < end)
                    found.update(connection.execute(query).scalars())
        return frozenset(found)

    def ids_matching(self, condition: Condition, modality: Modality | None) -> frozenset[int]:
        wanted = documents.c.modality == modality if modality is not None else true()
        query = self._select(documents.c.id).where(sources.c.collection_id == self._collection.id, wanted)
        with self._engines.reading() as connection:
            fitting = query.where(matching(condition, connection.dialect.name))
            return frozenset(connection.execute(fitting).scalars())

    def lexical_matches(self, words: Sequence[str], limit: int, where: Filter, least: float = 0.0) -> Sequence[LexicalMatch]:
        with self._engines.reading() as connection:
            return matches(connection, self._collection.space_id, words, limit, where, least)

    def fitting(self, ids: Sequence[int], path: str | None, where: Condition | None) -> frozenset[int]:
        found: set[int] = set()
        with self._engines.reading() as connection:
            fits = true() if where is None else matching(where, connection.dialect.name)
            for block in in_blocks(ids):
                query = self._select(documents.c.id, sources.c.root, sources.c.path).where(documents.c.id.in_(block), fits)
                rows = connection.execute(query).all()
                found.update(row.id for row in rows if not path or row.path.startswith(tuple(prefixes_below(row.root, path))))
        return frozenset(found)

    def described(self, condition: Condition | None) -> Iterator[Described]:
        """Every indexed document that fits the condition; None: all."""
        after = -1
        while True:
            query = (
                self._select(documents.c.id, documents.c.modality, sources.c.path, documents.c.metadata)
                .where(documents.c.collection_id == self._collection.id, documents.c.id > after)
                .order_by(documents.c.id)
                .limit(PAGE)
            )
            with self._engines.reading() as connection:
                fits = true() if condition is None else matching(condition, connection.dialect.name)
                page = connection.execute(query.where(fits)).all()
            yield from (Described(Modality(row.modality), row.path, row.metadata) for row in page)
            if len(page) < PAGE:
                return
            after = page[-1].id

    def existing(self, ids: Sequence[int]) -> frozenset[int]:
        """Those of the ids that name a document of this collection, in whatever state."""
        found: set[int] = set()
        with self._engines.reading() as connection:
            for block in in_blocks(ids):
                query = select(documents.c.id).where(documents.c.id.in_(block), documents.c.collection_id == self._collection.id)
                found.update(connection.execute(query).scalars())
        return frozenset(found)

    def indexed_ids(self) -> Iterator[NDArray[np.int64]]:
        """Every indexed id once, in ascending blocks."""
        after = -1
        while True:
            query = (
                select(embeddings.c.document_id)
                .where(self._indexed, embeddings.c.document_id > after)
                .order_by(embeddings.c.document_id)
                .limit(PAGE)
            )
            with self._engines.reading() as connection:
                page = np.fromiter(connection.execute(query).scalars(), dtype=np.int64)
            if page.size:
                yield page
            if page.size < PAGE:
                return
            after = int(page[-1])

    def stored_vectors(self) -> Iterator[Sequence[StoredVector]]:
        """Every indexed document's vector, in ascending pages: what a lost vector store is rebuilt from."""
        for page in self.indexed_ids():
            yield self.stored_vectors_of(page.tolist())

    def stored_vectors_of(self, ids: Sequence[int]) -> Sequence[StoredVector]:
        found: list[StoredVector] = []
        with self._engines.reading() as connection:
            for block in in_blocks(ids):
                query = (
                    select(documents.c.id, documents.c.modality, documents.c.metadata, embeddings.c.vector)
                    .join(embeddings, embeddings.c.document_id == documents.c.id)
                    .where(documents.c.id.in_(block), self._indexed)
                )
                found += [
                    StoredVector(row.id, Modality(row.modality), row.metadata, None if row.vector is None else from_bytes(row.vector))
                    for row in connection.execute(query)
                ]
        return found

    def pictures(self) -> Iterator[Document]:
        """Every indexed document that has a picture."""
        for page in self.indexed_ids():
            yield from (document for document in self.documents(page.tolist()).values() if document.image is not None)

    def unfinished_count(self) -> int:
        """Documents that a run which did not end left pending or deleting."""
        half_done = embeddings.c.state.in_((EmbeddingState.PENDING, EmbeddingState.DELETING))
        query = select(func.count()).where(embeddings.c.space_id == self._collection.space_id, half_done)
        with self._engines.reading() as connection:
            return connection.execute(query).scalar_one()

    def sources_at(self, file: str) -> Sequence[SourceRecord]:
        """Sources that are this file, or lie below this directory; `file` is absolute."""
        mine = sources.c.collection_id == self._collection.id
        found = []
        with self._engines.reading() as connection:
            for root in connection.execute(select(sources.c.root).where(mine).distinct()).scalars():
                relative = "" if root == file or root.startswith(os.path.join(file, "")) else os.path.relpath(file, root)
                if relative.startswith(".."):
                    continue
                # a range, since LIKE takes Photos and photos for the same
                below = (sources.c.path >= f"{relative}/") & (sources.c.path < f"{relative}0") if relative else sources.c.path != ""
                query = select(sources).where(mine, sources.c.root == root, (sources.c.path == relative) | below)
                found += [to_source(row) for row in connection.execute(query).mappings()]
        return found

    def failures(self) -> Sequence[ListedFailure]:
        query = select(failures).where(failures.c.collection_id == self._collection.id).order_by(failures.c.root, failures.c.path)
        with self._engines.reading() as connection:
            return [
                ListedFailure(
                    SourceKey(row.root, row.path, row.locator),
                    row.code,
                    row.reason,
                    row.ignored,
                    row.attempts,
                    row.first_seen,
                    row.last_seen,
                )
                for row in connection.execute(query)
            ]

    def ignore_failures(self, keys: Sequence[SourceKey]) -> None:
        """Keeps these inputs in quarantine and out of every report until they change."""
        with self._engines.writing() as connection:
            for key in keys:
                connection.execute(
                    update(failures)
                    .where(
                        failures.c.collection_id == self._collection.id,
                        failures.c.root == key.root,
                        failures.c.path == key.path,
                        failures.c.locator == key.locator,
                    )
                    .values(ignored=True)
                )


def unused_pictures(engines: Engines, hashes: Sequence[str]) -> Sequence[str]:
    """Those of the pictures that no document of any collection shows, in order."""
    used: set[str] = set()
    with engines.reading() as connection:
        for block in in_blocks(hashes):
            query = select(documents.c.image_sha256).where(documents.c.image_sha256.in_(block)).distinct()
            used.update(connection.execute(query).scalars())
    return [sha256 for sha256 in hashes if sha256 not in used]
