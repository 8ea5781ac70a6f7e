"""Milvus Lite: the contract against the real thing, its HNSW index, and what a killed process leaves behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from storage.exact import ExactVectors
from storage.milvus.choosing import HNSW_FROM_ROWS, Wanted
from storage.milvus.collections import Collections
from storage.milvus.indexes import IndexType
from storage.milvus.lite import open_lite
from storage.milvus.store import MilvusVectors
from tests.contracts.vector_store_contract import (
    DIMENSION,
    OpenStore,
    VectorStoreContract,
    bare,
    fill,
    found,
    held,
    modality_of,
    unit_rows,
)
from uniir.documents import Modality
from uniir.errors import SettingsError, StoreUnavailable
from uniir.filters import EVERYTHING, Filter
from uniir.protocols import VectorStore


class Lite:
    """One directory, opened again and again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.collections: Collections | None = None
        self._store: MilvusVectors | None = None

    def open(self, dimension: int = DIMENSION, name: str = "points") -> MilvusVectors:
        self.close()
        self.collections = Collections(open_lite(self.directory))
        self._store = MilvusVectors(self.collections, name, dimension)
        return self._store

    def emptied(self) -> MilvusVectors:
        """The store that is open, or opened now, without what it held."""
        store = self._store or self.open()
        store.delete(held(store))
        store.finish()
        return store

    def close(self) -> None:
        if self.collections is not None:
            self.collections.milvus.close()
            self.collections = None

    def data_files(self) -> list[Path]:
        return list(self.directory.rglob("data_*.parquet"))

    def index_files(self) -> list[Path]:
        """Newest last."""
        return sorted(self.directory.rglob("*.idx"), key=lambda file: file.stat().st_mtime_ns)


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Lite]:
    one = Lite(tmp_path / "vectors")
    yield one
    one.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lite]:
    """One server and one collection for the whole contract, since making them takes a second; every test finds it empty."""
    one = Lite(tmp_path_factory.mktemp("lite"))
    yield one
    one.close()


class TestMilvusLite(VectorStoreContract):
    @pytest.fixture
    def open_store(self, shared: Lite) -> OpenStore:
        opened = False

        def open_store() -> VectorStore:
            nonlocal opened
            store = shared.open() if opened else shared.emptied()
            opened = True
            return store

        return open_store


def clustered(count: int, dimension: int = 64) -> np.ndarray:
    random = np.random.default_rng(5)
    centres = random.normal(size=(150, dimension))
    rows = (centres[random.integers(0, 150, count)] + 0.4 * random.normal(size=(count, dimension))).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.mark.slow
def test_thousands_of_rows_are_searched_by_an_index_that_hardly_misses(lite: Lite) -> None:
    rows = clustered(HNSW_FROM_ROWS + 3000)
    store, exact = lite.open(rows.shape[1]), ExactVectors(rows.shape[1])
    for one in (store, exact):
        fill(one, rows)
    assert store.index_kind == "HNSW"
    queries = clustered(9000)[-60:]
    filters = [EVERYTHING, Filter(frozenset({Modality.IMAGE})), Filter(frozenset({Modality.TEXT}), frozenset(range(1000, 1100)))]
    for where in filters:
        theirs, ours = exact.search(queries, 10, where), store.search(queries, 10, where)
        recall = np.mean([len(set(found(theirs, row)) & set(found(ours, row))) / 10 for row in range(len(queries))])
        assert recall >= 0.95
        for numbers, scores, query in zip(ours.ids, ours.scores, queries, strict=True):
            np.testing.assert_allclose(scores, rows[numbers - 1000] @ query, atol=1e-5)
    assert len(found(store.search(queries[:1], 7990, EVERYTHING))) == 7990
    rare = Filter(None, frozenset(range(1000 + 40, 1000 + len(rows))))
    assert len(found(store.search(queries[:1], 40, rare))) == 40
    store = lite.open(rows.shape[1])
    assert store.index_kind == "HNSW"
    assert len(held(store)) == len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("admitted", [1, 40, 1999, 4000, 7900])
