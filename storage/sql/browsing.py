"""Looking around in the catalog: one document wherever it is, what stands beside it, and a few to begin with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, func, select, tuple_

from storage.sql.collections import CollectionRecord
from storage.sql.databases.engines import Engines
from storage.sql.rows import to_document
from storage.sql.schema import EmbeddingState, collections, documents, embeddings, runs, sources
from uniir.documents import Document, Json, Modality


@dataclass(frozen=True, slots=True)
class RunRecord:
    """How a run went; it has no end while it is at work, or when its process died."""

    command: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    counts: Json


class SqlBrowser:
    """Reads across collections."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def size(self) -> int:
        """Bytes that the whole catalog takes."""
        return self._engines.size()

    def collection_of(self, document: int) -> str | None:
        """The name of the collection that holds this document."""
        query = select(collections.c.name).join(documents, documents.c.collection_id == collections.c.id).where(documents.c.id == document)
        with self._engines.reading() as connection:
            return connection.execute(query).scalar()

    def beside(self, collection: CollectionRecord, document: Document, count: int) -> Sequence[Document]:
        """Up to `count` documents of the same file, or else of the same folder, those nearest by place."""
        with self._engines.reading() as connection:
            query = _searchable(collection)
            here = connection.execute(query.where(documents.c.id == document.id)).mappings().first()
            if here is None:
                return ()
            same_file = query.where(sources.c.root == here["root"], sources.c.path == here["path"])
            found = _around(connection, same_file, _IN_FILE, (here["source_id"], here["position"]), count)
            if not found:
                folder, path = os.path.dirname(here["path"]), here["path"]
                below = f"{folder}/" if folder else ""
                same_folder = query.where(
                    sources.c.root == here["root"],
                    sources.c.locator == "",
                    documents.c.position == 0,
                    func.substr(sources.c.path, 1, len(below)) == below,
                    func.substr(sources.c.path, len(below) + 1).not_like("%/%"),
                )
                if below:
                    same_folder = same_folder.where(sources.c.path >= below, sources.c.path < f"{folder}0")
                found = _around(connection, same_folder, _IN_FOLDER, (path, document.id), count)
            return found

    def some(self, collection: CollectionRecord, modality: Modality, count: int) -> Sequence[Document]:
        """Up to `count` documents of a modality, spread evenly over the collection in order of id."""
        query = _searchable(collection).where(documents.c.modality == modality).order_by(documents.c.id)
        with self._engines.reading() as connection:
            held = connection.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
            found = []
            for place in sorted({held * number // count for number in range(count)} if held else ()):
                row = connection.execute(query.offset(place).limit(1)).mappings().one()
                found.append(to_document(row, row["root"], row["path"]))
        return found

    def picture_hashes(self, collection: CollectionRecord) -> Sequence[str]:
        """The hash of every picture that a document of the collection shows, each once."""
        query = select(documents.c.image_sha256).where(documents.c.collection_id == collection.id, documents.c.image_sha256.is_not(None))
        with self._engines.reading() as connection:
            return list(connection.execute(query.distinct()).scalars())

    def last_run(self, collection: CollectionRecord) -> RunRecord | None:
        query = select(runs).where(runs.c.collection_id == collection.id).order_by(runs.c.id.desc()).limit(1)
        with self._engines.reading() as connection:
            row = connection.execute(query).first()
        return RunRecord(row.command, row.state, row.started_at, row.finished_at, row.counts) if row is not None else None


_IN_FILE = (sources.c.id, documents.c.position)
_IN_FOLDER = (sources.c.path, documents.c.id)


def _searchable(collection: CollectionRecord) -> Select[Any]:
    return (
        select(documents, sources.c.root, sources.c.path)
        .join(sources, sources.c.id == documents.c.source_id)
        .join(embeddings, embeddings.c.document_id == documents.c.id)
        .where(
            documents.c.collection_id == collection.id,
            embeddings.c.space_id == collection.space_id,
            embeddings.c.state == EmbeddingState.INDEXED,
        )
    )


def _around(
    connection: Connection, query: Select[Any], order: Sequence[Column[Any]], here: Sequence[object], count: int
) -> Sequence[Document]:
    """Rows before and after a place, as many of either side as there are, `count` in all, in order."""
    place = tuple_(*order)
    before = query.where(place < tuple(here)).order_by(*(column.desc() for column in order)).limit(count)
    after = query.where(place > tuple(here)).order_by(*order).limit(count)
    earlier = list(connection.execute(before).mappings())
    later = list(connection.execute(after).mappings())
    kept_later = later[: max(count - len(earlier), count - count // 2)]
    kept_earlier = earlier[: count - len(kept_later)]
    return [to_document(row, row["root"], row["path"]) for row in (*reversed(kept_earlier), *kept_later)]
