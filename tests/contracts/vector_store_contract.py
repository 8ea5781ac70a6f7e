"""What every vector store promises. A test module subclasses it and gives the fixture `open_store`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from storage.vectors import TIE_MARGIN
from uniir.documents import Modality
from uniir.errors import UsageError
from uniir.filters import EVERYTHING, Filter
from uniir.protocols import Neighbours, Points, VectorStore

DIMENSION = 8
MODALITIES = tuple(Modality)
OpenStore = Callable[[], VectorStore]
"""Opens the one store of a test; called again, it closes the store first and opens what is on disk."""


def unit_rows(count: int, dimension: int = DIMENSION, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def bare(ids: Sequence[int], vectors: NDArray[np.float32], modalities: Sequence[Modality]) -> Points:
    """Points of documents without metadata."""
    return Points(ids, vectors, modalities, [{}] * len(ids))


def fill(store: VectorStore, rows: NDArray[np.float32], first_id: int = 1000) -> list[int]:
    """Upserts rows under consecutive ids, modalities taking turns, and finishes."""
    ids = list(range(first_id, first_id + len(rows)))
    store.upsert(bare(ids, rows, [modality_of(one) for one in ids]))
    store.finish()
    return ids


def modality_of(document: int) -> Modality:
    return MODALITIES[document % 3]


def held(store: VectorStore) -> list[int]:
    return sorted(document for block in store.scan() for document in block.tolist())


def expected(rows: dict[int, NDArray[np.float32]], query: NDArray[np.float32], k: int, where: Filter) -> list[int]:
    """The oracle: inner products in float64, ties by id."""
    admitted = [one for one in rows if where.admits(one, modality_of(one))]
    return sorted(admitted, key=lambda one: (-float(np.float32(rows[one].astype(np.float64) @ query)), one))[:k]


def found(neighbours: Neighbours, row: int = 0) -> list[int]:
    return [int(one) for one in neighbours.ids[row] if one >= 0]


class VectorStoreContract:
    def test_an_empty_store_answers_with_nothing(self, open_store: OpenStore) -> None:
        store = open_store()
        neighbours = store.search(unit_rows(2), 3, EVERYTHING)
        assert neighbours.ids.tolist() == [[-1] * 3] * 2
        assert np.isneginf(neighbours.scores).all()
        assert held(store) == []
        store.delete([1, 2])
        store.finish()

    def test_what_was_written_is_found_with_its_inner_product(self, open_store: OpenStore) -> None:
        store = open_store()
        rows = unit_rows(50)
        ids = fill(store, rows)
        queries = unit_rows(7, seed=1)
        neighbours = store.search(queries, 50, EVERYTHING)
        assert neighbours.ids.dtype == np.int64
        assert neighbours.scores.dtype == np.float32
        for query, numbers, scores in zip(queries, neighbours.ids, neighbours.scores, strict=True):
            assert sorted(numbers.tolist()) == ids
            np.testing.assert_allclose(scores, rows[numbers - 1000] @ query, atol=1e-5)
            assert (np.diff(scores) <= 0).all()

    def test_ids_up_to_63_bits_are_kept(self, open_store: OpenStore) -> None:
        store = open_store()
        ids = [1, 2**53 + 1, 2**63 - 2]  # the very last is a mark of its own to a Milvus server, and no id of ours
        store.upsert(bare(ids, unit_rows(3), [Modality.TEXT] * 3))
        store.finish()
        assert held(store) == ids
        assert sorted(found(store.search(unit_rows(1), 3, EVERYTHING))) == ids

    def test_writing_the_same_again_changes_nothing(self, open_store: OpenStore) -> None:
        store = open_store()
        ids = fill(store, unit_rows(20))
        fill(store, unit_rows(20))
        assert held(store) == ids
        assert sorted(found(store.search(unit_rows(1), 40, EVERYTHING))) == ids

    def test_a_known_id_is_replaced_with_its_modality(self, open_store: OpenStore) -> None:
        store = open_store()
        rows = unit_rows(3)
        store.upsert(bare([1, 2], rows[:2], [Modality.TEXT] * 2))
        store.finish()
        store.upsert(bare([1], rows[2:], [Modality.IMAGE]))
        store.finish()
        neighbours = store.search(rows[2:], 1, Filter(frozenset({Modality.IMAGE})))
        assert found(neighbours) == [1]
        assert neighbours.scores[0, 0] == pytest.approx(1, abs=1e-5)
        assert found(store.search(rows[:1], 5, Filter(frozenset({Modality.TEXT})))) == [2]
        assert held(store) == [1, 2]

    def test_of_one_id_twice_in_a_call_the_last_counts(self, open_store: OpenStore) -> None:
        store = open_store()
        rows = unit_rows(3)
        store.upsert(bare([1, 2, 1], rows, [Modality.TEXT, Modality.TEXT, Modality.IMAGE]))
        store.finish()
        neighbours = store.search(rows[2:], 3, Filter(frozenset({Modality.IMAGE})))
        assert found(neighbours) == [1]
        assert neighbours.scores[0, 0] == pytest.approx(1, abs=1e-5)
        assert held(store) == [1, 2]

    def test_deleting_is_idempotent(self, open_store: OpenStore) -> None:
        store = open_store()
        ids = fill(store, unit_rows(10))
        for _ in range(2):
            store.delete([*ids[:4], 5, 6])
            store.finish()
            assert held(store) == ids[4:]
            assert sorted(found(store.search(unit_rows(1), 20, EVERYTHING))) == ids[4:]
        store.delete([])

    def test_what_was_deleted_can_come_back(self, open_store: OpenStore) -> None:
        store = open_store()
        rows = unit_rows(4)
        ids = fill(store, rows)
        store.delete(ids)
        store.upsert(bare(ids[:1], rows[3:], [Modality.IMAGE]))
        store.finish()
        neighbours = store.search(rows[3:], 4, EVERYTHING)
        assert found(neighbours) == ids[:1]
        assert neighbours.scores[0, 0] == pytest.approx(1, abs=1e-5)

    def test_a_store_can_be_emptied(self, open_store: OpenStore) -> None:
        store = open_store()
        ids = fill(store, unit_rows(10))
        store.delete(ids)
        store.finish()
        assert held(store) == []
        assert found(store.search(unit_rows(1), 3, EVERYTHING)) == []

    @pytest.mark.parametrize("k", [1, 10, 29, 30, 31, 500])
    def test_k_or_all_are_found(self, open_store: OpenStore, k: int) -> None:
        store = open_store()
        fill(store, unit_rows(30))
        neighbours = store.search(unit_rows(2, seed=3), k, EVERYTHING)
        assert neighbours.ids.shape == neighbours.scores.shape == (2, k)
        assert len(found(neighbours)) == min(k, 30)

    @pytest.mark.parametrize("k", [0, -1, 16385])
    def test_a_k_out_of_range_is_refused(self, open_store: OpenStore, k: int) -> None:
        store = open_store()
        with pytest.raises(UsageError):
            store.search(unit_rows(1), k, EVERYTHING)

    def test_equal_scores_are_ordered_by_id(self, open_store: OpenStore) -> None:
        store = open_store()
        one, other = unit_rows(2)
        ids = [9, 3, 12, 7, 1, 30, 22]
        store.upsert(bare(ids, np.stack([one] * 7), [Modality.TEXT] * 7))
        store.upsert(bare([2], other[None], [Modality.TEXT]))
        store.finish()
        assert found(store.search(one[None], 8, EVERYTHING)) == [*sorted(ids), 2]
        assert len(ids) < TIE_MARGIN
        assert found(store.search(one[None], 3, EVERYTHING)) == sorted(ids)[:3]

    @pytest.mark.parametrize("seed", range(6))
    def test_random_points_under_random_filters_equal_the_oracle(self, open_store: OpenStore, seed: int) -> None:
        store, random = open_store(), np.random.default_rng(seed)
        rows: dict[int, NDArray[np.float32]] = {}
        for step in range(6):
            ids = random.choice(np.arange(1, 400), 60, replace=False).tolist()
            vectors = unit_rows(60, seed=1000 * seed + step)
            store.upsert(bare(ids, vectors, [modality_of(one) for one in ids]))
            rows |= dict(zip(ids, vectors, strict=True))
            gone = random.choice(np.arange(1, 400), 40, replace=False).tolist()
            store.delete(gone)
            rows = {one: row for one, row in rows.items() if one not in gone}
        store.finish()
        assert held(store) == sorted(rows)
        queries = unit_rows(4, seed=seed + 77)
        for where in _random_filters(random, list(rows)):
            for k in (1, 12, 1000):
                neighbours = store.search(queries, k, where)
                for position, query in enumerate(queries):
                    assert found(neighbours, position) == expected(rows, query, k, where)

    def test_a_filter_that_admits_nothing_finds_nothing(self, open_store: OpenStore) -> None:
        store = open_store()
        store.upsert(bare([1, 2], unit_rows(2), [Modality.TEXT] * 2))
        store.finish()
        assert found(store.search(unit_rows(1), 5, Filter(frozenset({Modality.IMAGE})))) == []
        assert found(store.search(unit_rows(1), 5, Filter(frozenset()))) == []
        assert found(store.search(unit_rows(1), 5, Filter(without=frozenset({1, 2})))) == []
        assert found(store.search(unit_rows(1), 5, Filter(only=frozenset()))) == []
        assert found(store.search(unit_rows(1), 5, Filter(only=frozenset({3, 2**63 - 2})))) == []
        assert found(store.search(unit_rows(1), 5, Filter(frozenset({Modality.IMAGE}), only=frozenset({1})))) == []
        assert found(store.search(unit_rows(1), 5, Filter(without=frozenset({1}), only=frozenset({1})))) == []

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_a_value_that_is_not_finite_is_refused(self, open_store: OpenStore, bad: float) -> None:
        store = open_store()
        fill(store, unit_rows(3))
        broken = unit_rows(2)
        broken[1, 3] = bad
        with pytest.raises(UsageError, match="finite"):
            store.upsert(bare([1, 2], broken, [Modality.TEXT] * 2))
        with pytest.raises(UsageError, match="finite"):
            store.search(broken, 1, EVERYTHING)
        assert held(store) == [1000, 1001, 1002]

    @pytest.mark.parametrize("shape", [(2, DIMENSION - 1), (2, DIMENSION + 1), (DIMENSION,), (0,)])
    def test_another_dimension_is_refused(self, open_store: OpenStore, shape: tuple[int, ...]) -> None:
        store = open_store()
        with pytest.raises(UsageError, match="dimension"):
            store.upsert(bare([1, 2], np.zeros(shape, np.float32), [Modality.TEXT] * 2))
        with pytest.raises(UsageError, match="dimension"):
            store.search(np.zeros(shape, np.float32), 1, EVERYTHING)

    def test_searching_while_others_write_and_finish_misses_nothing_that_stays(self, open_store: OpenStore) -> None:
        store = open_store()
        rows = unit_rows(40)
        ids = fill(store, rows)
        searched, over = threading.Semaphore(0), threading.Event()

        def search() -> None:
            while not over.is_set():
                assert set(found(store.search(rows[:1], 200, EVERYTHING))) >= set(ids)
                assert found(store.search(rows[:1], 1, Filter(only=frozenset(ids)))) == ids[:1]
                searched.release()

        with ThreadPoolExecutor(3) as pool:
            searches = [pool.submit(search) for _ in range(3)]
            try:
                for step in range(4):
                    assert all(searched.acquire(timeout=60) for _ in searches)
                    store.upsert(bare(list(range(1, 60)), unit_rows(59, seed=step), [Modality.TEXT] * 59))
                    store.finish()
                    store.delete(list(range(1, 60)))
                    assert held(store) == ids
            finally:
                over.set()
            for one in searches:
                one.result()

    def test_it_names_its_index(self, open_store: OpenStore) -> None:
        assert open_store().index_kind in {"FLAT", "exact"}

    def test_writing_nothing_is_no_error(self, open_store: OpenStore) -> None:
        store = open_store()
        store.upsert(bare([], np.empty((0, DIMENSION), np.float32), []))
        store.finish()
        assert held(store) == []

    def test_what_was_written_can_be_searched_before_it_is_finished(self, open_store: OpenStore) -> None:
        store = open_store()
        fill(store, unit_rows(5))
        store.upsert(bare([1], unit_rows(1, seed=9), [Modality.TEXT]))
        assert found(store.search(unit_rows(1, seed=9), 1, EVERYTHING)) == [1]

    def test_every_id_is_scanned_once_in_whole_blocks(self, open_store: OpenStore) -> None:
        store = open_store()
        count = 11_000
        store.upsert(bare(list(range(count)), np.tile(unit_rows(1), (count, 1)), [Modality.TEXT] * count))
        assert held(store) == list(range(count))

    def test_a_store_opened_again_is_the_same(self, open_store: OpenStore) -> None:
        store = open_store()
        rows = unit_rows(40)
        ids = fill(store, rows)
        store.delete(ids[:3])
        store.finish()
        before = store.search(rows[:5], 7, Filter(frozenset({Modality.IMAGE})))
        store = open_store()
        after = store.search(rows[:5], 7, Filter(frozenset({Modality.IMAGE})))
        assert held(store) == ids[3:]
        assert before.ids.tolist() == after.ids.tolist()
        np.testing.assert_allclose(before.scores, after.scores, atol=1e-6)
        store.upsert(bare([1], rows[:1], [Modality.TEXT]))
        store.finish()
        assert held(open_store()) == [1, *ids[3:]]


def _random_filters(random: np.random.Generator, ids: Sequence[int]) -> list[Filter]:
    some = frozenset(random.choice(ids, 20, replace=False).tolist())
    wanted = frozenset(one for one in MODALITIES if random.random() < 0.6)
    most = frozenset(random.choice(ids, len(ids) * 2 // 3, replace=False).tolist())
    narrow = [Filter(only=some), Filter(only=most), Filter(wanted, some, most), Filter(only=frozenset([*some, 2**62]))]
    return [EVERYTHING, Filter(wanted), Filter(wanted, some), Filter(None, some), Filter(frozenset(MODALITIES)), *narrow]
