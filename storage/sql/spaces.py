"""The spaces of a collection: one is searched, others stand beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from storage.sql.collections import CollectionRecord, vectors_name
from storage.sql.databases.engines import Engines
from storage.sql.schema import EmbeddingState, collections, documents, embeddings, now, spaces
from uniir.errors import UsageError
from uniir.spaces import SpaceState, VectorSpace

_PARTS = ("encoder", "weights", "preprocessing", "dtype", "dimension", "metric")


@dataclass(frozen=True, slots=True)
class SpaceRecord:
    """A space of a collection; `since` is when it came into its state."""

    id: int
    space: VectorSpace
    state: SpaceState
    created_at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many documents a collection has, those on their way out left aside, and what became of them in one space."""

    documents: int
    indexed: int
    refused: int

    @property
    def missing(self) -> int:
        """Documents that nobody tried yet."""
        return self.documents - self.indexed - self.refused


class SqlSpaces:
    """Adds, switches and removes spaces; each method is one transaction."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def of(self, collection: CollectionRecord) -> Sequence[SpaceRecord]:
        """All spaces of a collection, oldest first."""
        with self._engines.reading() as connection:
            return _spaces_of(connection, collection)

    def add(self, collection: CollectionRecord, space: VectorSpace) -> SpaceRecord:
        """The space of this identity, a building one if it is new."""
        with self._engines.writing() as connection:
            known = next((one for one in _spaces_of(connection, collection) if _is(one, space)), None)
            if known is not None:
                return known
            values = dict(zip(_PARTS, astuple(space), strict=True))
            connection.execute(insert(spaces).values(collection_id=collection.id, state=SpaceState.BUILDING, **values))
            return next(one for one in _spaces_of(connection, collection) if _is(one, space))

    def coverage(self, collection: CollectionRecord, space: SpaceRecord) -> Coverage:
        with self._engines.reading() as connection:
            return _coverage(connection, collection, space)

    def switch(self, collection: CollectionRecord, to: SpaceRecord, seen: Coverage) -> None:
        """Makes a space the one that is searched, and retires the one that was.

        Raises UsageError where the space no longer covers what was seen of it.
        """
        with self._engines.writing() as connection:
            # whoever writes documents into the active space meanwhile holds this row
            connection.execute(select(spaces.c.id).where(spaces.c.collection_id == collection.id).with_for_update())
            known = {one.id: one for one in _spaces_of(connection, collection)}
            if to.id not in known or known[to.id].state is SpaceState.REMOVING or _coverage(connection, collection, to) != seen:
                raise UsageError(f"The collection {collection.name} was changed meanwhile.", "Ask again.")
            mine = update(spaces).where(spaces.c.collection_id == collection.id).values(since=now())
            connection.execute(mine.where(spaces.c.state == SpaceState.ACTIVE).values(state=SpaceState.RETIRED))
            connection.execute(mine.where(spaces.c.id == to.id).values(state=SpaceState.ACTIVE))

    def begin_removal(self, space: SpaceRecord) -> None:
        """From here on nothing but its removal may happen to the space. Raises UsageError for the one that is searched."""
        with self._engines.writing() as connection:
            mine = (spaces.c.id == space.id) & (spaces.c.state != SpaceState.ACTIVE)
            if not connection.execute(update(spaces).where(mine).values(state=SpaceState.REMOVING, since=now())).rowcount:
                raise UsageError(f"The space of {space.space.encoder} is the one that is searched.", "Promote another one first.")

    def forget(self, space: SpaceRecord) -> None:
        """The rows of a space that is being removed."""
        with self._engines.writing() as connection:
            connection.execute(delete(embeddings).where(embeddings.c.space_id == space.id))
            connection.execute(delete(spaces).where(spaces.c.id == space.id, spaces.c.state == SpaceState.REMOVING))

    def vector_names(self) -> frozenset[str]:
        """What every space of every collection is called in the vector store."""
        query = select(collections.c.id, spaces.c.id).join(spaces, spaces.c.collection_id == collections.c.id)
        with self._engines.reading() as connection:
            return frozenset(vectors_name(collection, space) for collection, space in connection.execute(query))


def within(collection: CollectionRecord, space: SpaceRecord) -> CollectionRecord:
    """The collection as it is seen through one of its spaces."""
    return replace(collection, space_id=space.id, space=space.space)


def _is(record: SpaceRecord, space: VectorSpace) -> bool:
    return record.space == space and record.state is not SpaceState.REMOVING


def _spaces_of(connection: Connection, collection: CollectionRecord) -> Sequence[SpaceRecord]:
    return [_record(row) for row in connection.execute(select(spaces).where(spaces.c.collection_id == collection.id).order_by(spaces.c.id))]


def _coverage(connection: Connection, collection: CollectionRecord, space: SpaceRecord) -> Coverage:
    held = select(func.count()).select_from(documents).where(documents.c.collection_id == collection.id)
    leaving = (
        select(func.count(embeddings.c.document_id.distinct()))
        .join(spaces, spaces.c.id == embeddings.c.space_id)
        .where(spaces.c.collection_id == collection.id, embeddings.c.state == EmbeddingState.DELETING)
    )
    by_state = (
        select(embeddings.c.state, func.count().label("documents"))
        .where(embeddings.c.space_id == space.id, embeddings.c.state.in_((EmbeddingState.INDEXED, EmbeddingState.REFUSED)))
        .group_by(embeddings.c.state)
    )
    counts = {row.state: row.documents for row in connection.execute(by_state)}
    there = connection.execute(held).scalar_one() - connection.execute(leaving).scalar_one()
    return Coverage(there, counts.get(EmbeddingState.INDEXED, 0), counts.get(EmbeddingState.REFUSED, 0))


def _record(row: Row[tuple[object, ...]]) -> SpaceRecord:
    fields = row._mapping
    space = VectorSpace(*(fields[name] for name in _PARTS))
    return SpaceRecord(fields["id"], space, SpaceState(fields["state"]), fields["created_at"], fields["since"] or fields["created_at"])
