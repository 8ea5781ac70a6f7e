"""Rows of a collection on their way into a backup and out of one, between databases of any kind."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, Connection, LargeBinary, Row, RowMapping, Select, Table, delete, func, insert, select, update

from storage.sql.collections import CollectionRecord, require_name
from storage.sql.databases.columns import UtcDateTime
from storage.sql.databases.dialects import insert_or
from storage.sql.databases.engines import Engines
from storage.sql.lexical.writing import index_words
from storage.sql.rows import from_bytes, in_blocks, to_bytes
from storage.sql.schema import (
    calibrations,
    collections,
    documents,
    embeddings,
    failures,
    judged_pictures,
    judgments,
    runs,
    scorings,
    sources,
    spaces,
)
from uniir.errors import UsageError
from uniir.ids import format_id
from uniir.spaces import SpaceState, VectorSpace

_BLOCK = 500
_AT_ONCE = 1000
_PARTS = ("encoder", "weights", "preprocessing", "dtype", "dimension", "metric")
_PLAIN = {"runs": runs, "failures": failures, "judgments": judgments, "scorings": scorings, "calibrations": calibrations}


class StoredRows(Protocol):
    """A backup, as far as rows go."""

    def rows(self, name: str) -> Iterator[dict[str, Any]]: ...

    def vectors(self, space: int) -> Iterator[NDArray[np.float16]]: ...


class Snapshot:
    """One state of all tables. Spaces have numbers from 0 on, in the order they were made."""

    def __init__(self, connection: Connection, collection: CollectionRecord) -> None:
        self._connection = connection
        self._collection = collection
        mine = (spaces.c.collection_id == collection.id) & (spaces.c.state != SpaceState.REMOVING)
        self._spaces = list(connection.execute(select(spaces).where(mine).order_by(spaces.c.id)).mappings())

    @property
    def space_numbers(self) -> range:
        return range(len(self._spaces))

    def spaces(self) -> Iterator[dict[str, Any]]:
        yield from (_told(spaces, row) for row in self._spaces)

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Rows of `sources`, `documents` and all that hangs on the collection itself."""
        table = {"sources": sources, "documents": documents, **_PLAIN}[name]
        query = select(table).where(table.c.collection_id == self._collection.id).order_by(*table.primary_key.columns)
        yield from (_told(table, row) for row in self._streamed(query))

    def judged_pictures(self) -> Iterator[dict[str, Any]]:
        used = select(judgments.c.image_sha256).where(judgments.c.collection_id == self._collection.id)
        query = select(judged_pictures).where(judged_pictures.c.sha256.in_(used)).order_by(judged_pictures.c.sha256)
        yield from (_told(judged_pictures, row) for row in self._streamed(query))

    def embeddings(self, number: int) -> Iterator[dict[str, Any]]:
        """Documents of a space with state and code, and whether they have a vector."""
        columns = (embeddings.c.document_id, embeddings.c.state, embeddings.c.code, embeddings.c.vector.is_not(None).label("has_vector"))
        for row in self._streamed(self._of_space(number, *columns)):
            yield {**dict(row), "has_vector": bool(row["has_vector"])}

    def vectors(self, number: int, size: int) -> Iterator[NDArray[np.float16]]:
        """The vectors of those that have one, in the same order, in blocks of so many."""
        query = self._of_space(number, embeddings.c.vector).where(embeddings.c.vector.is_not(None))
        rows = (from_bytes(row["vector"]) for row in self._streamed(query))
        while block := list(islice(rows, size)):
            yield np.stack(block)

    def _of_space(self, number: int, *columns: Any) -> Select[Any]:
        return select(*columns).where(embeddings.c.space_id == self._spaces[number]["id"]).order_by(embeddings.c.document_id)

    def _streamed(self, query: Select[Any]) -> Iterator[RowMapping]:
        yield from self._connection.execution_options(yield_per=_AT_ONCE).execute(query).mappings()


