"""Exact search over half-precision rows, in blocks."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.nearest import nearest

RANDOM = np.random.default_rng(3)
VECTORS = RANDOM.standard_normal((500, 16)).astype(np.float16)
QUERIES = RANDOM.standard_normal((30, 16)).astype(np.float16)


@pytest.mark.parametrize("block_bytes", [1, 7 * 64, 100 * 64, 1 << 30])
def test_blocks_of_any_size_find_the_same(block_bytes: int) -> None:
    unit = [rows.astype(np.float32) / np.linalg.norm(rows.astype(np.float32), axis=1, keepdims=True) for rows in (QUERIES, VECTORS)]
    scores = unit[0] @ unit[1].T
    rows, found = nearest(QUERIES, VECTORS, 10, block_bytes)
    assert rows.tolist() == np.argsort(-scores, axis=1)[:, :10].tolist()
    assert np.allclose(found, -np.sort(-scores, axis=1)[:, :10], atol=1e-6)


def test_equal_scores_stand_as_one_flat_index_puts_them() -> None:
    vectors = VECTORS.copy()
    vectors[5:25] = vectors[3]
    index = faiss.index_factory(16, "IDMap,Flat", faiss.METRIC_INNER_PRODUCT)
    single = vectors.astype(np.float32)
    faiss.normalize_L2(single)
    index.add_with_ids(single, np.arange(500) + 1000)
    asked = np.repeat(vectors[3:4], 25, axis=0)
    wanted = asked.astype(np.float32)
    faiss.normalize_L2(wanted)
    assert (nearest(asked, vectors, 10)[0] + 1000).tolist() == index.search(wanted, 10)[1].tolist()


@pytest.mark.parametrize("block_bytes", [3 * 16, 40 * 16, 299 * 16, 1 << 20])
@pytest.mark.parametrize("k", [1, 5, 10])
def test_ties_across_blocks_stand_as_one_flat_index_puts_them(block_bytes: int, k: int) -> None:
    few = RANDOM.integers(-2, 3, (300, 4)).astype(np.float16) + np.float16(0.5)
    asked = RANDOM.integers(-2, 3, (40, 4)).astype(np.float16) + np.float16(0.5)
    index = faiss.IndexFlatIP(4)
    single, wanted = few.astype(np.float32), asked.astype(np.float32)
    faiss.normalize_L2(single)
    faiss.normalize_L2(wanted)
    index.add(single)
    assert nearest(asked, few, k, block_bytes)[0].tolist() == index.search(wanted, k)[1].tolist()


def test_faiss_searches_on_a_gpu_where_it_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    resources, blocks = object(), []

    def knn_gpu(used: object, asked: NDArray[np.float32], block: NDArray[np.float32], k: int, metric: int) -> object:
        assert used is resources
        blocks.append(len(block))
        return faiss.knn(asked, block, k, metric=metric)

    plain = nearest(QUERIES, VECTORS, 10, 100 * 64)
    monkeypatch.setattr(faiss, "StandardGpuResources", lambda: resources, raising=False)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1)
    monkeypatch.setattr(faiss, "knn_gpu", knn_gpu)
    assert nearest(QUERIES, VECTORS, 10, 100 * 64)[0].tolist() == plain[0].tolist()
    assert blocks == [100] * 5


def test_rows_of_zeros_are_never_found_and_ask_for_nothing() -> None:
    vectors = np.array([[1, 0], [0, 0], [-1, 0]], np.float16)
    rows, scores = nearest(np.array([[1, 0], [0, 0]], np.float16), vectors, 3)
    assert rows.tolist() == [[0, 2, -1], [-1, -1, -1]]
    assert scores[0].tolist() == [1, -1, -np.inf]


def test_a_pool_of_zeros_answers_nothing() -> None:
    rows, scores = nearest(QUERIES, np.zeros((7, 16), np.float16), 3, 2 * 64)
    assert (rows == -1).all()
    assert (scores == -np.inf).all()
