"""First lists of the starter encoder: what a reranker gets to read."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.starter.heads import Choices
from training.starter.pairs import Parts, RetrievalTask
from training.starter.spaces import ContentSpace, scores
from uniir.documents import Modality
from uniir.protocols import Steering

TOP = 20
_FEWEST = 10  # queries


@dataclass(frozen=True, slots=True)
class FirstLists:
    """The first TOP candidates of every query of one task, best first; `positives` counts all right answers in the pool."""

    name: str
    steering: Steering
    queries: tuple[Parts, ...]
    candidates: tuple[tuple[Parts, ...], ...]
    scores: NDArray[np.float32]  # [queries, TOP], as a search gives them
    relevant: NDArray[np.bool_]  # [queries, TOP]
    positives: tuple[int, ...]


def first_lists(
    tasks: Iterable[tuple[RetrievalTask, Modality | None]], space: ContentSpace, choices: Choices, most: int | None = None
) -> list[FirstLists]:
    """Lists of the tasks with enough queries and candidates, each searched for its target; at most `most` queries of each."""
    found = []
    for task, target in tasks:
        if len(task.queries) >= _FEWEST and len(task.pool) >= TOP:
            found.append(_lists(_some(task, most), target, space, choices))
    return found


def _lists(task: RetrievalTask, target: Modality | None, space: ContentSpace, choices: Choices) -> FirstLists:
    steering = Steering(task.queries[0].modality, target)
    turn = choices.turns[steering]
    everything = scores(task, space, turn)
    top = np.argsort(-everything, axis=1, kind="stable")[:, :TOP]
    return FirstLists(
        task.name,
        steering,
        task.queries,
        tuple(tuple(task.pool[place] for place in row) for row in top.tolist()),
        np.take_along_axis(everything, top, axis=1),
        np.array([[place in set(wanted) for place in row] for row, wanted in zip(top.tolist(), task.positives, strict=True)], bool),
        tuple(len(wanted) for wanted in task.positives),
    )


def _some(task: RetrievalTask, most: int | None) -> RetrievalTask:
    """The same queries in every run."""
    if most is None or len(task.queries) <= most:
        return task
    kept = sorted(sorted(range(len(task.queries)), key=lambda place: zlib.crc32(f"{task.name} {place}".encode()))[:most])
    return RetrievalTask(
        task.dataset,
        task.task,
        tuple(task.queries[place] for place in kept),
        task.pool,
        tuple(task.positives[place] for place in kept),
    )
