"""Does an instruction in front of the query text help? Tried on validation for every kind of search."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from encoders.starter.steering import Turn
from evaluation.mbeir.reading import InstructionKey
from evaluation.metrics.metrics import best_places
from training.starter.choose import recalls
from training.starter.pairs import NAMES, Parts, RetrievalTask
from training.starter.spaces import BlockScores, ContentSpace
from uniir.protocols import Steering

_MOST = 300


@dataclass(frozen=True, slots=True)
class Comparison:
    """R@1/5/10 in percent of the same validation queries without and with an instruction in front of their text."""

    name: str
    steering: Steering
    bare: tuple[float, ...]
    instructed: tuple[float, ...]


def instructed_tasks(
    tasks: Iterable[RetrievalTask], wordings: Mapping[InstructionKey, Sequence[str]]
) -> list[tuple[RetrievalTask, RetrievalTask]]:
    """Each task with text queries and known wordings, shortened, beside itself with a wording in front of each text, in turn."""
    numbers = {name: number for number, name in NAMES.items()}
    found = []
    for task in tasks:
        known = wordings.get(InstructionKey(numbers.get(task.dataset, ""), task.queries[0].modality, task.pool[0].modality))
        if known is None or not task.queries[0].modality.has_text:
            continue
        step = max(1, len(task.queries) // _MOST)
        bare = replace(task, queries=task.queries[::step], positives=task.positives[::step])
        said = zip(bare.queries, itertools.cycle(known), strict=False)
        found.append((bare, replace(bare, queries=tuple(Parts(f"{wording} {one.text}", one.image) for one, wording in said))))
    return found


def compare(pairs: Sequence[tuple[RetrievalTask, RetrievalTask]], space: ContentSpace, turns: Mapping[Steering, Turn]) -> list[Comparison]:
    """Both forms of every task under the chosen turns."""
    compared = []
    for bare, instructed in pairs:
        steering = Steering(bare.queries[0].modality, bare.pool[0].modality)
        with_and_without = [
            recalls(best_places(BlockScores.of(task, space).cosines(turns[steering].scales), task.positives)) for task in (bare, instructed)
        ]
        compared.append(Comparison(bare.name, steering, with_and_without[0], with_and_without[1]))
    return compared


def worth_it(compared: Sequence[Comparison]) -> frozenset[Steering]:
    """The kinds of search that the instruction in front makes better on average by a point or more."""
    kinds = {one.steering for one in compared}
    gains = {kind: np.mean([np.mean(one.instructed) - np.mean(one.bare) for one in compared if one.steering == kind]) for kind in kinds}
    return frozenset(kind for kind, gain in gains.items() if gain >= 1.0)
