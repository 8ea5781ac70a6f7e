"""nDCG@10 with and without reranking, and whether the difference is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.metrics import ndcg
from evaluation.metrics.resampling import interval
from rerank.text import Regression
from training.reranker.lists import FirstLists

K = 10


@dataclass(frozen=True, slots=True)
class Effect:
    """Percent; `low` and `high` bound the difference with 95 % confidence, bootstrapped over queries."""

    name: str
    query: str
    target: str
    queries: int
    without: float
    with_reranking: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class KindEffect:
    """The same over the sets of one kind of search, each counting alike."""

    query: str
    target: str
    sets: int
    difference: float
    low: float
    high: float


def gains(lists: FirstLists, rows: NDArray[np.float32], regression: Regression) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """nDCG@10 of each query without and with reranking; candidates that can't be read keep their places."""
    readable = ~np.isnan(rows).any(axis=2)
    probabilities = regression.probabilities(np.nan_to_num(rows))
    order = np.tile(np.arange(rows.shape[1]), (len(rows), 1))
    for line, can_read, likely in zip(order, np.asarray(readable), probabilities, strict=True):
        places = np.flatnonzero(can_read)
        line[places] = places[np.argsort(-likely[places], kind="stable")]
    reordered = np.take_along_axis(lists.relevant, order, axis=1)
    return ndcg(lists.relevant, lists.positives, K), ndcg(reordered, lists.positives, K)


def effect(lists: FirstLists, before: NDArray[np.float64], after: NDArray[np.float64]) -> Effect:
    gained = interval([after - before])
    target = "any" if lists.steering.target is None else str(lists.steering.target)
    numbers = (before.mean(), after.mean(), gained.value, gained.low, gained.high)
    return Effect(lists.name, str(lists.steering.query), target, len(before), *(round(100 * float(one), 2) for one in numbers))


def kind_effects(measured: Sequence[tuple[Effect, NDArray[np.float64]]]) -> list[KindEffect]:
    """By query and target; the second of each pair holds the differences query by query."""
    kinds: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    for one, differences in measured:
        kinds.setdefault((one.query, one.target), []).append(differences)
    found = []
    for (query, target), parts in kinds.items():
        gained = interval(parts)
        numbers = (gained.value, gained.low, gained.high)
        found.append(KindEffect(query, target, len(parts), *(round(100 * float(one), 2) for one in numbers)))
    return sorted(found, key=lambda one: (one.query, one.target))
