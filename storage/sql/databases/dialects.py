"""Words of SQL that SQLite and Postgres spell differently."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Float, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


def insert_or(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can be told what to do where its key is taken: `.on_conflict_do_nothing()`, `.on_conflict_do_update(...)`."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


class DatabaseTime(FunctionElement[float]):
    """Seconds since 1970 by the database's clock: the one that all processes share."""

    type = Float(53)
    inherit_cache = True
    name = "database_time"


@compiles(DatabaseTime, "postgresql")
def _of_postgres(element: DatabaseTime, compiler: Any, **_: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


@compiles(DatabaseTime, "sqlite")
def _of_sqlite(element: DatabaseTime, compiler: Any, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"
