"""The ingest's side of the catalog."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, or_, select, update

from storage.sql.collections import CollectionRecord
from storage.sql.databases.engines import Engines
from storage.sql.lexical.writing import index_words
from storage.sql.library import unused_pictures
from storage.sql.recording import Recorder, hide
from storage.sql.rows import PAGE, from_bytes, in_blocks, to_bytes, to_source
from storage.sql.schema import EmbeddingState, documents, embeddings, failures, now, runs, sources, spaces
from uniir.documents import Json
from uniir.filter_language import Key
from uniir.ledger import Failure, Recording, Run, SourceDraft, SourceKey, SourceKind, SourceRecord


class SqlLedger:
    """Implements uniir.ledger.Ledger. With `keep_vectors` off a lost vector store needs the encoder to be rebuilt.

    `declared` are the keys of the metadata that vector stores may keep beside the vectors.
    """

    def __init__(
        self, engines: Engines, collection: CollectionRecord, *, keep_vectors: bool = True, declared: Collection[Key] = ()
    ) -> None:
        self._engines = engines
        self._collection = collection
        self._keep_vectors = keep_vectors
        self._declared = declared
        self._mine = sources.c.collection_id == collection.id
        self._here = embeddings.c.space_id == collection.space_id

    def roots(self) -> Sequence[str]:
        with self._engines.reading() as connection:
            return self._roots(connection)

    def _roots(self, connection: Connection) -> list[str]:
        failed = select(failures.c.root).where(failures.c.collection_id == self._collection.id)
        return list(connection.execute(select(sources.c.root).where(self._mine).union(failed)).scalars())

    def adopt(self, root: str) -> None:
        with self._engines.writing() as connection:
            for deeper in self._roots(connection):
                if deeper != root and deeper.startswith(os.path.join(root, "")):
                    self._move_below(connection, deeper, root)

    def _move_below(self, connection: Connection, deeper: str, root: str) -> None:
        prefix = os.path.join(os.path.relpath(deeper, root), "")
        mine = sources.c.collection_id == self._collection.id
        below = mine & (sources.c.root == deeper)
        connection.execute(
            update(documents)
            .where(documents.c.source_id.in_(select(sources.c.id).where(below)), documents.c.image_path.not_like("/%"))
            .values(image_path=prefix + documents.c.image_path)
        )
        connection.execute(update(sources).where(below).values(root=root, path=prefix + sources.c.path))
        index_words(connection, mine & (sources.c.root == root) & sources.c.path.startswith(prefix, autoescape=True))
        failed = (failures.c.collection_id == self._collection.id) & (failures.c.root == deeper)
        connection.execute(update(failures).where(failed).values(root=root, path=prefix + failures.c.path))

    def entries(self, root: str, prefix: str) -> Iterator[SourceRecord]:
        after = ""
        while True:
            query = (
                select(sources)
                .where(self._mine, sources.c.root == root, sources.c.path > after, sources.c.locator == "")
                .order_by(sources.c.path)
                .limit(PAGE)
            )
            if prefix:
                query = query.where(sources.c.path >= prefix, sources.c.path < _after_prefix(prefix))
            with self._engines.reading() as connection:
                page = [to_source(row) for row in connection.execute(query).mappings()]
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].key.path

    def known(self, key: SourceKey) -> SourceRecord | None:
        there = (sources.c.root == key.root, sources.c.path == key.path, sources.c.locator == key.locator)
        return next(iter(self._sources(*there)), None)

    def records(self, root: str, manifest: str) -> Iterator[SourceRecord]:
        query = select(sources).where(self._mine, sources.c.root == root, sources.c.path == manifest)
        after = ""
        while True:
            with self._engines.reading() as connection:
                rows = connection.execute(query.where(sources.c.locator > after).order_by(sources.c.locator).limit(PAGE)).mappings()
                page = [to_source(row) for row in rows]
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].key.locator

    def manifests(self, root: str) -> Sequence[SourceRecord]:
        return self._sources(sources.c.root == root, sources.c.kind == SourceKind.MANIFEST)

    def owner_of(self, external_id: str) -> SourceRecord | None:
        owner = select(documents.c.source_id).where(
            documents.c.collection_id == self._collection.id, documents.c.external_id == external_id
        )
        return next(iter(self._sources(sources.c.id.in_(owner))), None)

    def with_content(self, sha256: str) -> Sequence[SourceRecord]:
        return self._sources(sources.c.sha256 == sha256, sources.c.kind != SourceKind.RECORD)

    def _sources(self, *conditions: ColumnElement[bool]) -> list[SourceRecord]:
        with self._engines.reading() as connection:
            return [to_source(row) for row in connection.execute(select(sources).where(self._mine, *conditions)).mappings()]

    def vectors_of(self, fingerprints: Sequence[str]) -> Mapping[str, NDArray[np.float16]]:
        found: dict[str, NDArray[np.float16]] = {}
        with self._engines.reading() as connection:
            for block in in_blocks(fingerprints):
                query = (
                    select(documents.c.fingerprint, embeddings.c.vector)
                    .join(embeddings, embeddings.c.document_id == documents.c.id)
                    .where(
                        documents.c.fingerprint.in_(block),
                        embeddings.c.space_id == self._collection.space_id,
                        embeddings.c.state == EmbeddingState.INDEXED,
                        embeddings.c.vector.is_not(None),
                    )
                )
                found |= {row.fingerprint: from_bytes(row.vector) for row in connection.execute(query)}
        return found

    def record(self, drafts: Sequence[SourceDraft]) -> Recording:
        return self._engines.settled(lambda connection: Recorder(connection, self._collection, self._declared).record(drafts))

    def move_manifest(self, manifest: SourceRecord, to: SourceKey, signature: str) -> None:
        family = self._mine & (sources.c.root == manifest.key.root) & (sources.c.path == manifest.key.path)
        with self._engines.writing() as connection:
            connection.execute(update(sources).where(family).values(root=to.root, path=to.path))
            connection.execute(update(sources).where(sources.c.id == manifest.id).values(signature=signature))
            refused = (failures.c.collection_id == self._collection.id) & (failures.c.locator != "")
            there = refused & (failures.c.root == to.root) & (failures.c.path == to.path)
            connection.execute(delete(failures).where(there))  # of another file that stood there once
            from_here = refused & (failures.c.root == manifest.key.root) & (failures.c.path == manifest.key.path)
            connection.execute(update(failures).where(from_here).values(root=to.root, path=to.path))

    def mark_indexed(self, vectors: Mapping[int, NDArray[np.float16]]) -> None:
        if not vectors:
            return
        with self._engines.writing() as connection:
            connection.execute(
                update(embeddings)
                .where(
                    embeddings.c.document_id == bindparam("document"),
                    embeddings.c.space_id == self._collection.space_id,
                    embeddings.c.state == EmbeddingState.PENDING,  # or somebody has hidden it meanwhile
                )
                .values(state=EmbeddingState.INDEXED, vector=bindparam("bytes")),
                [{"document": document, "bytes": to_bytes(vector) if self._keep_vectors else None} for document, vector in vectors.items()],
            )

    def retire(self, source_ids: Sequence[int]) -> Sequence[int]:
        retired: list[int] = []
        with self._engines.writing() as connection:
            for block in in_blocks(source_ids):
                ids = list(connection.execute(select(documents.c.id).where(documents.c.source_id.in_(block))).scalars())
                retired += ids
                for inner in in_blocks(ids):
                    hide(connection, self._collection, inner)
                connection.execute(
                    delete(sources).where(
                        sources.c.id.in_(block), ~select(documents.c.id).where(documents.c.source_id == sources.c.id).exists()
                    )
                )
        return retired

    def retire_pending(self, source_ids: Sequence[int]) -> Sequence[int]:
        retired: list[int] = []
        for block in in_blocks(source_ids):
            query = (
                select(documents.c.id)
                .join(embeddings, embeddings.c.document_id == documents.c.id)
                .where(documents.c.source_id.in_(block), self._here, embeddings.c.state == EmbeddingState.PENDING)
            )
            with self._engines.reading() as connection:
                retired += connection.execute(query).scalars()
        self.retire_documents(retired)
        return retired

    def retire_documents(self, ids: Sequence[int]) -> None:
        with self._engines.writing() as connection:
            for block in in_blocks(ids):
                hide(connection, self._collection, block)

    def mark_pending(self, ids: Sequence[int]) -> None:
        """Hides documents until they were encoded again."""
        with self._engines.writing() as connection:
            for block in in_blocks(ids):
                mine = embeddings.c.document_id.in_(block) & (embeddings.c.space_id == self._collection.space_id)
                connection.execute(update(embeddings).where(mine).values(state=EmbeddingState.PENDING))

    def forget(self, ids: Sequence[int]) -> Sequence[str]:
        pictures: set[str] = set()
        with self._engines.writing() as connection:
            for block in in_blocks(ids):
                rows = connection.execute(select(documents.c.source_id, documents.c.image_sha256).where(documents.c.id.in_(block))).all()
                connection.execute(delete(documents).where(documents.c.id.in_(block)))
                has_documents = select(documents.c.id).where(documents.c.source_id == sources.c.id).exists()
                connection.execute(delete(sources).where(sources.c.id.in_({row.source_id for row in rows}), ~has_documents))
                pictures.update(row.image_sha256 for row in rows if row.image_sha256)
        return sorted(pictures)

    def unused_pictures(self, hashes: Sequence[str]) -> Sequence[str]:
        return unused_pictures(self._engines, hashes)

    def unfinished_deletes(self) -> Sequence[int]:
        mine = spaces.c.collection_id == self._collection.id
        query = (
            select(embeddings.c.document_id)
            .distinct()
            .join(spaces, spaces.c.id == embeddings.c.space_id)
            .where(mine, embeddings.c.state == EmbeddingState.DELETING)  # whichever space was searched when they were hidden
        )
        with self._engines.reading() as connection:
            return list(connection.execute(query).scalars())

    def reopen_unfinished(self) -> int:
        pending = self._pending()
        reopened: set[int] = set()
        with self._engines.writing() as connection:
            for block in in_blocks(pending):
                owners = list(connection.execute(select(documents.c.source_id).where(documents.c.id.in_(block)).distinct()).scalars())
                connection.execute(update(sources).where(sources.c.id.in_(owners)).values(signature=""))
                manifests = (
                    select(sources.c.root, sources.c.path).where(sources.c.id.in_(owners), sources.c.kind == SourceKind.RECORD).distinct()
                )
                for root, path in connection.execute(manifests).all():
                    connection.execute(
                        update(sources)
                        .where(self._mine, sources.c.root == root, sources.c.path == path, sources.c.locator == "")
                        .values(signature="")
                    )
                reopened.update(owners)
        return len(reopened)

    def _pending(self) -> Sequence[int]:
        query = select(embeddings.c.document_id).where(self._here, embeddings.c.state == EmbeddingState.PENDING)
        with self._engines.reading() as connection:
            return list(connection.execute(query).scalars())

    def failures(self, root: str) -> Mapping[SourceKey, Failure]:
        query = select(failures).where(failures.c.collection_id == self._collection.id, failures.c.root == root)
        with self._engines.reading() as connection:
            found = (
                Failure(SourceKey(row.root, row.path, row.locator), row.code, row.reason, row.signature, row.ignored)
                for row in connection.execute(query)
            )
            return {failure.key: failure for failure in found}

    def quarantine(self, found: Sequence[Failure]) -> None:
        with self._engines.writing() as connection:
            for failure in found:
                values = {
                    "code": failure.code,
                    "reason": failure.reason,
                    "signature": failure.signature,
                    "ignored": failure.ignored,
                }
                known = update(failures).where(self._failure_at(failure.key))
                again = connection.execute(known.values(values | {"attempts": failures.c.attempts + 1, "last_seen": now()}))
                if not again.rowcount:
                    key = {"root": failure.key.root, "path": failure.key.path, "locator": failure.key.locator}
                    connection.execute(insert(failures).values(values | key | {"collection_id": self._collection.id}))

    def release(self, keys: Sequence[SourceKey]) -> None:
        if not keys:
            return
        with self._engines.writing() as connection:
            for block in in_blocks(keys):
                connection.execute(delete(failures).where(or_(*map(self._failure_at, block))))

    def _failure_at(self, key: SourceKey) -> ColumnElement[bool]:
        return (
            (failures.c.collection_id == self._collection.id)
            & (failures.c.root == key.root)
            & (failures.c.path == key.path)
            & (failures.c.locator == key.locator)
        )

    def touched_since_done(self) -> Sequence[int]:
        mine = runs.c.collection_id == self._collection.id
        last_done = select(func.coalesce(func.max(runs.c.id), 0)).where(mine, runs.c.state == "done").scalar_subquery()
        since = select(func.min(runs.c.started_at)).where(mine, runs.c.id > last_done).scalar_subquery()
        query = (
            select(documents.c.id)
            .join(embeddings, embeddings.c.document_id == documents.c.id)
            .where(
                embeddings.c.space_id == self._collection.space_id,
                embeddings.c.state == EmbeddingState.INDEXED,
                documents.c.updated_at >= since,
            )
        )
        with self._engines.reading() as connection:
            return list(connection.execute(query).scalars())

    def walked(self) -> Sequence[Json]:
        query = select(runs.c.scopes).where(runs.c.collection_id == self._collection.id).order_by(runs.c.id.desc())
        with self._engines.reading() as connection:
            return list(connection.execute(query).scalars())

    def start_run(self, command: str, scopes: Json) -> Run:
        mine = runs.c.collection_id == self._collection.id
        with self._engines.writing() as connection:
            last = connection.execute(select(runs.c.state).where(mine).order_by(runs.c.id.desc()).limit(1)).scalar()
            row = insert(runs).values(collection_id=self._collection.id, command=command, state="running", scopes=scopes, counts={})
            return Run(connection.execute(row.returning(runs.c.id)).scalar_one(), resumes=last not in (None, "done"))

    def finish_run(self, run: int, state: str, counts: Json) -> None:
        with self._engines.writing() as connection:
            connection.execute(update(runs).where(runs.c.id == run).values(state=state, counts=counts, finished_at=now()))
        if isinstance(counts, dict) and counts.get("documents"):
            self._engines.take_stock()


def _after_prefix(prefix: str) -> str:
    """The smallest string after every string that starts with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
