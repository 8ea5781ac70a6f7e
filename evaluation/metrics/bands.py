"""Cut points for words about a score: where enough of what was found so well was right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FEWEST = 200  # judged hits; fewer say too little


def lowest_with_precision(
    scores: Sequence[NDArray[np.float32]], relevant: Sequence[NDArray[np.bool_]], levels: Sequence[float]
) -> tuple[float | None, ...]:
    """For each level the lowest score at which at least this share of hits is relevant.

    None where no score reaches it, or too few are judged. One array per set of queries, each counting alike. The share is made a
    function of the score that never falls, by pooling adjacent violators.
    """
    counted = [(one, right) for one, right in zip(scores, relevant, strict=True) if one.size]
    if sum(one.size for one, _ in counted) < _FEWEST:
        return (None,) * len(levels)
    values = np.concatenate([one.ravel() for one, _ in counted]).astype(np.float64)
    rights = np.concatenate([right.ravel() for _, right in counted]).astype(np.float64)
    weights = np.concatenate([np.full(one.size, 1 / one.size) for one, _ in counted])
    distinct, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weights).astype(np.float64)
    shares = _rising(np.bincount(place, weights * rights) / mass, mass)
    return tuple(float(distinct[np.argmax(shares >= level)]) if shares[-1] >= level else None for level in levels)


def _rising(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest sequence that never falls (isotonic regression)."""
    means: list[float] = []
    masses: list[float] = []
    counts: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        means.append(value)
        masses.append(weight)
        counts.append(1)
        while len(means) > 1 and means[-2] >= means[-1]:
            mass = masses[-2] + masses[-1]
            mean = (means[-2] * masses[-2] + means[-1] * masses[-1]) / mass
            count = counts[-2] + counts[-1]
            del means[-1], masses[-1], counts[-1]
            means[-1], masses[-1], counts[-1] = mean, mass, count
    return np.repeat(means, counts)
