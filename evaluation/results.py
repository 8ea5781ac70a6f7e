"""What an evaluation found, as data that a file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.analysis import FirstHits
from evaluation.gate import SelfRetrieval
from evaluation.resampling import Interval

FORMAT = 1


@dataclass(frozen=True, slots=True)
class SetRow:
    """One data set and task. Measures are 0..1; `published` is in percent as printed, None where there is none."""

    dataset: str
    task: int
    queries: int
    candidates: int
    headline: str
    measures: Mapping[str, Interval]
    first_hits: FirstHits
    failed_queries: int  # could not be encoded; they count as missed
    failed_candidates: int  # could not be encoded; they are never found
    without_judgments: int  # queries that are left out
    judged_but_absent: int  # queries that judgments name and the query file has not
    published: float | None = None


@dataclass(frozen=True, slots=True)
class SetResult:
    """A row with what it was made of, query by query: `ranked` are dids, best first, beside their cosines."""

    row: SetRow
    qids: Sequence[str]
    positives: Sequence[frozenset[str]]
    ranked: Sequence[Sequence[str]]
    scores: NDArray[np.float32]
    values: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured and what it was measured with."""

    made: str
    settings: Mapping[str, object]
    encoder: Mapping[str, object]
    data: Mapping[str, object]
    versions: Mapping[str, str]
    gates: Mapping[str, SelfRetrieval]
    rows: Sequence[SetRow]
    average: Interval  # of the rows' headlines, each row counting alike
    published_model: str | None
    published_average: float | None  # only where all of the papers' 16 sets were measured
    format: int = field(default=FORMAT)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
