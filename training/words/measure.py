"""nDCG@10 by meaning alone and with words beside it, in several forms."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.starter.heads import Choices
from evaluation.metrics.metrics import ndcg
from evaluation.metrics.resampling import Interval, interval
from search.fusion import DEPTH, NEARLY_ALL, RANK_CONSTANT, fused
from training.starter.pairs import RetrievalTask
from training.starter.spaces import ContentSpace, scores
from training.words.shelf import Shelf
from uniir.documents import Modality
from uniir.protocols import Steering

K = 10


@dataclass(frozen=True, slots=True)
class Lists:
    """What each query of a task found by meaning and by words, and what is right; candidates by their places in the pool."""

    name: str
    query: Modality
    target: Modality | None
    nearest: tuple[tuple[int, ...], ...]
    matches: tuple[tuple[tuple[int, float], ...], ...]  # with shares
    positives: tuple[tuple[int, ...], ...]
    without_text: frozenset[int]


@dataclass(frozen=True, slots=True)
class Effect:
    """Percent. `ways` are differences to the order by meaning, by name of the way."""

    name: str
    query: str
    target: str
    queries: int
    without: float
    words_alone: float
    touched: float  # share of queries for which nearly all words stand in some document
    ways: dict[str, Interval]


def lists(task: RetrievalTask, target: Modality | None, space: ContentSpace, choices: Choices, words: Shelf) -> Lists:
    """Searched as the application does: with a target only candidates of that kind."""
    query = task.queries[0].modality
    everything = scores(task, space, choices.turns[Steering(query, target)])
    barred = np.array([target is not None and one.modality is not target for one in task.pool])
    everything[:, barred] = -np.inf
    top = np.argsort(-everything, axis=1, kind="stable")[:, :DEPTH]
    found = [words.matches(one.text or "", target, DEPTH) for one in task.queries]
    return Lists(
        task.name,
        query,
        target,
        tuple(tuple(place for place in line if not barred[place]) for line in top.tolist()),
        tuple(tuple((match.document, match.share) for match in line) for line in found),
        task.positives,
        frozenset(place for place, one in enumerate(task.pool) if one.text is None),
    )


Fusing = Callable[[Sequence[int], Sequence[int], Collection[int]], list[int]]


def plain(nearest: Sequence[int], lexical: Sequence[int], without_text: Collection[int]) -> list[int]:
    """Reciprocal rank fusion as it is published: absent is absent."""
    return _by_score(nearest, lexical, lambda place: 0.0)


def imputed(nearest: Sequence[int], lexical: Sequence[int], without_text: Collection[int]) -> list[int]:
    """What has no text counts its place by meaning twice: the mean over the rankings that could have seen it."""
    return _by_score(nearest, lexical, lambda one: 1 / (RANK_CONSTANT + nearest.index(one) + 1) if one in without_text else 0.0)


def _by_score(nearest: Sequence[int], lexical: Sequence[int], absent: Callable[[int], float]) -> list[int]:
    places = [{one: place for place, one in enumerate(ranking, start=1)} for ranking in (nearest, lexical)]

    def score(one: int) -> float:
        first = 1 / (RANK_CONSTANT + places[0][one]) if one in places[0] else 0.0
        return first + (1 / (RANK_CONSTANT + places[1][one]) if one in places[1] else absent(one))

    return sorted(dict.fromkeys((*nearest, *lexical)), key=lambda one: -score(one))


WAYS: dict[str, tuple[Fusing, float]] = {
    "nearly all words": (fused, NEARLY_ALL),
    "any word": (fused, 0.0),
    "any word, plain": (plain, 0.0),
    "any word, imputed": (imputed, 0.0),
}


def effect(given: Lists) -> Effect:
    before = gains(given.nearest, given.positives)
    ways = {name: interval([gains(ordered(given, *way), given.positives) - before]) for name, way in WAYS.items()}
    words = gains([[one for one, _ in line] for line in given.matches], given.positives)
    touched = np.mean([any(share >= NEARLY_ALL for _, share in line) for line in given.matches])
    target = "any" if given.target is None else str(given.target)
    return Effect(given.name, str(given.query), target, len(before), 100 * before.mean(), 100 * words.mean(), 100 * float(touched), ways)


def ordered(given: Lists, fusing: Fusing, least: float) -> list[list[int]]:
    """Both rankings as one, with matches that hold at least so much of their query."""
    orders = []
    for nearest, matches in zip(given.nearest, given.matches, strict=True):
        lexical = [one for one, share in matches if share >= least]
        orders.append(fusing(nearest, lexical, given.without_text) if lexical else list(nearest))
    return orders


def gains(ranked: Sequence[Sequence[int]], positives: Sequence[Collection[int]]) -> NDArray[np.float64]:
    """nDCG@10 of each query."""
    relevant = np.zeros((len(ranked), K), bool)
    for line, ranking, wanted in zip(relevant, ranked, positives, strict=True):
        line[: len(ranking[:K])] = [one in wanted for one in ranking[:K]]
    return ndcg(relevant, [len(wanted) for wanted in positives], K)
