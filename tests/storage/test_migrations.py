"""Migrations of the catalog: from nothing and from each earlier step, with rows in all tables, on both databases."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, insert, select, text, update

import storage.sql
from storage.sql.collections import SqlCollections
from storage.sql.databases import postgres
from storage.sql.databases.engines import HEAD, Engines, open_catalog
from storage.sql.databases.postgres import writer_and_reader as postgres_engines
from storage.sql.databases.sqlite import writer_and_reader as sqlite_engines
from storage.sql.lexical.matching import matches
from storage.sql.schema import EmbeddingState, concerns, embeddings, metadata
from tests.servers.postgres import PostgresServer
from uniir.errors import StoreUnavailable
from uniir.filters import EVERYTHING
from uniir.spaces import VectorSpace

SPACE = VectorSpace("arithmetic", "1", "none", "float32", 8)
_FILLED_BY_THEMSELVES = {"alembic_version", "identity", "document_words"}
_WHEN = "2026-01-02 03:04:05.000000+00:00"


def migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.sql.__file__).parent / "migrations"))
    return config


STEPS = sorted(script.revision for script in ScriptDirectory.from_config(migrations()).walk_revisions())


def unmigrated(url: str) -> Engines:
    from sqlalchemy import make_url

    place = make_url(url)
    return Engines(*(postgres_engines(place, "tests") if place.get_backend_name() == "postgresql" else sqlite_engines(place)))


def differences(engines: Engines) -> list[Any]:
    """Between what the migrations made and what the models say."""
    dialect = engines.reader.dialect.name
    options = {"include_object": lambda _object, name, *_: concerns(dialect, name)}
    with engines.reader.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def a_row_in_every_table(connection: Connection) -> dict[str, dict[str, Any]]:
    """One row each, in the columns that the tables have at this step; what they hold by table."""
    tables = MetaData()
    tables.reflect(connection)
    written: dict[str, dict[str, Any]] = {}
    for table in tables.sorted_tables:
        if table.name in _FILLED_BY_THEMSELVES or not concerns(connection.dialect.name, table.name):
            continue
        row: dict[str, Any] = {}
        for column in table.columns:
            kind = str(column.type).split("(")[0].split(" ")[0]
            refers = next(iter(column.foreign_keys), None)
            if refers is not None:
                row[column.name] = written[refers.column.table.name][refers.column.name]
            elif kind in {"INTEGER", "BIGINT"}:
                row[column.name] = 7
            elif kind in {"TIMESTAMP", "DATETIME"}:
                row[column.name] = _datetime()
            elif kind in {"JSON", "JSONB"}:
                row[column.name] = {"tag": ["a", "\u00e4"]}
            elif kind == "BOOLEAN":
                row[column.name] = True
            elif kind in {"FLOAT", "DOUBLE", "DOUBLE_PRECISION"}:
                row[column.name] = 0.5
            elif kind in {"BLOB", "BYTEA"}:
                row[column.name] = b"\0\1"
            else:
                row[column.name] = "active" if column.name == "state" else "\u00e4 word"
        connection.execute(insert(table).values(row))
        written[table.name] = row
    return written


def _datetime() -> Any:
    from datetime import datetime

    return datetime.fromisoformat(_WHEN)


def test_the_newest_migration_is_the_one_that_opening_expects() -> None:
    assert ScriptDirectory.from_config(migrations()).get_current_head() == HEAD == STEPS[-1]


@pytest.mark.slow
@pytest.mark.parametrize("step", ["base", *STEPS])
def test_from_every_step_one_gets_to_the_models_with_every_row_kept(empty_database: str, step: str) -> None:
    engines = unmigrated(empty_database)
    config = migrations()
    config.attributes["engine"] = engines.writer
    written = {}
    if step != "base":
        command.upgrade(config, step)
        with engines.writing() as connection:
            written = a_row_in_every_table(connection)
    engines.close()
    engines = open_catalog(empty_database)
    assert differences(engines) == []
    with engines.reading() as connection:
        for name, row in written.items():
            kept = connection.execute(select(metadata.tables[name])).mappings().one()
            assert {column: kept[column] for column in row} == row, name
    engines.close()


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS[:-1])
def test_documents_of_every_earlier_step_are_found_by_their_words(empty_database: str, step: str) -> None:
    engines = unmigrated(empty_database)
    config = migrations()
    config.attributes["engine"] = engines.writer
    command.upgrade(config, step)
    with engines.writing() as connection:
        written = a_row_in_every_table(connection)
    engines.close()
    engines = open_catalog(empty_database)
    with engines.writing() as connection:
        connection.execute(update(embeddings).values(state=EmbeddingState.INDEXED))
    with engines.reading() as connection:
        found = matches(connection, written["spaces"]["id"], ["word"], 10, EVERYTHING, 0.0)
    engines.close()
    assert [match.document for match in found] == [written["documents"]["id"]]


def test_a_way_back_leads_to_the_first_step_and_from_there_forth_again(empty_database: str) -> None:
    engines = open_catalog(empty_database)
    SqlCollections(engines).get_or_create("one", SPACE)
    config = migrations()
    config.attributes["engine"] = engines.writer
    command.downgrade(config, "0001")
    engines.close()
    engines = open_catalog(empty_database)
    assert [record.name for record in SqlCollections(engines).all()] == ["one"]
    assert differences(engines) == []
    engines.close()


def test_a_catalog_of_a_newer_version_is_refused(catalog: str) -> None:
    engines = open_catalog(catalog)
    with engines.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engines.close()
    with pytest.raises(StoreUnavailable, match="newer"):
        open_catalog(catalog)


def test_what_is_compared_as_paths_is_in_bytewise_order_in_postgres(postgres: str) -> None:
    engines = open_catalog(postgres)
    query = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND collation_name = 'C'"
    with engines.reading() as connection:
        bytewise = set(connection.execute(text(query)).scalars())
    engines.close()
    paths = {f"{table}.{column}" for table in ("sources", "failures") for column in ("root", "path", "locator")}
    assert {*paths, "collections.name", "documents.external_id"} <= bytewise


def test_a_database_that_can_not_hold_every_text_is_refused(postgres_server: PostgresServer) -> None:
    url = postgres_server.fresh("template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(StoreUnavailable, match="LATIN1"):
        open_catalog(url)
    postgres_server.drop(url)


@pytest.mark.slow
def test_who_stopped_while_migrating_is_not_waited_for_for_ever(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_MIGRATION_SECONDS", 1)
    url = postgres_server.fresh("template0")
    stopped = create_engine(url)
    with stopped.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": postgres._MIGRATION_LOCK})
        with pytest.raises(StoreUnavailable, match="lock timeout") as refused:
            open_catalog(url)
        assert "took too long" in refused.value.way_out
    stopped.dispose()
    open_catalog(url).close()
    postgres_server.drop(url)


def _open(url: str) -> None:
    open_catalog(url).close()


@pytest.mark.slow
def test_several_processes_may_open_a_new_catalog_at_once(empty_database: str) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_open, args=(empty_database,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 4
