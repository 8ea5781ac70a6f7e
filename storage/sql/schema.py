"""The catalog's tables. The catalog is the truth; the vector store is derived from it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB


class EmbeddingState(StrEnum):
    """PENDING: known, not searchable. INDEXED: searchable. REFUSED: the encoder could not take it. DELETING: hidden, on its way out."""

    PENDING = "pending"
    INDEXED = "indexed"
    REFUSED = "refused"
    DELETING = "deleting"


class SpaceState(StrEnum):
    """The ACTIVE space of a collection is searched. BUILDING: not yet. RETIRED: not any more. REMOVING: on its way out."""

    ACTIVE = "active"
    BUILDING = "building"
    RETIRED = "retired"
    REMOVING = "removing"


class UtcDateTime(TypeDecorator[datetime]):
    """Times are UTC and aware on both sides; SQLite would give them back naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def now() -> datetime:
    return datetime.now(UTC)


Document64 = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER makes SQLite's row id, which saves an index
Json = JSON().with_variant(JSONB(), "postgresql")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _collection() -> Column[int]:
    return Column("collection_id", Integer, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False)


collections = Table(
    "collections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    sqlite_autoincrement=True,  # an id names vectors in another store: it must never come back
)

spaces = Table(
    "spaces",
    metadata,
    Column("id", Integer, primary_key=True),
    _collection(),
    Column("encoder", String(200), nullable=False),
    Column("weights", String(200), nullable=False),
    Column("preprocessing", String(500), nullable=False),
    Column("dtype", String(40), nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("metric", String(20), nullable=False),
    Column("state", String(20), nullable=False, default=SpaceState.ACTIVE),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    Column("since", UtcDateTime, default=now),  # in its state; none: from the beginning
    sqlite_autoincrement=True,
)
Index(
    "uq_spaces_active",
    spaces.c.collection_id,
    unique=True,
    sqlite_where=spaces.c.state == SpaceState.ACTIVE.value,
    postgresql_where=spaces.c.state == SpaceState.ACTIVE.value,
)

sources = Table(
    "sources",
    metadata,
    Column("id", Integer, primary_key=True),
    _collection(),
    Column("root", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("locator", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("signature", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    UniqueConstraint("collection_id", "root", "path", "locator"),
    Index(None, "collection_id", "sha256"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", Document64, primary_key=True, autoincrement=False),
    _collection(),
    Column("source_id", Integer, ForeignKey("sources.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("locator", Text),
    Column("external_id", Text),
    Column("modality", String(20), nullable=False),
    Column("text", Text),
    Column("image_path", Text),
    Column("image_sha256", String(64), index=True),
    Column("metadata", Json, nullable=False),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    Column("updated_at", UtcDateTime, nullable=False, default=now),
    UniqueConstraint("collection_id", "external_id"),
)

embeddings = Table(
    "embeddings",
    metadata,
    Column("document_id", Document64, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("space_id", Integer, ForeignKey("spaces.id", ondelete="CASCADE"), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("vector", LargeBinary),
    Column("code", String(60)),  # why it was refused
    Index(None, "space_id", "state", "document_id"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    _collection(),
    Column("command", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("scopes", Json, nullable=False),
    Column("counts", Json, nullable=False),
    Column("started_at", UtcDateTime, nullable=False, default=now),
    Column("finished_at", UtcDateTime),
)

failures = Table(
    "failures",
    metadata,
    Column("id", Integer, primary_key=True),
    _collection(),
    Column("root", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("locator", Text, nullable=False),
    Column("code", String(60), nullable=False),
    Column("reason", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("ignored", Boolean, nullable=False, default=False),
    Column("attempts", Integer, nullable=False, default=1),
    Column("first_seen", UtcDateTime, nullable=False, default=now),
    Column("last_seen", UtcDateTime, nullable=False, default=now),
    UniqueConstraint("collection_id", "root", "path", "locator"),
)

judgments = Table(
    "judgments",
    metadata,
    Column("id", Integer, primary_key=True),
    _collection(),
    Column("query", Json, nullable=False),
    Column("document_id", Document64, ForeignKey("documents.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("grade", Float, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, default=now),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Document64, primary_key=True, autoincrement=False),
    Column("collection", String(200), nullable=False),  # by name, since a job outlives its collection
    Column("request", Json, nullable=False),
    Column("origin", String(20), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("report", Json),
    Column("problem", Json),
)
