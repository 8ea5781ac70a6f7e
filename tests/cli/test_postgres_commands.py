"""The commands with a catalog in Postgres: the same answers, and plain words where it is away."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from storage.sql.databases.engines import Engines, open_catalog
from tests.cli.running import Cli, finish, spawn_held, wait_until
from tests.folders import lay, picture
from tests.servers.postgres import PostgresServer
from uniir.errors import SettingsError
from uniir.settings import load_settings

_AWAY = "postgresql+psycopg://bob:s%40cr3t@127.0.0.1:1/catalog?sslpassword=hidd3n"
_TREE = {"cat.jpg": picture(1), "dog.txt": "a dog on a beach", "bad.jpg": b"no picture"}


@pytest.mark.slow
def test_a_collection_is_filled_and_searched_and_no_sqlite_file_is_made(uniir: Cli, tmp_path: Path, postgres: str) -> None:
    corpus = lay(tmp_path / "corpus", _TREE)
    uniir.set("catalog_url", postgres)
    assert uniir("ingest", corpus).code == 3
    assert uniir("search", "a dog on a beach", "--json").json["hits"][0]["path"] == str(corpus / "dog.txt")
    assert uniir("status").code == 0
    assert uniir("doctor").code == 0
    assert uniir("failures", "list").code == 0
    assert uniir("rebuild").code == 0
    assert uniir("delete", "--all", "--yes").code == 0
    assert not list(uniir.data.glob("catalog*"))


def test_a_dry_run_leaves_no_trace(uniir: Cli, tmp_path: Path, postgres: str) -> None:
    corpus = lay(tmp_path / "corpus", _TREE)
    uniir.set("catalog_url", postgres)
    first = uniir("ingest", corpus, "--dry-run", "--json")
    assert first.json["added"] == 3
    engines = open_catalog(postgres)
    with engines.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM collections")).scalar() == 0
    engines.close()
    assert not uniir.data.exists()
    uniir("ingest", corpus / "dog.txt")
    assert uniir("ingest", corpus, "--dry-run", "--json").json["unchanged"] == 1


@pytest.mark.parametrize("words", [("status",), ("search", "x"), ("ingest", "CORPUS"), ("ingest", "CORPUS", "--dry-run"), ("doctor",)])
def test_a_server_that_is_away_is_told_with_the_way_out_and_without_the_password(
    uniir: Cli, tmp_path: Path, words: tuple[str, ...]
) -> None:
    corpus = lay(tmp_path / "corpus", _TREE)
    uniir.set("catalog_url", _AWAY)
    for debug in ((), ("--debug",)):
        done = uniir(*debug, *(corpus if word == "CORPUS" else word for word in words))
        assert done.code == 4
        assert "postgresql+psycopg://bob:***@127.0.0.1:1/catalog" in done.err
        assert "goes on where it stopped" in done.err
        assert not any(secret in done.out + done.err for secret in ("cr3t", "hidd3n"))


def test_the_settings_show_which_database_and_no_password(uniir: Cli) -> None:
    uniir.set("catalog_url", _AWAY.replace("postgresql+psycopg", "postgres"))
    for done in (uniir("config"), uniir("config", "--json")):
        assert "postgresql+psycopg://bob:***@127.0.0.1:1/catalog" in done.out
        assert not any(secret in done.out + done.err for secret in ("cr3t", "hidd3n"))
    assert "cr3t" not in repr(load_settings())


@pytest.mark.parametrize(
    "address", ["mysql://u:s3cret@h/x", "sqlite:///x", "s3cret", "postgresql://u:s3cret@host:port/x", "postgresql://u:s3cret@host"]
)
def test_an_address_that_is_none_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(SettingsError, match="catalog_url") as refused:
        load_settings(catalog_url=address)
    assert "s3cret" not in str(refused.value)


@pytest.mark.slow
def test_a_server_that_is_stopped_in_the_middle_ends_the_ingest_and_the_next_one_goes_on(
    uniir: Cli, tmp_path: Path, postgres: str, postgres_server: PostgresServer
) -> None:
    corpus = lay(tmp_path / "corpus", {f"{number}.jpg": picture(number, (720, 540)) for number in range(250)})
    uniir.set("catalog_url", postgres)
    engines = open_catalog(postgres)
    uniir.set("lease_seconds", 2)
    process = spawn_held(tmp_path / "gate", 2, ["ingest", corpus])
    wait_until(lambda: indexed(engines) > 0, process)
    postgres_server.stop()
    (tmp_path / "gate").unlink()
    try:
        done = finish(process)
    finally:
        postgres_server.start()
    assert done.code == 4, done.err
    assert "goes on where it stopped" in done.err
    assert "Traceback" not in done.err
    assert uniir("ingest", corpus).code == 0
    assert uniir("doctor").code == 0
    assert indexed(engines) == 250  # the pool has met the new server
    engines.close()


def indexed(engines: Engines) -> int:
    with engines.reading() as connection:
        found: int = connection.execute(text("SELECT count(*) FROM embeddings WHERE state = 'indexed'")).scalar_one()
    return found