class SqlTransfer:
    """Reads whole collections, and brings them back. What is brought back is hidden until it is shown."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    @contextmanager
    def snapshot(self, collection: CollectionRecord) -> Iterator[Snapshot]:
        with self._engines.reading() as connection:
            yield Snapshot(connection, collection)

    def hidden(self, name: str) -> Sequence[CollectionRecord]:
        """A collection of this name that was brought back and not shown yet, seen through each of its spaces."""
        active = select(spaces.c.collection_id).where(spaces.c.state == SpaceState.ACTIVE).correlate(None)
        query = (
            select(collections.c.id.label("collection"), spaces)
            .join(spaces, spaces.c.collection_id == collections.c.id)
            .where(collections.c.name == name, collections.c.id.not_in(active))
            .order_by(spaces.c.id)
        )
        with self._engines.reading() as connection:
            return [
                CollectionRecord(row["collection"], name, row["id"], VectorSpace(*(row[part] for part in _PARTS)))
                for row in connection.execute(query).mappings()
            ]

    def is_of(self, hidden: Sequence[CollectionRecord], counts: Mapping[str, int], stored: StoredRows) -> bool:
        """Whether a hidden collection holds what this backup has."""
        known = [VectorSpace(*(row[part] for part in _PARTS)) for row in stored.rows("spaces")]
        first = next(stored.rows("documents"), None)
        with self._engines.reading() as connection:
            held = [
                connection.execute(select(func.count()).select_from(table).where(table.c.collection_id == hidden[0].id)).scalar_one()
                for table in (documents, sources)
            ]
            there = (
                first is None
                or connection.execute(
                    select(documents.c.id).where(documents.c.id == first["id"], documents.c.collection_id == hidden[0].id)
                ).first()
            )
        return [one.space for one in hidden] == known and held == [counts["documents"], counts["sources"]] and bool(there)

    def discard(self, hidden: CollectionRecord) -> None:
        with self._engines.writing() as connection:
            connection.execute(delete(collections).where(collections.c.id == hidden.id))

    def require_new(self, name: str, stored: StoredRows) -> None:
        """Raises UsageError where the collection, or one of the backup's documents, is here already."""
        require_name(name)
        with self._engines.reading() as connection:
            if connection.execute(select(collections.c.id).where(collections.c.name == name)).first() is not None:
                raise UsageError(
                    f"There is a collection {name} already.",
                    "Delete it first (`uniir delete --all`), or restore into another `--data-dir`.",
                )
            for block in _blocks(stored.rows("documents")):
                self._require_new(connection, [row["id"] for row in block])

    def _require_new(self, connection: Connection, ids: Sequence[int]) -> None:
        held = select(documents.c.id, collections.c.name).join(collections, collections.c.id == documents.c.collection_id)
        for some in in_blocks(ids):
            met = connection.execute(held.where(documents.c.id.in_(some)).limit(1)).first()
            if met is not None:
                raise UsageError(
                    f"The document {format_id(met.id)} of the backup is in the collection {met.name} already.",
                    "Delete that collection first, or restore into another `--data-dir`.",
                )

    def bring_back(self, name: str, stored: StoredRows) -> None:
        """All rows in one transaction, hidden. Raises UsageError where something of it is here already."""
        self.require_new(name, stored)
        with self._engines.writing() as connection:
            collection = connection.execute(insert(collections).values(name=name).returning(collections.c.id)).scalar_one()
            mine = {"collection_id": collection}
            numbers: dict[int, int] = {}
            for block in _blocks(stored.rows("sources")):
                numbers |= _inserted(connection, sources, [_row(sources, row, mine) for row in block], [row["id"] for row in block])
            for block in _blocks(stored.rows("documents")):
                rows = [_row(documents, row, {**mine, "source_id": numbers[row["source_id"]]}, keep_id=True) for row in block]
                connection.execute(insert(documents), rows)
            index_words(connection, documents.c.collection_id == collection)
            for number, space in enumerate(stored.rows("spaces")):
                self._bring_space(connection, number, _row(spaces, space, {**mine, "state": SpaceState.BUILDING}), stored)
            for block in _blocks(stored.rows("judged_pictures")):
                kept = insert_or(connection, judged_pictures).on_conflict_do_nothing(index_elements=["sha256"])
                connection.execute(kept, [_row(judged_pictures, row, {}) for row in block])
            for table_name, table in _PLAIN.items():
                for block in _blocks(stored.rows(table_name)):
                    connection.execute(insert(table), [_row(table, row, mine) for row in block])

    def _bring_space(self, connection: Connection, number: int, row: Mapping[str, Any], stored: StoredRows) -> None:
        space = connection.execute(insert(spaces).values(**row).returning(spaces.c.id)).scalar_one()
        vectors = stored.vectors(number)
        for block in _blocks(stored.rows(f"embeddings-{number}")):
            connection.execute(
                insert(embeddings),
                [
                    {
                        "document_id": one["document_id"],
                        "space_id": space,
                        "state": one["state"],
                        "code": one["code"],
                        "vector": to_bytes(next(vectors)) if one["has_vector"] else None,
                    }
                    for one in block
                ],
            )

    def states(self, stored: StoredRows) -> Sequence[SpaceState]:
        """Of the backup's spaces, in their order."""
        return [SpaceState(row["state"]) for row in stored.rows("spaces")]

    def show(self, hidden: Sequence[CollectionRecord], stored: StoredRows) -> None:
        """Gives every space the state it had, and with that the collection to search."""
        with self._engines.writing() as connection:
            for one, state in zip(hidden, self.states(stored), strict=True):
                connection.execute(update(spaces).where(spaces.c.id == one.space_id).values(state=state))
        self._engines.take_stock()


def _blocks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while block := list(islice(rows, _BLOCK)):
        yield block


def _told(table: Table, row: RowMapping) -> dict[str, Any]:
    """A row as JSON can say it; what it belongs to is said by where it stands."""
    return {column.name: _plain(row[column.name]) for column in table.c if column.name != "collection_id"}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _row(table: Table, told: Mapping[str, Any], others: Mapping[str, Any], *, keep_id: bool = False) -> dict[str, Any]:
    """A row for a table, from what a backup says and from what is other here; numbers made by a database are made anew."""
    row = {column.name: _value(column, told[column.name]) for column in table.c if column.name in told}
    if not keep_id:
        row.pop("id", None)
    return {**row, **others}


def _value(column: Column[Any], told: Any) -> Any:
    if told is None:
        return None
    if isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(told)
    return base64.b64decode(told) if isinstance(column.type, LargeBinary) else told


def _inserted(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], numbers: Sequence[int]) -> Mapping[int, int]:
    """The numbers that rows get here, by those they had."""
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    made: Sequence[Row[Any]] = connection.execute(statement, list(rows)).all()
    return {before: row.id for before, row in zip(numbers, made, strict=True)}
