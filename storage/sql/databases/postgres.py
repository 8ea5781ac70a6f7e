"""Connections to a catalog in Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from sqlalchemy import URL, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from uniir.errors import StoreUnavailable

CONNECT_SECONDS = 10
_READ_SECONDS = 60
_WRITE_SECONDS = 900  # a collection of a million documents goes in one statement
_LOCK_SECONDS = 60
_IDLE_SECONDS = 20  # in a transaction: who has stopped there holds what others wait for
_LONGEST_NAME = 63  # bytes of an application_name
_MIGRATION_SECONDS = 3600  # of another process, which may have stopped there
_MIGRATION_LOCK = 0x756E6969  # any number of our own
TAKE_STOCK = "ANALYZE sources, documents, document_words, embeddings"
# A process's id begins with the name of its sessions; what it begins after its lease, awake again, is checked by its turn.
# Who slept itself ends nobody: where the whole machine did, the others are about to say that they live.
END_THE_DEAD = """
    SELECT pg_terminate_backend(session.pid)
    FROM pg_stat_activity AS session JOIN (
        SELECT left(id, 16) AS name, to_timestamp(max(until)) AS until FROM processes GROUP BY left(id, 16)
    ) AS process ON right(session.application_name, 16) = process.name
    WHERE session.datname = current_database() AND process.until < clock_timestamp() AND session.xact_start < process.until
        AND EXISTS (SELECT FROM processes WHERE left(id, 16) = :own AND to_timestamp(until) > clock_timestamp())
"""
_POOLS = {"pool_pre_ping": True, "pool_size": 4, "max_overflow": 12, "pool_timeout": 30, "pool_recycle": 1800, "pool_use_lifo": True}


def writer_and_reader(url: URL, name: str) -> tuple[Engine, Engine]:
    """The reader sees one state of the database in each of its transactions, as with SQLite. Raises StoreUnavailable without psycopg.

    The server shows `name` at the end of each session's `application_name`, for those who have to end it from elsewhere.
    """
    reader = _engine(url, name, _READ_SECONDS).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return _engine(url, name, _WRITE_SECONDS), reader


def _engine(url: URL, name: str, statement_seconds: int) -> Engine:
    said = {"connect_timeout": CONNECT_SECONDS, "keepalives_idle": 30, "keepalives_interval": 10}
    unsaid = {key: value for key, value in said.items() if key not in url.query}
    try:
        engine = create_engine(url, connect_args=unsaid, **_POOLS)
    except ImportError as error:
        raise StoreUnavailable(f"A catalog in Postgres needs {error.name}, which is not installed.", "Install `uniir[postgres]`.") from None
    known_as = str(url.query.get("application_name", "uniir")).encode("ascii", "replace").decode()
    session = {
        "statement_timeout": f"{statement_seconds}s",
        "lock_timeout": f"{_LOCK_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{_IDLE_SECONDS}s",
        "timezone": "UTC",
        "application_name": f"{known_as[: _LONGEST_NAME - len(name) - 1]} {name}",
    }
    # not as options of the connection, which some poolers refuse
    statement = f"SELECT {', '.join('set_config(%s, %s, false)' for _ in session)}"
    values = list(chain.from_iterable(session.items()))

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(statement, values)
        cursor.close()
        connection.commit()

    return engine


@contextmanager
def migrating(engine: Engine) -> Iterator[None]:
    """One process at a time. Raises StoreUnavailable for a database that can't hold every text."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
        if encoding != "UTF8":
            raise StoreUnavailable(
                f"The database {engine.url.database!r} is encoded in {encoding}; a catalog needs UTF8.",
                "Make one with `createdb --encoding=UTF8 --template=template0 NAME`.",
            )
        connection.execute(text(f"SET statement_timeout = 0; SET lock_timeout = '{_MIGRATION_SECONDS}s'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK})
            connection.invalidate()  # its limits are off


def size(engine: Engine) -> int:
    """Bytes of the whole database."""
    with engine.connect() as connection:
        found: int = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    return found


def way_out(code: str | None) -> str:
    """What a person can do, by SQLSTATE or its class; a connection that did not come about has none."""
    return _WAYS_OUT.get(code or "08") or _WAYS_OUT.get((code or "08")[:2]) or "The server's log says more."


_ACCESS = "Check user, password and database in `catalog_url`."
_AWAY = "Start the server or mend `catalog_url`, then run the same again: it goes on where it stopped."
_SLOW = "The server took too long; see what else it does, then run the same again."
_WAYS_OUT = {
    "08": _AWAY,
    "57": _AWAY,
    "28": _ACCESS,
    "3D": _ACCESS,
    "25": "The server only reads (a standby?): name the one that writes in `catalog_url`.",
    "53100": "Make room on the server's disk, then run the same again: it goes on where it stopped.",
    "53300": "The server takes no more connections: raise its max_connections, or run fewer processes.",
    "57014": _SLOW,
    "55P03": _SLOW,
}
