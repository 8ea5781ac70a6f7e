"""How much of the truth an index finds: a sample of questions, answered by the index and by looking at every row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

QUESTIONS = 64
_TOP = 10
_NEAREST, _FARTHEST = 0.2, 1.0  # length of the noise that is added to a stored unit vector to make a question of it
_EQUAL = 1e-6  # scores closer than that are a tie, and either document is right

Rows = tuple[NDArray[np.int64], NDArray[np.float32]]
Ask = Callable[[NDArray[np.float32]], Sequence[Sequence[int]]]


def questions_near(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors around stored ones, some close by and some far off, always the same for the same rows."""
    chosen = np.random.default_rng(len(rows))
    noise = chosen.standard_normal(rows.shape, dtype=np.float32)
    noise *= (np.linspace(_NEAREST, _FARTHEST, len(rows), dtype=np.float32) / np.linalg.norm(noise, axis=1))[:, None]
    moved = rows + noise
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


class Truth:
    """The right answers to some questions, from one walk over all rows."""

    def __init__(self, questions: NDArray[np.float32], blocks: Iterable[Rows]) -> None:
        self.questions = questions
        keep = 2 * _TOP  # room for ties at the end of the list
        ids = np.full((len(questions), keep), -1, np.int64)
        scores = np.full((len(questions), keep), -np.inf, np.float32)
        for numbers, vectors in blocks:
            found = np.concatenate([scores, questions @ vectors.T], axis=1)
            known = np.concatenate([ids, np.broadcast_to(numbers, (len(questions), len(numbers)))], axis=1)
            best = np.argsort(-found, axis=1, kind="stable")[:, :keep]
            scores, ids = np.take_along_axis(found, best, axis=1), np.take_along_axis(known, best, axis=1)
        self._right: list[frozenset[int]] = []
        self._wanted: list[int] = []
        for numbers, values in zip(ids, scores, strict=True):
            there = int((numbers >= 0).sum())
            least = values[min(_TOP, there) - 1] - _EQUAL if there else np.inf
            self._right.append(frozenset(numbers[(numbers >= 0) & (values >= least)].tolist()))
            self._wanted.append(min(_TOP, there))

    def recall(self, ask: Ask) -> float:
        """Recall@10 of what answers the questions with the ids of ten rows each."""
        answers = ask(self.questions)
        shares = [
            len(right & set(answer[:_TOP])) / wanted
            for answer, right, wanted in zip(answers, self._right, self._wanted, strict=True)
            if wanted
        ]
        return float(np.mean([min(1.0, share) for share in shares])) if shares else 1.0