def test_a_folder_is_searched_rightly_however_few_it_holds_and_however_far_it_lies(lite: Lite, admitted: int) -> None:
    rows = clustered(HNSW_FROM_ROWS + 3000)
    store = lite.open(rows.shape[1])
    ids = fill(store, rows)
    assert store.index_kind == "HNSW"
    queries = clustered(9000)[-5:]
    far = np.argsort(rows @ queries[0])[:admitted]  # what the index would look at last
    where = Filter(without=frozenset(ids[one] for one in far[:1]) if admitted > 1 else frozenset(), only=frozenset(ids[one] for one in far))
    candidates = [one for one in where.only or () if one not in where.without]
    for row, query in enumerate(queries):
        scores = {one: float(rows[one - 1000] @ query) for one in candidates}
        neighbours = store.search(queries, 30, where)
        best = sorted(scores, key=lambda one: -scores[one])[:30]
        assert len(set(found(neighbours, row)) & set(best)) >= 0.96 * len(best)
        np.testing.assert_allclose(neighbours.scores[row, : len(best)], sorted(scores.values(), reverse=True)[:30], atol=2e-3)


@pytest.mark.slow
def test_an_index_grows_into_hnsw_and_shrinks_back(lite: Lite) -> None:
    store = lite.open()
    rows = unit_rows(HNSW_FROM_ROWS)
    ids = fill(store, rows[:-1])
    assert store.index_kind == "FLAT"
    store.upsert(bare([1], rows[-1:], [Modality.TEXT]))
    store.finish()
    assert store.index_kind == "HNSW"
    assert found(store.search(rows[-1:], 1, EVERYTHING)) == [1]
    store.delete(ids[:10])
    store.finish()
    assert store.index_kind == "FLAT"
    assert sorted([1, *ids[10:]]) == held(store)


@pytest.mark.slow
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_an_index_file_that_a_kill_cut_off_is_built_anew(lite: Lite, keep: float) -> None:
    store = lite.open()
    rows = unit_rows(HNSW_FROM_ROWS + 500)
    ids = fill(store, rows)
    lite.close()
    newest = lite.index_files()[-1]
    os.truncate(newest, int(newest.stat().st_size * keep))
    store = lite.open()
    assert held(store) == ids
    assert found(store.search(rows[:1], 1, EVERYTHING)) == ids[:1]
    store.upsert(bare([1], rows[:1], [Modality.TEXT]))
    store.finish()
    assert found(store.search(rows[:1], 1, Filter(frozenset({Modality.TEXT}), frozenset(ids)))) == [1]


@pytest.mark.slow
def test_what_was_written_is_found_while_it_goes_to_the_disk_long_before_it_is_finished(lite: Lite) -> None:
    rows = unit_rows(1500, 1024)
    store = lite.open(rows.shape[1])
    fill(store, rows[:100], first_id=0)
    flushed = len(lite.data_files())
    written = [99]
    searched, over = threading.Semaphore(0), threading.Event()

    def search() -> None:
        while not over.is_set():
            last = written[-1]
            assert found(store.search(rows[last : last + 1], 1, EVERYTHING)) == [last]
            searched.release()

    with ThreadPoolExecutor(2) as pool:
        searches = [pool.submit(search) for _ in range(2)]
        try:
            for start in range(100, 1500, 50):
                assert searched.acquire(timeout=60)
                store.upsert(bare(range(start, start + 50), rows[start : start + 50], [Modality.TEXT] * 50))
                written.append(start + 49)
        finally:
            over.set()
        for one in searches:
            one.result()
    assert len(lite.data_files()) > flushed
    assert held(store) == list(range(1500))


def test_what_nobody_searches_is_written_to_one_file_in_the_end(lite: Lite) -> None:
    store = lite.open(1024)
    for start in range(0, 600, 200):
        store.upsert(bare(range(start, start + 200), unit_rows(200, 1024, seed=start), [Modality.TEXT] * 200))
    assert lite.data_files() == []
    store.finish()
    assert len(lite.data_files()) == 1


def test_an_index_that_was_dropped_and_not_built_is_built_on_opening(lite: Lite) -> None:
    store = lite.open()
    ids = fill(store, unit_rows(10))
    assert lite.collections is not None
    lite.collections.milvus.ask("release", lambda client, _: client.release_collection("points"), 0)
    lite.collections.milvus.ask("drop", lambda client, _: client.drop_index("points", "vector"), 0)
    store = lite.open()
    assert found(store.search(unit_rows(1), 1, EVERYTHING)) == ids[:1]


