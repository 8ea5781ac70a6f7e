"""What instructions are worth: one encoder measured with them, without them, with the first wording and with several draws of wordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.asking import Instructing
from evaluation.evaluate import Keep, Plan
from evaluation.metrics.published import published
from evaluation.metrics.resampling import Interval, interval, paired_probability
from evaluation.results import Report, SetResult

Measure = Callable[[Plan, Keep], Report]
ReportOf = Callable[[str], Keep]


@dataclass(frozen=True, slots=True)
class AblationRow:
    """One data set and task, or all (`task` None): headlines 0..1 by how queries were instructed. `random` has a value for each draw.

    `difference` is `on` less `off`.
    """

    task: int | None
    dataset: str
    headline: str
    off: float
    on: float
    first: float
    random: tuple[float, ...]
    difference: Interval
    probability: float
    published: tuple[float | None, float | None] = (None, None)  # percent, without and with


@dataclass(frozen=True, slots=True)
class Ablation:
    """`reports` by how queries were instructed; `published` names the models without and with instructions that stand beside."""

    rows: Sequence[AblationRow]
    reports: Mapping[str, Report]
    published: tuple[str, str] | None
    command: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": [asdict(one) for one in self.rows],
            "published": self.published,
            "command": self.command,
            "reports": {name: one.as_json() for name, one in self.reports.items()},
        }


def ablation(plan: Plan, with_them: Measure, without: Measure, draws: int, keep: ReportOf, command: str = "") -> Ablation:
    """Evaluates five ways or more. `without` measures queries that get no instruction: the same encoder, or one that was trained so.

    `draws` seeds after the plan's are drawn for `random`; `keep` says where the sets of each way go.
    """
    plans = {
        "off": replace(plan, instructing=Instructing.OFF),
        "on": replace(plan, instructing=Instructing.ON),
        "first": replace(plan, instructing=Instructing.FIRST),
        **{f"random {seed}": replace(plan, instructing=Instructing.RANDOM, seed=seed) for seed in _seeds(plan, draws)},
    }
    sets: dict[str, list[SetResult]] = {name: [] for name in plans}
    reports = {}
    for name, one in plans.items():
        reports[name] = (without if name == "off" else with_them)(one, _both(keep(name), sets[name].append))
    return Ablation(list(_rows(sets, reports)), reports, _models(reports["on"]), command)


def _seeds(plan: Plan, draws: int) -> range:
    return range(plan.seed + 1, plan.seed + 1 + draws)


def _both(one: Keep, other: Keep) -> Keep:
    def keep(result: SetResult) -> None:
        one(result)
        other(result)

    return keep


def _rows(sets: Mapping[str, Sequence[SetResult]], reports: Mapping[str, Report]) -> Iterator[AblationRow]:
    models, pool = _models(reports["on"]), str(reports["on"].settings["pool"])
    draws = [name for name in sets if name.startswith("random")]
    differences = []
    for number, one in enumerate(sets["on"]):
        row, headline = one.row, one.row.headline
        differences.append(_paired(sets["off"][number], one, headline))
        values = {name: float(some[number].values[headline].mean()) for name, some in sets.items()}
        beside = [None if models is None else published(model, pool, row.task, row.dataset, headline) for model in models or ("", "")]
        yield AblationRow(
            row.task,
            row.dataset,
            headline,
            values["off"],
            values["on"],
            values["first"],
            tuple(values[name] for name in draws),
            interval(differences[-1:]),
            paired_probability(differences[-1:]),
            (_value(beside[0]), _value(beside[1])),
        )
    means = {name: one.average.value.value for name, one in reports.items()}
    with_them = reports["on"].average.published
    without = None if models is None or with_them is None else published(models[0], pool, None, "", "average")
    yield AblationRow(
        None,
        "",
        "headline",
        means["off"],
        means["on"],
        means["first"],
        tuple(means[name] for name in draws),
        interval(differences),
        paired_probability(differences),
        (_value(without), with_them),
    )


def _paired(before: SetResult, after: SetResult, headline: str) -> NDArray[np.float64]:
    return after.values[headline] - before.values[headline]


def _value(one: Any) -> float | None:
    return None if one is None else float(one.value)


def _models(report: Report) -> tuple[str, str] | None:
    """What the papers call the model that was trained without instructions, and the one that was trained with them."""
    model = report.published_model
    if model is None or not model.startswith("UniIR "):
        return None
    return model.replace("UniIR ", "Multi-task "), model
