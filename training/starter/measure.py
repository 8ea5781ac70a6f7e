"""Measures finished heads on the evaluation data: every set and task, both pools, with and without an instruction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.starter.heads import Choices
from encoders.starter.steering import MODALITIES, Turn
from evaluation.metrics.metrics import best_places, chance, top_by_score
from training.starter.choose import KS, recalls
from training.starter.evaluation_data import EvaluationTask
from training.starter.pairs import Parts, RetrievalTask
from training.starter.spaces import ContentSpace, own_pictures, scores
from uniir.documents import Modality
from uniir.protocols import Steering

_TOP = 5


@dataclass(frozen=True, slots=True)
class TaskReport:
    """Everything about one set and task; recalls are R@1/5/10 in percent, shares in percent of the top 5."""

    name: str
    query: str
    target: str
    queries: int
    local_pool: int
    chance: tuple[float, ...]
    local_instructed: tuple[float, ...]
    local_plain: tuple[float, ...]
    global_instructed: tuple[float, ...]
    global_plain: tuple[float, ...]
    wrong_instructed: float
    wrong_plain: float
    untouched_global: tuple[float, ...]  # plain scores: the vector as encoded, not steered at all
    raw_minilm: tuple[float, ...] | None
    raw_image: tuple[float, ...] | None


def measure_task(task: EvaluationTask, space: ContentSpace, raw: RawSpace, choices: Choices) -> TaskReport:
    """One set and task under the shipped choices."""
    query = task.local.queries[0].modality
    steered, open_ = choices.turns[Steering(query, task.target)], choices.turns[Steering(query, None)]
    instructed, unsteered = task.local, task.union
    rows = {
        (pool.name, number, name): scores(pool, space, one)
        for number, pool in enumerate((instructed, unsteered))
        for name, one in (("steered", steered), ("open", open_))
    }
    local_steered, local_open = rows[task.local.name, 0, "steered"], rows[task.local.name, 0, "open"]
    union_steered, union_open = rows[task.union.name, 1, "steered"], rows[task.union.name, 1, "open"]
    return TaskReport(
        name=task.local.name,
        query=str(query),
        target=str(task.target),
        queries=len(task.local.queries),
        local_pool=len(task.local.pool),
        chance=tuple(round(100 * chance([len(one) for one in task.local.positives], len(task.local.pool), k), 1) for k in KS),
        local_instructed=recalls(best_places(local_steered, task.local.positives)),
        local_plain=recalls(best_places(local_open, task.local.positives)),
        global_instructed=recalls(best_places(union_steered, task.union.positives)),
        global_plain=recalls(best_places(union_open, task.union.positives)),
        wrong_instructed=wrong_share(union_steered, task.union, task.target),
        wrong_plain=wrong_share(union_open, task.union, task.target),
        untouched_global=recalls(best_places(scores(task.union, space, Turn((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))), task.union.positives)),
        raw_minilm=raw.recalls_by_text(task.local),
        raw_image=raw.recalls_by_image(task.local),
    )


def wrong_share(result: NDArray[np.float32], task: RetrievalTask, target: Modality) -> float:
    """Percent of the top 5 that have another modality than the target."""
    right = np.array([one.modality is target for one in task.pool])
    return round(100 * float((~right[top_by_score(result, _TOP)]).mean()), 2)


class RawSpace:
    """The towers without our heads: MiniLM's vectors and the pooled head features of both image towers."""

    def __init__(self, texts: dict[str, NDArray[np.float32]], images: dict[str, NDArray[np.float32]]) -> None:
        self._texts = texts
        self._images = images

    def recalls_by_text(self, task: RetrievalTask) -> tuple[float, ...] | None:
        """R@k by the texts of query and candidates alone; None where one side has none."""
        return self._recalls(task, self._texts, [one.text for one in task.queries], [one.text for one in task.pool])

    def recalls_by_image(self, task: RetrievalTask) -> tuple[float, ...] | None:
        """R@k by the pictures of query and candidates alone; None where one side has none."""
        return self._recalls(task, self._images, [one.image for one in task.queries], [one.image for one in task.pool])

    def _recalls(
        self,
        task: RetrievalTask,
        vectors: dict[str, NDArray[np.float32]],
        queries: Sequence[str | None],
        pool: Sequence[str | None],
    ) -> tuple[float, ...] | None:
        asked, offered = [one for one in queries if one is not None], [one for one in pool if one is not None]
        if len(asked) < len(queries) or len(offered) < len(pool):
            return None
        result = np.stack([vectors[one] for one in asked]) @ np.stack([vectors[one] for one in offered]).T
        result[own_pictures(task)] = -np.inf
        return recalls(best_places(result, task.positives))


@dataclass(frozen=True, slots=True)
class Fairness:
    """Mean R@10 on the global pool over the tasks of one target modality, in percent."""

    target: str
    plain_scores: float
    shipped: float
    with_target: float


def fairness_table(reports: Sequence[TaskReport]) -> list[Fairness]:
    """Per target modality; the mean of the column `shipped` is what offsets were chosen to raise, on validation."""
    rows = []
    for target in MODALITIES:
        of_target = [one for one in reports if one.target == str(target)]
        means = [
            round(float(np.mean([values[-1] for values in column])), 2)
            for column in (
                [one.untouched_global for one in of_target],
                [one.global_plain for one in of_target],
                [one.global_instructed for one in of_target],
            )
        ]
        rows.append(Fairness(str(target), *means))
    return rows


def as_json(reports: Sequence[TaskReport]) -> list[dict[str, object]]:
    """Reports as JSON values."""
    return [asdict(one) for one in reports]


def parts_of(tasks: Sequence[EvaluationTask]) -> tuple[set[str], set[str]]:
    """All texts and all picture paths of the evaluation data."""
    everything: set[Parts] = {one for task in tasks for one in (*task.local.queries, *task.union.pool)}
    return {one.text for one in everything if one.text is not None}, {one.image for one in everything if one.image is not None}
