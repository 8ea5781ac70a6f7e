"""Retrieval metrics, as pure functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray


def hit_rates(ranked: Sequence[Sequence[str]], positives: Sequence[Collection[str]], ks: Sequence[int]) -> tuple[float, ...]:
    """Share of queries with any positive among their first k, for each k, in 0..1.

    This is what the UniIR paper calls Recall@k. A query without positives counts as missed. Raises ValueError for no queries.
    """
    if len(ranked) != len(positives) or not ranked:
        raise ValueError(f"{len(ranked)} rankings for {len(positives)} queries")
    best = [
        next((place for place, one in enumerate(ranking) if one in wanted), None) for ranking, wanted in zip(ranked, positives, strict=True)
    ]
    return tuple(sum(place is not None and place < k for place in best) / len(best) for k in ks)


def top_by_score(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Columns of the k best scores of each row, best first, ties by column, so that the order of ids decides: [rows, min(k, columns)]."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


def best_places(scores: NDArray[np.float32], positives: Sequence[Collection[int]]) -> NDArray[np.int64]:
    """Place (0 is first) of the best positive in each row under the order of `top_by_score`; the row's length where it has none."""
    places = np.full(len(scores), scores.shape[1], np.int64)
    for row, wanted in enumerate(positives):
        if wanted:
            line = scores[row]
            columns = np.fromiter(wanted, np.int64)
            best = line[columns].max()
            column = columns[line[columns] == best].min()
            places[row] = np.count_nonzero(line > best) + np.count_nonzero(line[:column] == best)
    return places


def chance(positives: Sequence[int], pool: int, k: int) -> float:
    """Expected hit rate at k of a random order, in 0..1, from each query's number of positives in a pool (hypergeometric)."""
    return float(np.mean([_chance_of_one(count, pool, k) for count in positives]))


def _chance_of_one(count: int, pool: int, k: int) -> float:
    missed = 1.0
    for drawn in range(min(k, pool)):
        missed *= max(pool - count - drawn, 0) / (pool - drawn)
    return 1.0 - missed


def ndcg(relevant: NDArray[np.bool_], positives: Sequence[int], k: int) -> NDArray[np.float64]:
    """nDCG@k of each query, in 0..1, with relevance yes or no: [queries, places] in ranked order, and how many positives there are.

    A query without positives counts as 0.
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    gains = (relevant[:, :k] * discounts[: relevant.shape[1]]).sum(axis=1)
    ideal = np.array([discounts[:count].sum() for count in positives])
    return np.asarray(np.divide(gains, ideal, out=np.zeros(len(ideal)), where=ideal > 0), np.float64)
