"""The second look at the first hits, measured: the stage that the application's search has, without its deadline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluation.embedding import Entries, Told
from evaluation.mbeir.pools import Candidates
from search.reranking import RerankStage
from uniir.documents import Document, Modality
from uniir.errors import ModelUnavailable
from uniir.hits import RerankState
from uniir.protocols import Reranker
from uniir.queries import Query, Reranking

TOP = 50
_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """The dids of each query in their new order. `most` is how many hits of one query were read, at most."""

    orders: Sequence[Sequence[str]]
    most: int


class SecondReading:
    """Reads the first `top` hits again: of every query (ON), or of those for which that was measured to help (AUTO).

    `weight` adds so much of a probability to the first score; without it the probability alone makes the order.
    """

    def __init__(
        self,
        reranker: Reranker,
        by_default: Callable[[Modality, Modality | None], bool],
        reranking: Reranking,
        weight: float | None = None,
        top: int = TOP,
    ) -> None:
        self._stage = RerankStage(reranker, by_default, top, _SECONDS, weight)
        self._reranking = reranking

    def of(self, queries: Entries, ranked: Sequence[Sequence[str]], scores: NDArray[np.float32], pool: Candidates, told: Told) -> ReadAgain:
        """The same dids in their new order; `scores` stand beside `ranked`. Raises ModelUnavailable where the reranker fails."""
        orders: list[Sequence[str]] = []
        most = 0
        for entry, dids, line in zip(queries(), ranked, scores, strict=True):
            order, count = self._ordered(entry.item, dids, line[: len(dids)].tolist(), pool)
            orders.append(order)
            most = max(most, count)
            told(len(orders), len(ranked))
        return ReadAgain(orders, most)

    def _ordered(
        self, query: Document | Query | None, dids: Sequence[str], scores: Sequence[float], pool: Candidates
    ) -> tuple[Sequence[str], int]:
        """The new order, and how many hits were read for it."""
        if not isinstance(query, Query):
            return dids, 0
        query = replace(query, rerank=self._reranking)
        if not self._stage.wanted(query, query.target):
            return dids, 0
        read = self._stage.run(query, query.target, pool.documents(dids), scores)
        if read.outcome.state is RerankState.FAILED:
            raise ModelUnavailable(f"Hits can't be read again: {read.outcome.reason}", "Evaluate without `--rerank`.")
        return [dids[place] for place in read.order], read.outcome.count
