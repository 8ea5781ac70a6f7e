"""Exact search over embeddings on disk, block by block, so that memory holds one block in single precision and no more."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 28  # of single precision
_SPARE = 4

_Found: TypeAlias = "tuple[NDArray[np.float32], NDArray[np.int64]]"
_Search: TypeAlias = Callable[[NDArray[np.float32], NDArray[np.float32], int], _Found]


def nearest(
    queries: NDArray[np.float16], vectors: NDArray[np.float16], k: int, block_bytes: int = BLOCK_BYTES
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of the k best cosines of each query, best first, and those cosines: [q, k] each; -1 and -inf where there are no more.

    As the authors of UniIR: half precision, then single, then unit length. Equal scores stand as one flat index of FAISS puts them.
    Rows of zeros are never found, and a query of zeros finds nothing. On a GPU where FAISS has one.
    """
    search = _search()
    asked = _unit(queries)
    step = max(1, block_bytes // (4 * vectors.shape[1]))
    # What a block leaves out of many equal scores may be wanted once all blocks are known.
    wide = k if len(vectors) <= step else _SPARE * k
    best_rows = np.full((len(asked), 0), -1, np.int64)
    best_scores = np.full((len(asked), 0), -np.inf, np.float32)
    for start in range(0, len(vectors), step):
        half = vectors[start : start + step]
        usable = np.flatnonzero(half.any(axis=1))
        if not len(usable):
            continue
        block = _unit(half if len(usable) == len(half) else half[usable])
        scores, places = search(asked, block, min(wide, len(block)))
        rows = np.where(places >= 0, usable[places] + start, -1)
        scores = np.where(places >= 0, scores, -np.inf)
        if wide == k:
            best_rows, best_scores = rows, scores
        else:
            best_rows, best_scores = _best(np.hstack([best_rows, rows]), np.hstack([best_scores, scores]), wide)
        del block  # before the next one is made
        _let_go(vectors)
    if wide != k:
        best_rows, best_scores = _best(best_rows, best_scores, k)
    missing = ((0, 0), (0, k - best_rows.shape[1]))
    best_rows, best_scores = np.pad(best_rows, missing, constant_values=-1), np.pad(best_scores, missing, constant_values=-np.inf)
    empty = ~asked.any(axis=1)
    best_rows[empty], best_scores[empty] = -1, -np.inf
    return best_rows, best_scores


def _best(rows: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k best of each line as FAISS's heap leaves them when it meets them by row.

    A score that equals the k-th best enters while fewer than k as good have been met; better ones drive out equal ones by row, and the
    later of equal ones stands first.
    """
    k = min(k, rows.shape[1])
    if not k:
        return rows, scores
    by_row = np.argsort(rows, axis=1, kind="stable")
    rows, scores = np.take_along_axis(rows, by_row, 1), np.take_along_axis(scores, by_row, 1)
    last = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]
    entered = (scores > last) | ((scores == last) & (np.cumsum(scores >= last, axis=1) <= k))
    kept = np.where(entered, scores, -np.inf)
    order = (rows.shape[1] - 1 - np.argsort(-kept[:, ::-1], axis=1, kind="stable"))[:, :k]
    return np.take_along_axis(rows, order, 1), np.take_along_axis(kept, order, 1)


def _search() -> _Search:
    """FAISS on the first GPU where it was built for one and sees one, else on the processor."""
    import faiss

    if hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0:
        resources = faiss.StandardGpuResources()
        return lambda asked, block, k: faiss.knn_gpu(resources, asked, block, k, metric=faiss.METRIC_INNER_PRODUCT)
    return lambda asked, block, k: faiss.knn(asked, block, k, metric=faiss.METRIC_INNER_PRODUCT)


def _let_go(vectors: NDArray[np.float16]) -> None:
    """Pages that were read need not stay in memory; a read-only file gives them again."""
    if isinstance(vectors.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        vectors.base.madvise(mmap.MADV_DONTNEED)


def _unit(rows: NDArray[np.float16]) -> NDArray[np.float32]:
    import faiss

    single = np.ascontiguousarray(rows, np.float32)
    faiss.normalize_L2(single)
    return single
