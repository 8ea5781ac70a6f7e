"""A real Milvus server: the contract, every index type it builds, and several processes with one collection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from storage.exact import ExactVectors
from storage.milvus.choosing import AUTO, Wanted
from storage.milvus.collections import Collections
from storage.milvus.connection import Patience, open_server
from storage.milvus.indexes import IndexType
from storage.milvus.lite import open_lite
from storage.milvus.store import MilvusVectors
from tests.contracts.far import Far
from tests.contracts.vector_store_contract import DIMENSION, OpenStore, VectorStoreContract, bare, fill, found, held, modality_of, unit_rows
from tests.servers.milvus import MilvusServer
from uniir.documents import Modality
from uniir.errors import SettingsError
from uniir.filters import EVERYTHING, Filter
from uniir.protocols import Points, VectorStore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared(milvus_server: MilvusServer) -> Iterator[Far]:
    """One collection for the whole contract, since making them takes seconds; every test finds it empty."""
    far = Far(milvus_server)
    yield far
    far.close()


class TestMilvusServer(VectorStoreContract):
    @pytest.fixture
    def open_store(self, shared: Far) -> OpenStore:
        opened = False

        def open_store() -> VectorStore:
            nonlocal opened
            store = shared.open()
            if not opened:
                store.delete(held(store))
            opened = True
            return store

        return open_store


def clustered(rows: int, dimension: int = 32) -> np.ndarray:
    random = np.random.default_rng(5)
    centres = random.normal(size=(150, dimension))
    vectors = (centres[random.integers(0, 150, rows)] + 0.4 * random.normal(size=(rows, dimension))).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def mean_recall(store: VectorStore, exact: VectorStore, queries: np.ndarray) -> float:
    theirs, ours = exact.search(queries, 10, EVERYTHING), store.search(queries, 10, EVERYTHING)
    return float(np.mean([len(set(found(theirs, row)) & set(found(ours, row))) / 10 for row in range(len(queries))]))


def test_server_lite_and_exact_store_answer_alike_under_random_filters(far: Far, tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    lite = Collections(open_lite(tmp_path))
    rows = unit_rows(900)
    stores = [far.open(), MilvusVectors(lite, "points", DIMENSION), ExactVectors(DIMENSION)]
    ids = random.permutation(np.arange(1, 5000))[:900].tolist()
    for store in stores:
        store.upsert(bare(ids, rows, [modality_of(one) for one in ids]))
        store.delete(ids[:100])
        store.finish()
    for step in range(12):
        some = frozenset(random.choice(ids, 5 + 60 * step, replace=False).tolist())
        wanted = frozenset(one for one in Modality if random.random() < 0.6)
        for where in (Filter(wanted), Filter(None, some), Filter(wanted, only=some), Filter(only=some)):
            answers = [store.search(unit_rows(3, seed=step), 25, where) for store in stores]
            for answer in answers[:-1]:
                assert answer.ids.tolist() == answers[-1].ids.tolist()
                np.testing.assert_allclose(answer.scores[answer.ids >= 0], answers[-1].scores[answer.ids >= 0], atol=1e-5)
    lite.milvus.close()


@pytest.mark.parametrize("index", [IndexType.FLAT, IndexType.HNSW, IndexType.IVF_FLAT, IndexType.IVF_SQ8, IndexType.IVF_PQ])
def test_every_index_type_that_it_builds_finds_what_it_says_it_finds(milvus_server: MilvusServer, index: IndexType) -> None:
    rows = clustered(2500)
    far, exact = Far(milvus_server, Wanted(index), rows.shape[1]), ExactVectors(rows.shape[1])
    try:
        store = far.open()
        for one in (store, exact):
            fill(one, rows)
        queries = clustered(2600)[-60:]
        report = store.report
        assert report.kind == index
        assert report.recall is not None
        assert mean_recall(store, exact, queries) == pytest.approx(report.recall, abs=0.08)
        assert report.recall >= 0.98
        scores = store.search(rows[:5], 1, EVERYTHING).scores[:, 0]
        np.testing.assert_allclose(scores, 1, atol=1e-5)  # of the vectors themselves, however short the index keeps them
        again = far.open()
        assert again.report.search == report.search
        assert again.report.recall == report.recall
        far_off = Filter(only=frozenset(range(1000, 1040)), without=frozenset({1000}))
        assert sorted(found(again.search(queries[:1], 60, far_off))) == list(range(1001, 1040))
    finally:
        far.close()


def test_a_folder_is_searched_rightly_however_many_it_holds_and_however_far_it_lies(milvus_server: MilvusServer) -> None:
    rows = clustered(6000)
    far = Far(milvus_server, Wanted(IndexType.HNSW), rows.shape[1])
    try:
        store = far.open()
        fill(store, rows, first_id=0)
        for question in clustered(6100)[-5:]:
            far_off = np.argsort(rows @ question)[:3000]
            right = far_off[np.argsort(-(rows[far_off] @ question))[:10]]
            ours = store.search(question[None], 10, Filter(only=frozenset(far_off.tolist())))
            assert len(set(found(ours)) & set(right.tolist())) >= 9
    finally:
        far.close()


@pytest.mark.parametrize("index", [IndexType.SCANN, IndexType.DISKANN, IndexType.GPU_CAGRA, IndexType.GPU_IVF_FLAT])
def test_an_index_type_that_it_does_not_build_is_refused_at_once_with_those_it_does(far: Far, index: IndexType) -> None:
    far.wanted = Wanted(index)
    began = time.monotonic()
    with pytest.raises(SettingsError, match=r"FLAT, HNSW, IVF_FLAT, IVF_PQ, IVF_SQ8\."):
        far.open()
    assert time.monotonic() - began < 30
    far.wanted = AUTO
    far.open()


def test_a_server_is_asked_whether_it_has_gpu_indexes_where_that_is_wanted(far: Far) -> None:
    asked = open_server(replace(far.server, gpu="try"))
    assert not asked.engine.has_gpu
    assert not [name for name in asked.ask("names", lambda client, _: client.list_collections(), 60) if name.startswith("uniir_try")]
    asked.close()
    far.open()


def test_another_index_type_takes_its_place_with_the_next_finish(far: Far) -> None:
    fill(far.open(), unit_rows(20))
    far.wanted = Wanted(IndexType.HNSW, {"M": 8})
    store = far.open()
    assert "before the settings" in store.report.why
    store.finish()
    assert store.report.kind == "HNSW"
    assert far.open().report.kind == "HNSW"
    assert len(held(store)) == 20


def test_a_process_goes_on_with_the_index_that_another_put_there(far: Far) -> None:
    rows = clustered(1500, DIMENSION)
    reader = far.open()
    ids = fill(reader, rows)
    far.wanted = Wanted(IndexType.HNSW)
    writer = far.open()
    writer.finish()
    assert (writer.report.kind, reader.report.kind) == ("HNSW", "FLAT")
    assert len(found(reader.search(rows[:1], 300, EVERYTHING))) == 300
    reader.delete(ids[:10])
    far.wanted = AUTO
    reader.finish()
    seen = found(reader.search(rows[:1], 2000, EVERYTHING))  # first, since who wrote waits until it sees that
    assert sorted(seen) == ids[10:]
    assert found(writer.search(rows[:1], 2000, EVERYTHING)) == seen


def test_a_first_load_is_written_at_once(far: Far) -> None:
    store, rows = far.open(), unit_rows(9000)
    pages = (bare(range(start, start + 500), rows[start : start + 500], [Modality.TEXT] * 500) for start in range(0, 9000, 500))
    assert store.fill(pages) == 9000
    assert held(store) == list(range(9000))
    assert found(store.search(rows[77:78], 1, EVERYTHING)) == [77]


def test_a_first_load_that_broke_off_does_not_keep_a_collection_out_of_memory(far: Far) -> None:
    store = far.open(Patience(search=6, write=120))
    ids = fill(store, unit_rows(10))

    def breaking() -> Iterator[Points]:
        yield bare([1], unit_rows(1), [Modality.TEXT])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.fill(breaking())
    assert set(ids) <= set(found(store.search(unit_rows(1), 30, EVERYTHING)))


def test_another_process_sees_what_was_finished(far: Far) -> None:
    writer, reader = far.open(), far.open()
    ids = fill(writer, unit_rows(30))
    deadline = time.monotonic() + 120
    while sorted(found(reader.search(unit_rows(1), 30, EVERYTHING))) != ids:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert held(reader) == ids


def test_collections_of_another_installation_are_left_alone(far: Far) -> None:
    fill(far.open(), unit_rows(3))
    stranger = Collections(open_server(far.server), owner="somebody else")
    assert far.name not in stranger.names()
    with pytest.raises(SettingsError, match="milvus_database"):
        stranger.drop(far.name)
    with pytest.raises(SettingsError, match="milvus_database"):
        MilvusVectors(stranger, far.name, DIMENSION)
    stranger.milvus.close()
    room = Collections(open_server(replace(far.server, database="room")), owner="somebody else")
    assert held(MilvusVectors(room, far.name, DIMENSION)) == []
    room.drop(far.name)
    room.milvus.close()
    assert len(held(far.open())) == 3
