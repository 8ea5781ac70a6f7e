"""Connections to the catalog: how SQLite is made safe for several writers, and migrations on opening."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from uniir.errors import StoreUnavailable

HEAD = "0003"  # the newest migration; kept equal to the scripts by a test, so that opening need not load Alembic
_WAIT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Engines:
    """`writer` takes SQLite's write lock at BEGIN (a plain BEGIN loses updates silently); `reader` never queues for it."""

    writer: Engine
    reader: Engine

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with _translated(self.writer), self.writer.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with _translated(self.reader), self.reader.connect() as connection:
            yield connection

    def close(self) -> None:
        self.writer.dispose()
        self.reader.dispose()


def open_catalog(url: URL | str) -> Engines:
    """Engines on a migrated catalog; raises StoreUnavailable."""
    writer, reader = _engine(make_url(url), "BEGIN IMMEDIATE"), _engine(make_url(url), "BEGIN")
    with _translated(writer):
        _migrate(writer)
    return Engines(writer, reader)


def copy_catalog(catalog: Path, copy: Path) -> None:
    """A consistent copy of a SQLite catalog, while others may use it."""
    with closing(sqlite3.connect(catalog)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _engine(url: URL, begin: str) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": _WAIT_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # sqlite3 would begin by itself otherwise
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_as_told(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _migrate(engine: Engine) -> None:
    if _revision(engine) == HEAD:
        return
    from alembic import command
    from alembic.config import Config

    path = engine.url.database if engine.dialect.name == "sqlite" else None
    with FileLock(f"{path}.migrating") if path else engine.connect():
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["engine"] = engine
        command.upgrade(config, "head")


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision is not None and revision > HEAD:
        raise StoreUnavailable(
            f"The catalog {engine.url.render_as_string()} was written by a newer uniir (schema {revision}; this one knows {HEAD}).",
            "Install the newer version.",
        )
    return revision


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise StoreUnavailable(
            f"The catalog {engine.url.render_as_string()} can't be used: {error.orig}.",
            "Check that the place is there, writable and not full, and that nothing else holds it for long.",
        ) from error
