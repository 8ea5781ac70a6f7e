"""What reranking changes, as a page and as data."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rerank.features import NAMES
from rerank.text import Regression
from training.reranker.lists import TOP
from training.reranker.measure import Effect, KindEffect

_SIDES = {
    "validation": ("Validation", "Held-out items of the training data; the features were chosen here, on text to text."),
    "local": ("Evaluation, each task's own pool", "Searched with a target."),
    "union": ("Evaluation, all pools together", "Searched with a target."),
    "mixed": (
        "Evaluation, all pools together, without a target",
        "Only documents that are a text alone are read; the others keep their places.",
    ),
}


@dataclass(frozen=True, slots=True)
class Report:
    """`trials` are mean gains on validation by features; `sides` has effects by task and by kind of search."""

    regression: Regression
    trials: Mapping[str, float]
    sides: Mapping[str, tuple[Sequence[Effect], Sequence[KindEffect]]]


def write_report(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    date = datetime.date.today().isoformat()
    data = {
        "date": date,
        "top": TOP,
        "weights": dict(zip(NAMES, report.regression.weights, strict=True)),
        "intercept": report.regression.intercept,
        "trials": {name: round(gain, 2) for name, gain in report.trials.items()},
        "sides": {
            side: {"tasks": [asdict(one) for one in tasks], "kinds": [asdict(one) for one in kinds]}
            for side, (tasks, kinds) in report.sides.items()
        },
    }
    (folder / "rerank.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    (folder / "rerank.md").write_text("\n".join(_page(report, date)) + "\n", "utf-8")


def _page(report: Report, date: str) -> list[str]:
    weights = ", ".join(f"{name} {weight:+.2f}" for name, weight in zip(NAMES, report.regression.weights, strict=True))
    lines = [
        "# Reranker: results",
        "",
        f"Made by `python -m training.reranker` on {date} with the starter encoder. The first {TOP} hits are read again.",
        "nDCG@10 in percent, relevance yes or no. In brackets: bounds of the difference, 95 % (bootstrap over queries);",
        "for a kind of search the mean over its sets, each counting alike.",
        "Only queries of words alone are read again, and only texts, and pairs where pairs were asked for;",
        "every other task stays as it was.",
        "Queries of a picture with words were tried and left out: the words beside a picture are often no more than a question about it,",
        "and reading them alone cost more than half of nDCG@10 on validation.",
        "",
        f"Weights: {weights}; intercept {report.regression.intercept:+.2f}.",
        "",
        "Gain on validation (text to text) by features: " + "; ".join(f"{name}: {gain:+.2f}" for name, gain in report.trials.items()) + ".",
    ]
    for side, (title, remark) in _SIDES.items():
        tasks, kinds = report.sides[side]
        lines += ["", f"## {title}", "", remark, ""]
        lines += ["| kind of search | sets | difference |", "| --- | --- | --- |"]
        lines += [f"| {one.query} -> {one.target} | {one.sets} | {_difference(one)} |" for one in kinds]
        lines += ["", "| set/task | query -> target | queries | without | with | difference |", "| --- | --- | --- | --- | --- | --- |"]
        lines += [_row(one) for one in tasks]
    return lines


def _row(one: Effect) -> str:
    kind = f"{one.query} -> {one.target}"
    return f"| {one.name} | {kind} | {one.queries} | {one.without:.2f} | {one.with_reranking:.2f} | {_difference(one)} |"


def _difference(one: Effect | KindEffect) -> str:
    mark = "**" if one.low > 0 or one.high < 0 else ""
    return f"{mark}{one.difference:+.2f}{mark} ({one.low:+.2f} to {one.high:+.2f})"
