"""Results that papers and repositories give for M-BEIR (data/published.tsv names each one's source and table)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_COUNTED = ("UniIR, arXiv 2311.17136", "2")


@dataclass(frozen=True, slots=True)
class PublishedResult:
    """One number in percent, as printed.

    The average over the 16 sets has no data set and the task `average`, that of a task's sets no data set; the task `errors` holds
    shares of wrong first hits by kind.
    """

    source: str
    table: str
    pool: str
    task: str
    dataset: str
    model: str
    measure: str
    value: float


@cache
def published_results() -> tuple[PublishedResult, ...]:
    """All of them, in the order of their sources."""
    text = (files("evaluation") / "data" / "published.tsv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(PublishedResult(**{**row, "value": float(row["value"])}) for row in rows)  # type: ignore[arg-type]


def published_models(pool: str) -> tuple[str, ...]:
    """The models with results on this pool, in the order of their sources."""
    return tuple(dict.fromkeys(one.model for one in published_results() if one.pool == pool))


@cache
def counted_tasks(task: int | None) -> frozenset[tuple[int, str]]:
    """Tasks and data sets that the papers' average counts, or that of one task."""
    counted = {(int(one.task), one.dataset) for one in published_results() if (one.source, one.table) == _COUNTED and one.dataset}
    return frozenset(one for one in counted if task in (None, one[0]))


@cache
def zero_shot_sets() -> frozenset[str]:
    """Data sets outside M-BEIR that papers measure on without having trained on them."""
    return frozenset(one.dataset for one in published_results() if one.dataset) - {dataset for _, dataset in counted_tasks(None)}


def published_errors(model: str, pool: str) -> dict[str, float]:
    """Percent of a model's wrong first hits by kind of error; empty where nothing was published."""
    return {one.measure: one.value for one in published_results() if (one.model, one.pool, one.task) == (model, pool, "errors")}


def published(model: str, pool: str, task: int | None, dataset: str, measure: str) -> PublishedResult | None:
    """The first source's number; `task` None is the average of the 16 sets, no `dataset` that of a task's."""
    wanted = (model, pool, "average" if task is None else str(task), dataset, measure)
    return next((one for one in published_results() if (one.model, one.pool, one.task, one.dataset, one.measure) == wanted), None)


def counterpart(weights: str) -> str | None:
    """The published model that weights of UniIR are to be laid beside, by the architecture that their space names."""
    architecture = weights.partition(" ")[0]
    return f"UniIR {architecture}" if f"UniIR {architecture}" in published_models("global") else None
