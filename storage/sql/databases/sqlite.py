"""Connections to a catalog in a SQLite file, made safe for several writers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

_WAIT_SECONDS = 30
_DAMAGED = frozenset({"SQLITE_NOTADB", "SQLITE_CORRUPT"})


def writer_and_reader(url: URL) -> tuple[Engine, Engine]:
    """The writer takes the write lock at BEGIN (a plain BEGIN loses updates silently); the reader never queues for it."""
    writer, reader = _engine(url), _engine(url)
    event.listen(writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    event.listen(reader, "begin", _begin_reading)
    return writer, reader


def _begin_reading(connection: Connection) -> None:
    """Below SQLAlchemy, which takes longer over it than SQLite over a query. It takes no lock, so there is no failure to translate."""
    connection.connection.cursor().execute("BEGIN")


def _engine(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _WAIT_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # sqlite3 would begin by itself otherwise
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


@contextmanager
def migrating(engine: Engine) -> Iterator[None]:
    """One process at a time."""
    path = engine.url.database
    if path is None or path == ":memory:":
        yield
        return
    with FileLock(f"{path}.migrating"):
        yield


def size(engine: Engine) -> int:
    """Bytes on disk."""
    files = [Path(f"{engine.url.database}{suffix}") for suffix in ("", "-wal")]
    return sum(file.stat().st_size for file in files if file.exists())


def way_out(code: str | None) -> str:
    """What a person can do, by SQLite's name for the error."""
    if code in _DAMAGED:
        return "The file is damaged or no catalog: put a copy of it back, or take another `--data-dir` and `uniir restore` or ingest again."
    return "Check that the place is there, writable and not full, and that nothing else holds it for long."


def copy_catalog(catalog: Path, copy: Path) -> None:
    """A consistent copy of a SQLite catalog, while others may use it."""
    with closing(sqlite3.connect(catalog)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
