"""Chooses on the validation tasks, and nowhere else, how queries turn: block scales, push towards a target, fair offsets without one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from encoders.starter.steering import MODALITIES, Turn
from evaluation.metrics.metrics import best_places
from training.starter.pairs import Parts, RetrievalTask
from training.starter.spaces import BlockScores, ContentSpace, scores
from uniir.documents import Modality
from uniir.protocols import Steering

KS = (1, 5, 10)
_SCALES = tuple(
    (head, vocabulary, picture)
    for head in (0.0, 0.25, 0.5, 1.0)
    for vocabulary in (0.0, 0.25, 0.4, 0.6, 1.0)
    for picture in (0.0, 0.5, 1.0)
)
_TOLERATED_LOSS = 0.5  # points a set may lose against the raw tower before a choice is barred
_FEWEST_FOR_BARRING = 30  # queries; in a smaller set one query is more than three points
# Every validation set has a brother in training, so validation can't see what the ImageNet vocabulary is for: things that the heads
# were never shown. With heads trained on Flickr8k alone it lifted R@1 on held-out animals from 18 to 55, so between modalities it stays.
_LEAST_VOCABULARY = 0.25  # of the trained head's scale
# A few dozen held-out queries can't tell what the trained head does between pictures, where the bare towers must not be lost against.
# Found with heads of three folds, so that every training item was judged by heads that had not learnt it (see the model card).
_BETWEEN_PICTURES = Steering(Modality.IMAGE, Modality.IMAGE)
_SCALES_BETWEEN_PICTURES = (0.5, 0.0, 1.0)
_BETWEEN_MODALITIES = frozenset({Steering(Modality.TEXT, Modality.IMAGE), Steering(Modality.IMAGE, Modality.TEXT)})
_UNCOMMON = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEARNT_ALLOWED = 0.05  # share of a pool that the crowds know already and that would seem too common beside the rest
_PUSHES = (0.5, 0.75, 1.0, 1.5)
_WRONG_ALLOWED = 0.005  # share of wrong modalities in the top 5
_OFFSETS = np.round(np.arange(-0.4, 0.61, 0.05), 2)
_FEWEST = 15  # queries a validation task needs before it has a say
_MOST = 300  # queries of one task that are ranked against the union pool


@dataclass(frozen=True, slots=True)
class Trial:
    """One kind of search on validation: what was chosen and what it gives, R@1/5/10 in percent per task."""

    steering: Steering
    turn: Turn
    results: Mapping[str, tuple[float, ...]]
    reference: Mapping[str, tuple[float, ...]]  # the raw tower alone, where both sides share one


def recalls(places: NDArray[np.int64]) -> tuple[float, ...]:
    """R@1/5/10 in percent."""
    return tuple(round(100 * float((places < k).mean()), 2) for k in KS)


def choose_scales(tasks: Sequence[RetrievalTask], space: ContentSpace) -> dict[Steering, Trial]:
    """For each kind of search the block scales with the best mean of R@1/5/10 over its tasks, without falling below a raw tower."""
    kinds: dict[Steering, list[BlockScores]] = {}
    for task in tasks:
        if len(task.queries) >= _FEWEST and task.pool[0].modality is not None:
            kinds.setdefault(Steering(task.queries[0].modality, task.pool[0].modality), []).append(BlockScores.of(task, space))
    return {steering: _best(steering, blocks) for steering, blocks in kinds.items()}


def _best(steering: Steering, blocks: Sequence[BlockScores]) -> Trial:
    reference = {one.task.name: recalls(best_places(one.bare, one.task.positives)) for one in blocks if one.bare is not None}
    barring = [one.task.name for one in blocks if reference and len(one.task.queries) >= _FEWEST_FOR_BARRING]
    trials = []
    for scales in _SCALES:
        if not any(scales) or (scales[2] and steering.query is Modality.TEXT):
            continue
        if steering == _BETWEEN_PICTURES and scales != _SCALES_BETWEEN_PICTURES:
            continue
        if steering in _BETWEEN_MODALITIES and scales[2]:
            continue  # nothing to gain where one side has no picture block
        if not reference and scales[1] < _LEAST_VOCABULARY * scales[0]:
            continue
        results = _results(blocks, scales)
        loss = max((before - after for name in barring for before, after in zip(reference[name], results[name], strict=True)), default=0.0)
        # Where nothing keeps up with the raw tower, what loses least is taken.
        trials.append((-max(loss, _TOLERATED_LOSS), float(np.mean(list(results.values()))), scales, results))
    _, _, scales, results = max(trials, key=lambda trial: trial[:2])
    return Trial(steering, Turn(scales, (0.0, 0.0, 0.0)), results, reference)


def choose_uncommon(
    trials: Mapping[Steering, Trial], tasks: Sequence[RetrievalTask], learnt: Sequence[RetrievalTask], space: ContentSpace
) -> dict[Steering, Trial]:
    """The same trials; where a search leaves its modality, with the weight against common documents that validation found best.

    What was learnt is nearer to the crowds than what was not, so pools that hold it have no say.
    """
    chosen = dict(trials)
    for steering in sorted(_BETWEEN_MODALITIES & trials.keys(), key=str):
        trial = trials[steering]
        asked = _fresh([task for task in tasks if task.name in trial.results], _of_kind(learnt, steering))
        if not asked:
            continue
        tried = []
        for uncommon in _UNCOMMON:
            turn = replace(trial.turn, uncommon=uncommon)
            results = {task.name: recalls(best_places(scores(task, space, turn), task.positives)) for task in asked}
            tried.append((float(np.mean(list(results.values()))), turn, results))
        _, turn, results = max(tried, key=lambda one: one[0])
        chosen[steering] = replace(trial, turn=turn, results={**trial.results, **results})
    return chosen


def _of_kind(tasks: Sequence[RetrievalTask], steering: Steering) -> list[RetrievalTask]:
    return [task for task in tasks if task.queries and Steering(task.queries[0].modality, task.pool[0].modality) == steering]


def _fresh(tasks: Sequence[RetrievalTask], learnt: Sequence[RetrievalTask]) -> list[RetrievalTask]:
    """The tasks whose pools hold hardly anything that was learnt in this kind of search."""
    known = {one for task in learnt for one in task.pool}
    return [task for task in tasks if sum(one in known for one in task.pool) <= _LEARNT_ALLOWED * len(task.pool)]


def _results(blocks: Sequence[BlockScores], scales: Sequence[float]) -> dict[str, tuple[float, ...]]:
    return {one.task.name: recalls(best_places(one.cosines(scales), one.task.positives)) for one in blocks}


@dataclass(frozen=True, slots=True)
class MixedTask:
    """A task's queries against the union of all pools, reduced to what offsets can change: the ten best cosines of each modality."""

    name: str
    target: Modality
    best: NDArray[np.float32]  # [queries, modalities, 10]
    positive: NDArray[np.float32]  # [queries], the best positive's cosine

    def hit_rate(self, offsets: Sequence[float], k: int) -> float:
        """R@k in percent with these offsets on the axes."""
        own = self.positive + np.float32(offsets[MODALITIES.index(self.target)])
        above = (self.best + np.asarray(offsets, np.float32)[None, :, None] > own[:, None, None]).sum(axis=(1, 2))
        return 100 * float((above < k).mean())

    def wrong_share(self, offsets: Sequence[float], k: int) -> float:
        """Share of the first k that are not of the target's modality, in 0..1."""
        shifted = self.best[:, :, :k] + np.asarray(offsets, np.float32)[None, :, None]
        kinds = np.repeat(np.arange(len(MODALITIES)), k)
        order = np.argsort(-shifted.reshape(len(shifted), -1), axis=1)[:, :k]
        return float((kinds[order] != MODALITIES.index(self.target)).mean())


