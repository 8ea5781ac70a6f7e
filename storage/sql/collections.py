"""Collections and their vector spaces."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select

from storage.sql.databases.engines import Engines
from storage.sql.schema import EmbeddingState, collections, documents, embeddings, failures, spaces
from uniir.documents import Modality
from uniir.errors import NotFound, UsageError
from uniir.spaces import SpaceState, VectorSpace

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    """A collection with the space that is searched. `vectors` names its collection in the vector store."""

    id: int
    name: str
    space_id: int
    space: VectorSpace

    @property
    def vectors(self) -> str:
        return vectors_name(self.id, self.space_id)


@dataclass(frozen=True, slots=True)
class CollectionCounts:
    """How much a collection holds, by state and modality."""

    indexed: Mapping[Modality, int]
    pending: Mapping[Modality, int]
    failed: int
    ignored: int


class SqlCollections:
    """Makes, finds and removes collections."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def all(self) -> Sequence[CollectionRecord]:
        """Every collection, by name."""
        with self._engines.reading() as connection:
            return [_record(row) for row in connection.execute(_WITH_SPACE.order_by(collections.c.name))]

    def find(self, name: str) -> CollectionRecord | None:
        with self._engines.glancing() as connection:
            row = connection.execute(_NAMED, {"wanted": name}).first()
        return _record(row) if row else None

    def get(self, name: str) -> CollectionRecord:
        """Raises NotFound where there is none of that name."""
        found = self.find(name)
        if found is None:
            known = ", ".join(record.name for record in self.all())
            raise NotFound(
                f"There is no collection {name!r}.",
                f"There are: {known}." if known else "`uniir ingest PATH` makes one.",
            )
        return found

    def get_or_create(self, name: str, space: VectorSpace) -> CollectionRecord:
        """The collection, which must be of this space; raises UsageError for a bad name, SpaceMismatch for another space."""
        found = self.find(name)
        if found is not None:
            found.space.require(space)
            return found
        require_name(name)
        self._require_whole(name)
        self._engines.settled(lambda connection: _made(connection, name, space))
        made = self.get(name)
        made.space.require(space)  # another process may have been there first
        return made

    def _require_whole(self, name: str) -> None:
        """Raises UsageError for a collection without a space that is searched: nothing but a restore makes one."""
        searched = select(spaces.c.id).where(spaces.c.collection_id == collections.c.id, spaces.c.state == SpaceState.ACTIVE)
        with self._engines.reading() as connection:
            if connection.execute(select(collections.c.id).where(collections.c.name == name, ~searched.exists())).first() is not None:
                raise UsageError(f"The collection {name} was left half restored.", "`uniir restore` of the same backup goes on with it.")

    def remove(self, record: CollectionRecord) -> None:
        """The collection with everything that belongs to it in the catalog."""
        with self._engines.writing() as connection:
            connection.execute(delete(collections).where(collections.c.id == record.id))

    def counts(self, record: CollectionRecord) -> CollectionCounts:
        with self._engines.reading() as connection:
            by_state: dict[str, dict[Modality, int]] = {state: dict.fromkeys(Modality, 0) for state in EmbeddingState}
            for state, modality, count in connection.execute(
                select(embeddings.c.state, documents.c.modality, func.count())
                .join(documents, documents.c.id == embeddings.c.document_id)
                .where(embeddings.c.space_id == record.space_id)
                .group_by(embeddings.c.state, documents.c.modality)
            ):
                by_state[state][Modality(modality)] = count
            quarantined = {
                bool(ignored): count
                for ignored, count in connection.execute(
                    select(failures.c.ignored, func.count()).where(failures.c.collection_id == record.id).group_by(failures.c.ignored)
                )
            }
        return CollectionCounts(
            by_state[EmbeddingState.INDEXED],
            by_state[EmbeddingState.PENDING],
            quarantined.get(False, 0),
            quarantined.get(True, 0),
        )

    def pending(self, record: CollectionRecord) -> int:
        """How many documents are known and not yet searchable."""
        query = select(func.count()).where(embeddings.c.space_id == record.space_id, embeddings.c.state == EmbeddingState.PENDING)
        with self._engines.glancing() as connection:
            return int(connection.execute(query).scalar_one())


def vectors_name(collection: int, space: int) -> str:
    """What the vectors of one space of a collection are called in the vector store."""
    return f"uniir_{collection}_{space}"


def _made(connection: Connection, name: str, space: VectorSpace) -> None:
    if connection.execute(select(collections.c.id).where(collections.c.name == name)).first() is not None:
        return
    collection_id = connection.execute(insert(collections).values(name=name).returning(collections.c.id)).scalar_one()
    connection.execute(
        insert(spaces).values(
            collection_id=collection_id,
            encoder=space.encoder,
            weights=space.weights,
            preprocessing=space.preprocessing,
            dtype=space.dtype,
            dimension=space.dimension,
            metric=space.metric,
        )
    )


def require_name(name: str) -> None:
    """Raises UsageError for what can't name a collection; a name that can is safe in a path, too."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} can't name a collection.", "Use letters, digits, dots, dashes and underscores, at most 100.")


_WITH_SPACE = (
    select(collections.c.id, collections.c.name, spaces)
    .join(spaces, spaces.c.collection_id == collections.c.id)
    .where(spaces.c.state == SpaceState.ACTIVE)
)
_NAMED = _WITH_SPACE.where(collections.c.name == bindparam("wanted"))


def _record(row: Row[tuple[object, ...]]) -> CollectionRecord:
    fields = row._mapping
    return CollectionRecord(
        fields[collections.c.id],
        fields[collections.c.name],
        fields[spaces.c.id],
        VectorSpace(*(fields[spaces.c[name]] for name in ("encoder", "weights", "preprocessing", "dtype", "dimension", "metric"))),
    )
