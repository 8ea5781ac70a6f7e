"""Exact search over embeddings on disk, block by block, so that memory holds one block in single precision and no more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 30  # of single precision; what fits is searched just as one flat index would


def nearest(
    queries: NDArray[np.float16], vectors: NDArray[np.float16], k: int, block_bytes: int = BLOCK_BYTES
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of the k best cosines of each query, best first, and those cosines: [q, k] each; -1 and -inf where there are no more.

    As the authors of UniIR: half precision, then single, then unit length. Equal scores stand as FAISS puts them within a block,
    and earlier blocks before later ones. Rows of zeros are never found, and a query of zeros finds nothing.
    """
    import faiss

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
        scores, places = faiss.knn(asked, block, min(k, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
        rows = np.where(places >= 0, usable[places] + start, -1)
        scores = np.where(places >= 0, scores, -np.inf)
        both_rows, both_scores = np.hstack([best_rows, rows]), np.hstack([best_scores, scores])
        order = np.argsort(-both_scores, axis=1, kind="stable")[:, :k]
        best_rows, best_scores = np.take_along_axis(both_rows, order, 1), np.take_along_axis(both_scores, order, 1)
    empty = ~asked.any(axis=1)
    best_rows[empty], best_scores[empty] = -1, -np.inf
    return best_rows, best_scores


def _unit(rows: NDArray[np.float16]) -> NDArray[np.float32]:
    import faiss

    single = np.ascontiguousarray(rows, np.float32)
    faiss.normalize_L2(single)
    return single
