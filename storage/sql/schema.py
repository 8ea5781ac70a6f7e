"""The catalog's tables. The catalog is the truth; the vector store is derived from it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from storage.sql.databases.columns import Document64, IndexedWords, JsonValue, UtcDateTime, Words
from uniir.spaces import SpaceState


class EmbeddingState(StrEnum):
    """PENDING: known, not searchable. INDEXED: searchable. REFUSED: the encoder could not take it. DELETING: hidden, on its way out."""

    PENDING = "pending"
    INDEXED = "indexed"
    REFUSED = "refused"
    DELETING = "deleting"


def now() -> datetime:
    return datetime.now(UTC)


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
    Column("name", Words(200), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    sqlite_autoincrement=True,  # an id names vectors in another store: it must never come back
)

spaces = Table(
    "spaces",
    metadata,
    Column("id", Integer, primary_key=True),
    _collection(),
    Column("encoder", Words(200), nullable=False),
    Column("weights", Words(200), nullable=False),
    Column("preprocessing", Words(500), nullable=False),
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
    Column("root", Words, nullable=False),
    Column("path", Words, nullable=False),
    Column("locator", Words, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("signature", Words, nullable=False),
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
    Column("locator", Words),
    Column("external_id", Words),
    Column("modality", String(20), nullable=False),
    Column("text", Words),
    Column("image_path", Words),
    Column("image_sha256", String(64), index=True),
    Column("metadata", JsonValue, nullable=False),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    Column("updated_at", UtcDateTime, nullable=False, default=now),
    UniqueConstraint("collection_id", "external_id"),
)
# what filters on metadata need; SQLite has nothing like it, and Alembic's comparison does not hear of `ddl_if`: see `concerns`
Index("ix_documents_metadata", documents.c.metadata, postgresql_using="gin", postgresql_ops={"metadata": "jsonb_path_ops"}).ddl_if(
    dialect="postgresql"
)

NAME_WEIGHT, TEXT_WEIGHT = 0.5, 1.0  # what a word counts by where it stands
# derived from documents and sources in the transaction that writes them; a full text index of the database's own kind follows it
document_words = Table(
    "document_words",
    metadata,
    Column("document_id", Document64, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("name", IndexedWords, nullable=False),
    Column("text", IndexedWords, nullable=False),
    Column("length", Integer, nullable=False),  # words of both
)
Index("ix_document_words_name_text", document_words.c.name, document_words.c.text, postgresql_using="gin").ddl_if(dialect="postgresql")

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
    Column("scopes", JsonValue, nullable=False),
    Column("counts", JsonValue, nullable=False),
    Column("started_at", UtcDateTime, nullable=False, default=now),
    Column("finished_at", UtcDateTime),
)

failures = Table(
    "failures",
    metadata,
    Column("id", Integer, primary_key=True),
    _collection(),
    Column("root", Words, nullable=False),
    Column("path", Words, nullable=False),
    Column("locator", Words, nullable=False),
    Column("code", String(60), nullable=False),
    Column("reason", Words, nullable=False),
    Column("signature", Words, nullable=False),
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
    Column("query", JsonValue, nullable=False),
    Column("query_key", String(64), nullable=False),  # a hash of what the query's answer depends on
    Column("image_sha256", String(64), ForeignKey("judged_pictures.sha256"), index=True),
    Column("document_id", Document64, ForeignKey("documents.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("grade", Float, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    Column("judged_at", UtcDateTime, nullable=False),  # when the grade was given that stands
    UniqueConstraint("collection_id", "query_key", "document_id"),
)

judged_pictures = Table(
    "judged_pictures",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

calibrations = Table(
    "calibrations",
    metadata,
    Column("collection_id", Integer, ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("reranker", Words(500), primary_key=True),  # with its version
    Column("calibration", JsonValue, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
)

scorings = Table(
    "scorings",
    metadata,
    Column("id", Integer, primary_key=True),
    _collection(),
    Column("made_at", UtcDateTime, nullable=False),
    Column("encoder", JsonValue, nullable=False),
    Column("settings", JsonValue, nullable=False),
    Column("measures", JsonValue, nullable=False),
    Column("queries", Integer, nullable=False),
    Column("judgments", Integer, nullable=False),
    Column("documents", Integer, nullable=False),
    Column("left_out", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("judged_share", Float(53), nullable=False),
    Index(None, "collection_id", "made_at"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Document64, primary_key=True, autoincrement=False),
    Column("collection", Words(200), nullable=False),  # by name, since a job outlives its collection
    Column("request", JsonValue, nullable=False),
    Column("origin", String(20), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("report", JsonValue),
    Column("problem", JsonValue),
    Column("holder", String(40)),  # the process that has it, or had it when it died
    Column("progress", JsonValue),
    Column("cancelling", Boolean),
)

identity = Table("identity", metadata, Column("key", String(32), primary_key=True))  # one row

processes = Table(
    "processes",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("said", Text, nullable=False),  # command, process number and machine, for people
    Column("until", Float(53), nullable=False),  # seconds since 1970 by the database's clock: alive until then
)

turns = Table(
    "turns",
    metadata,
    Column("collection", Words(200), primary_key=True),
    Column("holder", String(40), nullable=False),
    Column("what", Text, nullable=False),
)


def concerns(dialect: str, name: str | None) -> bool:
    """Whether a table or index of this name is a matter of this kind of database, for comparisons of the schema."""
    if name is not None and name.startswith("lexical"):
        return False  # SQLite's full text index, which no model describes
    return name not in {"ix_documents_metadata", "ix_document_words_name_text"} or dialect == "postgresql"
