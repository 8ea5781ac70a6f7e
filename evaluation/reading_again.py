"""The second look at the first hits, measured: the stage that the application's search has, without its deadline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evaluation.embedding import Entries, Told
from evaluation.mbeir.pools import Candidates
from search.reranking import RerankStage
from uniir.documents import Modality
from uniir.errors import ModelUnavailable
from uniir.hits import RerankState
from uniir.protocols import Reranker
from uniir.queries import Query, Reranking

TOP = 50
_SECONDS = 24 * 3600.0


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

    def of(
        self, queries: Entries, ranked: Sequence[Sequence[str]], scores: NDArray[np.float32], pool: Candidates, told: Told
    ) -> Sequence[Sequence[str]]:
        """The same dids in their new order; `scores` stand beside `ranked`. Raises ModelUnavailable where the reranker fails."""
        orders: list[Sequence[str]] = []
        for entry, dids, line in zip(queries(), ranked, scores, strict=True):
            orders.append(self._ordered(entry.item, dids, line[: len(dids)].tolist(), pool) if isinstance(entry.item, Query) else dids)
            told(len(orders), len(ranked))
        return orders

    def _ordered(self, query: Query, dids: Sequence[str], scores: Sequence[float], pool: Candidates) -> Sequence[str]:
        query = replace(query, rerank=self._reranking)
        if not self._stage.wanted(query, query.target):
            return dids
        read = self._stage.run(query, query.target, pool.documents(dids), scores)
        if read.outcome.state is RerankState.FAILED:
            raise ModelUnavailable(f"Hits can't be read again: {read.outcome.reason}", "Evaluate without `--rerank`.")
        return [dids[place] for place in read.order]
