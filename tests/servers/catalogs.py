"""Catalogs for tests, in SQLite and in a real Postgres that the test run brings up once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import CanNotStart, PostgresServer, started
from tests.worlds import open_fresh_catalog

REQUIRED = os.environ.get("UNIIR_REQUIRE_SERVERS") == "1"  # then a server that can't start is a failure


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """One for the run. Whoever stops it starts it again."""
    try:
        server = started()
    except CanNotStart as error:
        if REQUIRED:
            pytest.fail(f"Postgres can't be started here: {error}")
        plugins = request.config.pluginmanager
        with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
            plugins.get_plugin("terminalreporter").write_line(
                f"\nNOTHING IS TESTED ON POSTGRES, it can't be started here: {error}", red=True
            )
        pytest.skip(f"Postgres can't be started here: {error}")
    yield server
    server.remove()


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty catalog in Postgres."""
    url = postgres_server.fresh()
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty catalog, once in each database."""
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres")
        return address
    file = tmp_path / "catalog" / "catalog.sqlite"
    open_fresh_catalog(file).close()
    return f"sqlite:///{file}"


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.fresh("template0")
    yield url
    server.drop(url)
