"""Means of sets: by task, as in table 4 of the UniIR paper, and of those that training saw and did not see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from evaluation.metrics.published import counted_tasks, published
from evaluation.metrics.resampling import interval
from evaluation.reports.words import TASKS
from evaluation.results import Average, SetResult

HELD_OUT: Mapping[str, tuple[str, ...]] = {"uniir": ("cirr", "fashion200k", "oven", "visualnews", "webqa")}
"""By whom which sets of M-BEIR were left out of training: the authors' held-out run names these five."""


def average_of(name: str, sets: Sequence[SetResult], printed: float | None = None) -> Average:
    """`printed` is the published one."""
    before = [one.row.rerank.before[one.row.headline].value for one in sets if one.row.rerank is not None]
    return Average(
        name,
        len(sets),
        interval([one.values[one.row.headline] for one in sets]),
        printed,
        sum(before) / len(before) if len(before) == len(sets) else None,
    )


def overall(sets: Sequence[SetResult], model: str | None, pool: str) -> Average:
    """Of everything; beside the published one where all of the papers' sets, and no others, were measured."""
    return average_of("all", sets, _printed(model, pool, None, sets))


def groups(sets: Sequence[SetResult], model: str | None, pool: str) -> Iterator[Average]:
    """By task; then what training saw and did not see, where both are there or the second is."""
    for task, some in groupby(sorted(sets, key=lambda one: one.row.task), key=lambda one: one.row.task):
        of_task = list(some)
        yield average_of(f"task {task}, {TASKS.get(task, '')}", of_task, _printed(model, pool, task, of_task))
    unseen = [one for one in sets if one.row.held_out]
    seen = [one for one in sets if not one.row.held_out]
    if unseen:
        yield average_of("held out of training", unseen)
        if seen:
            yield average_of("seen in training", seen)


def _printed(model: str | None, pool: str, task: int | None, sets: Sequence[SetResult]) -> float | None:
    """The published mean, where these are exactly the sets that it is of."""
    if model is None or {(one.row.task, one.row.dataset) for one in sets} != counted_tasks(task):
        return None
    found = published(model, pool, task, "", "average")
    return None if found is None else found.value
