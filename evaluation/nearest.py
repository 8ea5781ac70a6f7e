"""Exact search over embeddings on disk, block by block, so that memory holds one block in single precision and no more."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 28  # of single precision; what fits is searched just as one flat index would

_Found: TypeAlias = "tuple[NDArray[np.float32], NDArray[np.int64]]"
_Search: TypeAlias = Callable[[NDArray[np.float32], NDArray[np.float32], int], _Found]


def nearest(
    queries: NDArray[np.float16], vectors: NDArray[np.float16], k: int, block_bytes: int = BLOCK_BYTES
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of the k best cosines of each query, best first, and those cosines: [q, k] each; -1 and -inf where there are no more.

    As the authors of UniIR: half precision, then single, then unit length. Equal scores stand as FAISS puts them within a block,
    and earlier blocks before later ones. Rows of zeros are never found, and a query of zeros finds nothing. On a GPU where FAISS has one.
    """
    search = _search()
    asked = _unit(queries)
    best_rows = np.full((len(asked), k), -1, np.int64)
    best_scores = np.full((len(asked), k), -np.inf, np.float32)
    step = max(1, block_bytes // (4 * vectors.shape[1]))
    for start in range(0, len(vectors), step):
        half = vectors[start : start + step]
        usable = np.flatnonzero(half.any(axis=1))
        if not len(usable):
            continue
        block = _unit(half if len(usable) == len(half) else half[usable])
        scores, places = search(asked, block, min(k, len(block)))
        rows = np.where(places >= 0, usable[places] + start, -1)
        scores = np.where(places >= 0, scores, -np.inf)
        both_rows, both_scores = np.hstack([best_rows, rows]), np.hstack([best_scores, scores])
        order = np.argsort(-both_scores, axis=1, kind="stable")[:, :k]
        best_rows, best_scores = np.take_along_axis(both_rows, order, 1), np.take_along_axis(both_scores, order, 1)
        del block  # before the next one is made
        _let_go(vectors)
    empty = ~asked.any(axis=1)
    best_rows[empty], best_scores[empty] = -1, -np.inf
    return best_rows, best_scores


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
