"""Fitting what a reranker's values mean: Platt's sigmoid for few judgments, isotonic regression for many, random pairs for none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniir.calibration import Calibration, Method, log_odds
from uniir.errors import ModelUnavailable
from uniir.hits import BandCuts

LEAST = 10  # judged pairs of either kind, below which nothing is fitted
MANY = 300  # judged pairs from which on the curve need not be a sigmoid
CHANCE = (99.0, 99.9)  # percentiles of unrelated pairs above which a pair is good, strong
_CUTS = BandCuts(strong=1 / 3, good=1 / 10)  # one of three such hits is right, one of ten
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Quality:
    """How well probabilities tell what is right: mean squared difference, and mean distance of said and true share in tenths."""

    brier: float
    error: float


def fitted(values: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration | None:
    """None where there is too little of either kind, or where higher values do not go with right answers. Raises ModelUnavailable."""
    if min(int(right.sum()), int((~right).sum())) < LEAST:
        return None
    return _isotonic(values, right) if len(values) >= MANY else _platt(values, right)


def against_chance(values: NDArray[np.float64]) -> Calibration:
    """From what unrelated pairs get."""
    good, strong = (float(one) for one in np.percentile(values, CHANCE))
    above = np.nextafter(max(good, strong), 2)  # a pair has to be better than chance
    return Calibration(Method.RANDOM, BandCuts(strong=float(max(strong, above)), good=float(np.nextafter(good, 2))))


def quality(probabilities: NDArray[np.float64], right: NDArray[np.bool_]) -> Quality:
    truth = right.astype(np.float64)
    tenths = np.minimum((probabilities * 10).astype(int), 9)
    inside = [tenths == one for one in set(tenths.tolist())]
    distances = [abs(probabilities[one].mean() - truth[one].mean()) * one.mean() for one in inside]
    return Quality(float(((probabilities - truth) ** 2).mean()), float(sum(distances)))


def held_out(values: NDArray[np.float64], right: NDArray[np.bool_], queries: Sequence[str]) -> NDArray[np.float64] | None:
    """Each pair's probability by a fit that saw no pair of its query; None where that can't be done."""
    names = sorted(set(queries))
    fold_of = {name: place % _FOLDS for place, name in enumerate(names)}
    folds = np.array([fold_of[one] for one in queries])
    found = np.empty(len(values))
    for fold in range(_FOLDS):
        away = folds == fold
        calibration = fitted(values[~away], right[~away]) if away.any() and not away.all() else None
        if calibration is None:
            return None
        found[away] = calibration.of(values[away])
    return found


def _platt(values: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration | None:
    """With Platt's own caution: a pair counts as right or wrong a little less than wholly, so that few pairs claim no certainty."""
    with _needed():
        from sklearn.linear_model import LogisticRegression
    regression = LogisticRegression(C=1e6)
    odds = log_odds(values)
    held, missed = int(right.sum()), int((~right).sum())
    sure = np.where(right, (held + 1) / (held + 2), 1 / (missed + 2))
    rows = np.concatenate([odds, odds])[:, None]
    regression.fit(rows, np.repeat([1, 0], len(odds)), sample_weight=np.concatenate([sure, 1 - sure]))
    slope, intercept = float(regression.coef_[0, 0]), float(regression.intercept_[0])
    return Calibration(Method.PLATT, _CUTS, slope, intercept) if slope > 0 else None


def _isotonic(values: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration | None:
    with _needed():
        from sklearn.isotonic import IsotonicRegression
    regression = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    regression.fit(values, right.astype(np.float64))
    knots = tuple(zip(regression.X_thresholds_.tolist(), regression.y_thresholds_.tolist(), strict=True))
    return Calibration(Method.ISOTONIC, _CUTS, knots=knots) if knots[-1][1] > knots[0][1] else None


@contextmanager
def _needed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ModelUnavailable(f"Calibrating needs {error.name}, which is not installed.", "Install `uniir[eval]`.") from None