def test_the_reason_for_an_index_tells_of_what_there_is_now(lite: Lite) -> None:
    store = lite.open()
    fill(store, unit_rows(12))
    assert "each of 12 vectors" in store.report.why


def test_collections_lie_side_by_side(lite: Lite) -> None:
    one = lite.open(name="one")
    fill(one, unit_rows(3))
    assert lite.collections is not None
    two = MilvusVectors(lite.collections, "two", DIMENSION + 2)
    fill(two, unit_rows(4, DIMENSION + 2), first_id=5)
    assert held(one) == [1000, 1001, 1002]
    assert held(two) == [5, 6, 7, 8]
    assert sorted(lite.collections.names()) == ["one", "two"]
    lite.collections.drop("one")
    lite.collections.drop("one")
    assert lite.collections.names() == ["two"]
    assert held(two) == [5, 6, 7, 8]


def test_a_store_that_can_not_be_opened_says_so_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "milvus.db").write_text("a file where a directory should be")
    with pytest.raises(StoreUnavailable, match="rebuild"):
        open_lite(tmp_path)


def test_more_rows_than_one_call_takes_are_written_and_deleted(lite: Lite) -> None:
    store = lite.open()
    ids = fill(store, unit_rows(2500))
    assert held(store) == ids
    store.delete(ids[:2100])
    store.finish()
    assert held(store) == ids[2100:]
    assert [modality_of(one) for one in found(store.search(unit_rows(1), 400, Filter(frozenset({Modality.IMAGE}))))].count(
        Modality.IMAGE
    ) == len([one for one in ids[2100:] if modality_of(one) is Modality.IMAGE])


@pytest.mark.slow
@pytest.mark.parametrize("index", [IndexType.HNSW, IndexType.IVF_FLAT, IndexType.IVF_SQ8])
def test_every_index_type_that_lite_builds_finds_what_it_says_it_finds(tmp_path: Path, index: IndexType) -> None:
    rows = clustered(2500, 32)
    collections = Collections(open_lite(tmp_path), Wanted(index))
    store, exact = MilvusVectors(collections, "points", 32), ExactVectors(32)
    for one in (store, exact):
        fill(one, rows)
    assert store.report.kind == index
    assert store.report.recall is not None
    assert store.report.recall >= 0.99
    assert store.measure().recall == pytest.approx(store.report.recall, abs=0.01)
    queries = clustered(2600, 32)[-60:]
    theirs, ours = exact.search(queries, 10, EVERYTHING), store.search(queries, 10, EVERYTHING)
    assert np.mean([len(set(found(theirs, row)) & set(found(ours, row))) / 10 for row in range(60)]) >= 0.97
    again = MilvusVectors(collections, "points", 32)
    assert again.report == store.report
    collections.milvus.close()


@pytest.mark.slow
def test_an_index_that_finds_too_little_searches_harder_and_the_next_process_does_too(tmp_path: Path) -> None:
    rows = unit_rows(6000, 64)  # without any structure, which is hard for every index
    wanted = Wanted(IndexType.HNSW, {"M": 8}, {"ef": 16})
    collections = Collections(open_lite(tmp_path), wanted)
    store = MilvusVectors(collections, "points", 64)
    fill(store, rows)
    report = store.report
    assert report.search["ef"] > 100
    assert report.recall is not None
    assert report.recall >= 0.99
    collections.milvus.close()
    collections = Collections(open_lite(tmp_path), wanted)
    assert MilvusVectors(collections, "points", 64).report == report
    collections.milvus.close()


@pytest.mark.parametrize("index", [IndexType.IVF_PQ, IndexType.DISKANN, IndexType.GPU_CAGRA, IndexType.SCANN])
def test_an_index_type_that_lite_would_only_say_yes_to_is_refused(tmp_path: Path, index: IndexType) -> None:
    collections = Collections(open_lite(tmp_path), Wanted(index))
    with pytest.raises(SettingsError, match=r"builds no index of type .* FLAT, HNSW, IVF_FLAT, IVF_SQ8\."):
        MilvusVectors(collections, "points", DIMENSION)
    assert collections.names() == []
    collections.milvus.close()
