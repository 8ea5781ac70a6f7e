"""What a reranker's values mean in a collection: fitted to judgments, or laid beside what unrelated pairs get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniir.documents import Json
from uniir.hits import BandCuts

_EDGE = 1e-6  # probabilities are kept that far from 0 and 1


class Method(StrEnum):
    """How it was found. RANDOM leaves the values and only says from where on a pair is no chance."""

    PLATT = "platt"
    ISOTONIC = "isotonic"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Never turns an order round. `slope` and `intercept` are PLATT's, on the scale of log odds; `knots` are ISOTONIC's."""

    method: Method
    cuts: BandCuts
    slope: float = 1.0
    intercept: float = 0.0
    knots: tuple[tuple[float, float], ...] = ()

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities behind a reranker's values."""
        match self.method:
            case Method.PLATT:
                return np.asarray(1 / (1 + np.exp(-(self.slope * log_odds(values) + self.intercept))), np.float64)
            case Method.ISOTONIC:
                below, above = zip(*self.knots, strict=True)
                return np.asarray(np.interp(values, below, above), np.float64)
            case Method.RANDOM:
                return values

    def as_json(self) -> dict[str, Json]:
        return {
            "method": self.method,
            "strong": self.cuts.strong,
            "good": self.cuts.good,
            "slope": self.slope,
            "intercept": self.intercept,
            "knots": [list(one) for one in self.knots],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Calibration:
        knots = tuple((float(below), float(above)) for below, above in value["knots"])
        cuts = BandCuts(float(value["strong"]), float(value["good"]))
        return cls(Method(value["method"]), cuts, float(value["slope"]), float(value["intercept"]), knots)


def log_odds(values: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = np.clip(np.asarray(values, np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(kept / (1 - kept)), np.float64)
