"""FAISS on a GPU, where a build of FAISS with one is installed (`faiss-gpu` in the place of `faiss-cpu`)."""

from __future__ import annotations

import faiss
import numpy as np
from numpy.typing import NDArray

MOST_RESULTS = 2048  # FAISS keeps that many per query on a GPU

Found = tuple[NDArray[np.float32], NDArray[np.int64]]


def gpu_of(device: str) -> int | None:
    """The number of the GPU that `auto`, `cuda` or `cuda:N` mean here; None for `cpu`, or where FAISS or the machine has none."""
    count = faiss.get_num_gpus() if hasattr(faiss, "StandardGpuResources") else 0
    number = int(device.partition(":")[2] or 0)
    return number if device != "cpu" and number < count else None


class GraphicsCopy:
    """The rows of an index a second time, in the memory of a GPU. Not for several threads at once."""

    def __init__(self, number: int, dimension: int) -> None:
        self.number = number
        self._dimension = dimension
        self._resources = faiss.StandardGpuResources()
        self._index: faiss.Index | None = None

    def forget(self) -> None:
        """The rows are others now."""
        self._index = None

    def search(self, queries: NDArray[np.float32], rows: NDArray[np.float32], k: int) -> Found:
        """Scores and positions of the k nearest of all rows, which are copied once."""
        if self._index is None:
            configuration = faiss.GpuIndexFlatConfig()
            configuration.device = self.number
            self._index = faiss.GpuIndexFlatIP(self._resources, self._dimension, configuration)
            self._index.add(rows)
        scores, positions = self._index.search(queries, k)
        return scores, positions

    def search_among(self, queries: NDArray[np.float32], rows: NDArray[np.float32], k: int) -> Found:
        """The same for rows of this question alone."""
        scores, positions = faiss.knn_gpu(self._resources, queries, rows, k, metric=faiss.METRIC_INNER_PRODUCT, device=self.number)
        return scores, positions
