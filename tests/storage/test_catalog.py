"""Catalogs in SQLite and in Postgres, and several processes on one."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.sql.collections import SqlCollections
from storage.sql.databases.engines import copy_catalog, open_catalog
from uniir.errors import SpaceMismatch, StoreUnavailable, UsageError
from uniir.spaces import VectorSpace

SPACE = VectorSpace("arithmetic", "1", "none", "float32", 8)


def test_a_file_that_is_no_catalog_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "c.sqlite"
    file.write_bytes(b"this is no database, and a little longer than a header" * 100)
    before = file.read_bytes()
    with pytest.raises(StoreUnavailable, match=r"c\.sqlite") as refused:
        open_catalog(f"sqlite:///{file}")
    assert "put a copy of it back" in refused.value.way_out
    assert file.read_bytes() == before


def _count_up(url: str, times: int) -> None:
    engines = open_catalog(url)
    for _ in range(times):
        with engines.writing() as connection:
            seen = connection.execute(text("SELECT count(*) FROM collections")).scalar_one()
            connection.execute(
                text("INSERT INTO collections (name, created_at) VALUES (:name, :now)"), {"name": f"c{seen}", "now": "2026-01-01 00:00:00"}
            )
    engines.close()


@pytest.mark.slow
def test_four_processes_that_read_and_write_lose_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'c.sqlite'}"
    open_catalog(url).close()
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count_up, args=(url, 25)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 4
    engines = open_catalog(url)
    with engines.reading() as connection:
        names = set(connection.execute(text("SELECT name FROM collections")).scalars())
    engines.close()
    assert names == {f"c{number}" for number in range(100)}


def test_a_copy_is_whole_and_leaves_the_original_alone(tmp_path: Path) -> None:
    engines = open_catalog(f"sqlite:///{tmp_path / 'c.sqlite'}")
    SqlCollections(engines).get_or_create("one", SPACE)
    copy_catalog(tmp_path / "c.sqlite", tmp_path / "copy.sqlite")
    copied = open_catalog(f"sqlite:///{tmp_path / 'copy.sqlite'}")
    SqlCollections(copied).get_or_create("two", SPACE)
    assert [record.name for record in SqlCollections(copied).all()] == ["one", "two"]
    assert [record.name for record in SqlCollections(engines).all()] == ["one"]
    copied.close()
    engines.close()


def test_a_collection_is_of_one_space_for_good(catalog: str) -> None:
    engines = open_catalog(catalog)
    collections = SqlCollections(engines)
    made = collections.get_or_create("one", SPACE)
    assert collections.get_or_create("one", SPACE) == made
    other = VectorSpace("arithmetic", "2", "none", "float32", 8)
    with pytest.raises(SpaceMismatch, match="weights '1' against '2'"):
        collections.get_or_create("one", other)
    engines.close()


@pytest.mark.parametrize("name", ["", ".", "a b", "a/b", "-a", "ä", "x" * 101])
def test_a_name_that_could_be_anything_else_names_no_collection(tmp_path: Path, name: str) -> None:
    engines = open_catalog(f"sqlite:///{tmp_path / 'c.sqlite'}")
    with pytest.raises(UsageError):
        SqlCollections(engines).get_or_create(name, SPACE)
    engines.close()


def test_the_id_of_a_removed_collection_never_comes_back(catalog: str) -> None:
    engines = open_catalog(catalog)
    collections = SqlCollections(engines)
    first = collections.get_or_create("one", SPACE)
    collections.remove(first)
    assert collections.get_or_create("one", SPACE).vectors != first.vectors
    engines.close()
