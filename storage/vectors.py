"""What every vector store checks and settles in the same way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from uniir.errors import UsageError
from uniir.protocols import Neighbours

TIE_MARGIN = 8  # fetched beyond k, so that equal scores at the cut are settled by id and not by the index
MAX_K = 16384  # what a Milvus server allows; the embedded stores keep to it


def require_fitting(vectors: NDArray[np.float32], dimension: int) -> None:
    """Raises UsageError unless the rows have the dimension of the store and are finite; stores themselves take anything."""
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise UsageError(f"Vectors of shape {vectors.shape} don't fit a store of dimension {dimension}.")
    if not np.isfinite(vectors).all():
        raise UsageError("A vector holds a value that is not finite.", "The encoder that made it is at fault.")


def require_k(k: int) -> None:
    if not 1 <= k <= MAX_K:
        raise UsageError(f"{k} results can't be asked for.", f"Ask for 1 to {MAX_K:,}.")


def rank(rows: Sequence[tuple[Sequence[int], Sequence[float]]], k: int) -> Neighbours:
    """The k best of each row, ties by id; short rows are filled up."""
    ids = np.full((len(rows), k), -1, dtype=np.int64)
    scores = np.full((len(rows), k), -np.inf, dtype=np.float32)
    for position, (found, values) in enumerate(rows):
        found_ids, found_scores = np.asarray(found, dtype=np.int64), np.asarray(values, dtype=np.float32)
        best = np.lexsort((found_ids, -found_scores))[:k]
        ids[position, : best.size] = found_ids[best]
        scores[position, : best.size] = found_scores[best]
    return Neighbours(ids, scores)
