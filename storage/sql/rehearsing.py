"""Looking at what a change would do: everything happens in one transaction, and none of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text

from storage.sql.databases.engines import Engines, translated


@dataclass(frozen=True, slots=True)
class Rehearsal(Engines):
    """Engines of which all that is written is seen by whoever reads through them, and by nobody else. For one thread."""

    connection: Connection | None = None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        assert self.connection is not None
        with translated(self.writer), self.connection.begin_nested():
            yield self.connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        assert self.connection is not None
        with translated(self.writer):
            yield self.connection


@contextmanager
def rehearsed(engines: Engines) -> Iterator[Engines]:
    """Raises StoreUnavailable."""
    with translated(engines.writer), engines.writer.connect() as connection, connection.begin() as everything:
        if engines.is_shared:
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # a walk may take its time
        try:
            yield Rehearsal(engines.writer, engines.reader, connection=connection)
        finally:
            everything.rollback()
