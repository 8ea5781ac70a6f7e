"""What chance may have done to a mean: bootstrap intervals, and a paired test by flipping signs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
_SEED = 7
_AT_ONCE = 4_000_000  # numbers drawn at one time


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the bounds that hold it with 95 % confidence."""

    value: float
    low: float
    high: float


def interval(groups: Sequence[NDArray[np.float64]]) -> Interval:
    """The mean of the groups' means, each group counting alike; queries are drawn anew within their group."""
    return bounds(float(np.mean([group.mean() for group in groups])), np.mean([resampled_means(group) for group in groups], axis=0))


def bounds(value: float, means: NDArray[np.float64]) -> Interval:
    """A value with the middle 95 % of these means."""
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(value, float(low), float(high))


def resampled_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """DRAWS means over queries drawn with replacement."""
    random = np.random.default_rng(_SEED)
    return _drawn(values, lambda size: values[random.integers(0, len(values), size)])


def paired_probability(groups: Sequence[NDArray[np.float64]]) -> float:
    """How often chance alone makes the mean of the groups' mean differences as large, either way: differences with signs flipped."""
    random = np.random.default_rng(_SEED)
    observed = abs(float(np.mean([group.mean() for group in groups])))

    def flipped(group: NDArray[np.float64]) -> NDArray[np.float64]:
        return _drawn(group, lambda size: group * random.choice((-1.0, 1.0), size))

    means = np.mean([flipped(group) for group in groups], axis=0)
    return float((1 + np.count_nonzero(np.abs(means) >= observed - 1e-12)) / (1 + DRAWS))


def _drawn(values: NDArray[np.float64], draw: Callable[[tuple[int, int]], NDArray[np.float64]]) -> NDArray[np.float64]:
    step = max(1, _AT_ONCE // len(values))
    sizes = [(min(step, DRAWS - start), len(values)) for start in range(0, DRAWS, step)]
    return np.concatenate([draw(size).mean(axis=1) for size in sizes])
