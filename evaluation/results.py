"""What an evaluation found, as data that a file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.analysis import FirstHits
from evaluation.gate import SelfRetrieval
from evaluation.metrics.resampling import Interval

FORMAT = 2


@dataclass(frozen=True, slots=True)
class Gain:
    """What reading hits again, at most `read` of a query, did to the headline: before, the difference, how likely chance makes it."""

    before: Mapping[str, Interval]
    difference: Interval
    probability: float
    read: int


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
    positives_absent: int  # positives of these queries that the pool has not
    published: float | None = None
    held_out: bool = False
    rerank: Gain | None = None
    unread: int = 0  # queries of the file whose hits could not be read again: their first order stands
    with_complements: Mapping[str, Interval] | None = None  # hit rates where a hit's missing half counts as well


@dataclass(frozen=True, slots=True)
class SetResult:
    """A row with what it was made of, query by query: `ranked` are dids, best first, beside their cosines."""

    row: SetRow
    qids: Sequence[str]
    positives: Sequence[frozenset[str]]
    ranked: Sequence[Sequence[str]]
    scores: NDArray[np.float32]
    values: Mapping[str, NDArray[np.float64]]
    before: Mapping[str, NDArray[np.float64]] | None = None  # reading again
    complements: Sequence[Sequence[str | None]] | None = None  # beside `ranked`


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of some sets' headlines, each set counting alike; `published` only where all of the papers' sets of this kind are there."""

    name: str
    sets: int
    value: Interval
    published: float | None = None
    before: float | None = None  # reading again


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured and what it was measured with."""

    made: str
    settings: Mapping[str, object]
    command: str  # measures the same again
    encoder: Mapping[str, object]
    data: Mapping[str, object]
    versions: Mapping[str, str]
    gates: Mapping[str, SelfRetrieval]
    rows: Sequence[SetRow]
    left_out: Sequence[str]  # tasks that nobody judged, in words
    average: Average  # of all sets
    averages: Sequence[Average]  # of the sets of each task, as in table 4 of the UniIR paper, and of those held out and not
    first_hits: FirstHits  # of all queries
    published_model: str | None
    published_errors: Mapping[str, float]  # percent of wrong first hits by kind, as printed
    format: int = field(default=FORMAT)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