def mixed_tasks(tasks: Sequence[RetrievalTask], space: ContentSpace, query: Modality, scales: Sequence[float]) -> list[MixedTask]:
    """Every task of this query modality against the union of all tasks' pools."""
    union = list(dict.fromkeys(itertools.chain.from_iterable(task.pool for task in tasks)))
    place = {parts: number for number, parts in enumerate(union)}
    pool = space.documents(union)
    kinds = np.array([MODALITIES.index(parts.modality) for parts in union])
    mixed = []
    for task in tasks:
        if task.queries[0].modality is not query or len(task.queries) < _FEWEST:
            continue
        few = _first(task, _MOST)
        turned = space.turned(few.queries, scales)
        cosines = turned @ pool.T
        positives = [[place[task.pool[number]] for number in wanted] for wanted in few.positives]
        _bar_queries(cosines, few.queries, positives, place)
        best = np.stack([_ten_best(cosines[:, kinds == kind]) for kind in range(len(MODALITIES))], axis=1)
        positive = np.array([cosines[row, wanted].max() for row, wanted in enumerate(positives)])
        mixed.append(MixedTask(task.name, task.pool[0].modality, best, positive))
    return mixed


def _ten_best(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(-np.sort(-np.partition(cosines, -10, axis=1)[:, -10:], axis=1), np.float32)


def choose_push(mixed: Sequence[MixedTask]) -> float:
    """The smallest push that leaves hardly any wrong modality in the top 5 of any of the tasks."""
    return next((push for push in _PUSHES if all(one.wrong_share(axes_for(one.target, push), 5) <= _WRONG_ALLOWED for one in mixed)), 2.0)


def axes_for(target: Modality, push: float) -> tuple[float, float, float]:
    """The axes of a query that wants one modality."""
    first, second, third = (push if modality is target else 0.0 for modality in MODALITIES)
    return (first, second, third)


def fairness(mixed: Sequence[MixedTask], offsets: Sequence[float]) -> dict[Modality, float]:
    """Mean R@10 over the tasks of each target modality."""
    targets = [modality for modality in MODALITIES if any(one.target is modality for one in mixed)]
    return {target: float(np.mean([one.hit_rate(offsets, 10) for one in mixed if one.target is target])) for target in targets}


def choose_open_turn(
    tasks: Sequence[RetrievalTask], space: ContentSpace, query: Modality, tried: Sequence[tuple[float, float, float]]
) -> Turn:
    """Scales and offsets of a search without a target: the fairest of the scales that were best for some target."""
    best: tuple[float, Turn] | None = None
    for scales in tried:
        mixed = mixed_tasks(tasks, space, query, scales)
        offsets = choose_offsets(mixed)
        score = float(np.mean(list(fairness(mixed, offsets).values()))) if mixed else 0.0
        if best is None or score > best[0]:
            best = (score, Turn(scales, offsets))
    assert best is not None
    return best[1]


def choose_offsets(mixed: Sequence[MixedTask]) -> tuple[float, float, float]:
    """Offsets for image and pair documents against texts' zero, with the best mean of R@10 over the target modalities."""
    if not mixed:
        return (0.0, 0.0, 0.0)
    tried = [(float(image), 0.0, float(pair)) for image in _OFFSETS for pair in _OFFSETS]
    # Of equals the smallest push is taken.
    return max(tried, key=lambda offsets: (round(float(np.mean(list(fairness(mixed, offsets).values()))), 2), -sum(map(abs, offsets))))


def _first(task: RetrievalTask, most: int) -> RetrievalTask:
    step = max(1, len(task.queries) // most)
    return RetrievalTask(task.dataset, task.task, task.queries[::step], task.pool, task.positives[::step])


def _bar_queries(
    cosines: NDArray[np.float32], queries: Sequence[Parts], positives: Sequence[Sequence[int]], place: Mapping[Parts, int]
) -> None:
    """Takes the query itself out of its own ranking: its text, its picture, or the pair of both."""
    showing: dict[str, list[int]] = {}
    for parts, number in place.items():
        if parts.image is not None:
            showing.setdefault(parts.image, []).append(number)
    for row, (query, wanted) in enumerate(zip(queries, positives, strict=True)):
        own = showing.get(query.image, []) if query.image else [place[query]] if query in place else []
        cosines[row, [number for number in own if number not in wanted]] = -np.inf
