"""Words beside meaning together with the text reranker, where both are on by themselves: each alone, and both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.starter.encoder import NAME, StarterEncoder
from encoders.words import words_help
from evaluation.metrics.resampling import Interval, interval
from rerank.catalogue import by_default
from rerank.text import load_model
from search.fusion import NEARLY_ALL, fused
from training.reranker.comparing import Comparisons
from training.reranker.lists import TOP, FirstLists
from training.reranker.measure import gains
from training.starter.pairs import RetrievalTask
from training.words.measure import Lists, ordered
from uniir.protocols import Steering


@dataclass(frozen=True, slots=True)
class Together:
    """`neither` in percent, `ways` are differences to it."""

    name: str
    queries: int
    neither: float
    ways: dict[str, Interval]


def both_by_default(found: Lists) -> bool:
    """Whether words count and hits are read again in this kind of search when nobody says otherwise."""
    return by_default(NAME, found.query, found.target) and words_help(NAME, found.query, found.target)


class Rereading:
    """The first hits read again with the weights that came with the package; what was compared is kept in `file`."""

    def __init__(self, encoder: StarterEncoder, file: Path) -> None:
        self._regression, rarity, _ = load_model()
        self._comparisons = Comparisons(encoder, rarity, file)

    def together(self, task: RetrievalTask, found: Lists) -> Together:
        neither, read = self._gains(task, found, found.nearest)
        words, both = self._gains(task, found, ordered(found, fused, NEARLY_ALL))
        _, any_word = self._gains(task, found, ordered(found, fused, 0.0))
        self._comparisons.save()
        ways = {"words": words, "read again": read, "both": both, "any word, read again": any_word}
        differences = {name: interval([one - neither]) for name, one in ways.items()}
        return Together(found.name, len(neither), 100 * float(neither.mean()), differences)

    def _gains(self, task: RetrievalTask, found: Lists, ranked: Sequence[Sequence[int]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """nDCG@10 of each query as ranked, and with the first TOP read again."""
        tops = [list(line[:TOP]) for line in ranked]
        first = FirstLists(
            found.name,
            Steering(found.query, found.target),
            task.queries,
            tuple(tuple(task.pool[place] for place in line) for line in tops),
            np.zeros((len(tops), TOP), np.float32),
            np.array([[place in wanted for place in line] for line, wanted in zip(tops, found.positives, strict=True)], bool),
            tuple(len(wanted) for wanted in found.positives),
        )
        return gains(first, self._comparisons.rows(first), self._regression)
