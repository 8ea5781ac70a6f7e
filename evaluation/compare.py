"""Two finished evaluations beside each other, query by query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.resampling import Interval, interval, paired_probability
from evaluation.metrics.scoring import headline_of
from uniir.errors import UsageError

Values: TypeAlias = "dict[tuple[int, str], dict[str, Mapping[str, Any]]]"  # by task and data set, then by qid


@dataclass(frozen=True, slots=True)
class Difference:
    """One data set and task, or the average of all (`task` None). Shares 0..1; `difference` is the second less the first."""

    task: int | None
    dataset: str
    measure: str
    queries: int
    first: float
    second: float
    difference: Interval
    probability: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """`unlike` names what the two did not share apart from the encoder; `alone` the sets that only one of them has."""

    first: str
    second: str
    differences: Sequence[Difference]
    alone: Sequence[str]
    unlike: Sequence[str]


def compare(first: Path, second: Path, measure: str | None = None) -> Comparison:
    """Over the queries that both have; `measure` None takes each set's headline. Raises UsageError where they share none."""
    from evaluation.reports.output import read_query_values, read_report

    reports = read_report(first), read_report(second)
    one, other = _by_set(read_query_values(first)), _by_set(read_query_values(second))
    before: list[NDArray[np.float64]] = []
    after: list[NDArray[np.float64]] = []
    differences = []
    for key in sorted(one.keys() & other.keys()):
        qids = sorted(one[key].keys() & other[key].keys())
        name = measure or headline_of(key[1])
        if not qids:
            continue
        if name not in one[key][qids[0]] or name not in other[key][qids[0]]:
            raise UsageError(f"{name!r} was not measured for {key[1]}.", f"There are {', '.join(_measures(one[key][qids[0]]))}.")
        before.append(np.array([one[key][qid][name] for qid in qids]))
        after.append(np.array([other[key][qid][name] for qid in qids]))
        differences.append(_difference(*key, name, before[-1:], after[-1:]))
    if not differences:
        raise UsageError("The two evaluations share no query.", "Compare evaluations of the same data and tasks.")
    if len(differences) > 1:
        differences.append(_difference(None, "", measure or "headline", before, after))
    alone = [f"{dataset} task {task}" for task, dataset in sorted(one.keys() ^ other.keys())]
    return Comparison(_label(first, reports[0]), _label(second, reports[1]), differences, alone, list(_unlike(*reports)))


def _difference(
    task: int | None, dataset: str, measure: str, first: Sequence[NDArray[np.float64]], second: Sequence[NDArray[np.float64]]
) -> Difference:
    groups = [after - before for before, after in zip(first, second, strict=True)]
    queries = sum(map(len, groups))
    return Difference(task, dataset, measure, queries, _mean(first), _mean(second), interval(groups), paired_probability(groups))


def _mean(groups: Sequence[NDArray[np.float64]]) -> float:
    return float(np.mean([group.mean() for group in groups]))


def _by_set(values: Any) -> Values:
    found: Values = defaultdict(dict)
    for one in values:
        found[one["task"], one["dataset"]][one["qid"]] = one
    return found


def _measures(values: Mapping[str, Any]) -> list[str]:
    return [name for name in values if "@" in name]


def _label(directory: Path, report: Mapping[str, Any]) -> str:
    return f"{report['encoder']['encoder']}, instructions {report['settings']['instructing']} ({directory})"


def _unlike(first: Mapping[str, Any], second: Mapping[str, Any]) -> Sequence[str]:
    found = [
        f"{name} {first['settings'][name]} against {second['settings'][name]}"
        for name in ("split", "pool", "seed", "instructing", "search", "rerank")
        if first["settings"][name] != second["settings"][name]
    ]
    one, other = first["data"]["files"], second["data"]["files"]
    # Without instructions their table is not read, and other tasks have other files: what both have read must be the same.
    changed = sorted(name for name in one.keys() & other.keys() if one[name] != other[name])
    return [*found, *([f"the data's {', '.join(changed)}"] if changed else [])]
