"""The report of a run: one JSON file with everything, one Markdown page for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from encoders.starter.heads import Choices, describe_choices
from training.starter.about import EVALUATION_SEEN
from training.starter.choose import Trial
from training.starter.instructions import Comparison
from training.starter.measure import Fairness, TaskReport
from training.starter.train import Recipe
from uniir.protocols import Steering


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found; recalls are R@1/5/10 in percent."""

    date: str
    seeds: int
    minutes: float
    recipe: Recipe
    choices: Choices
    trials: tuple[Trial, ...]
    comparisons: tuple[Comparison, ...]
    validation_fairness: Mapping[str, Mapping[str, Mapping[str, float]]]
    tasks: tuple[TaskReport, ...]
    fairness: tuple[Fairness, ...]
    published: Mapping[str, Mapping[str, str]]


def write_report(report: Report, folder: Path) -> None:
    """Writes starter.json and starter.md."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "starter.json").write_text(json.dumps(_as_json(report), indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "starter.md").write_text(_as_markdown(report), "utf-8")


def _as_json(report: Report) -> dict[str, object]:
    return {
        "date": report.date,
        "minutes": report.minutes,
        "recipe": {**asdict(report.recipe), "runs_joined": 2 * report.seeds, "of_these_with_held_out_items": report.seeds},
        "evaluation_seen": EVALUATION_SEEN,
        "choices": describe_choices(report.choices),
        "validation": [
            {**_kind(one.steering), "scales": one.turn.scales, "results": dict(one.results), "raw_tower": dict(one.reference)}
            for one in report.trials
        ],
        "instruction_in_front": [
            {"task": one.name, **_kind(one.steering), "bare": one.bare, "instructed": one.instructed} for one in report.comparisons
        ],
        "validation_fairness": {query: dict(rows) for query, rows in report.validation_fairness.items()},
        "evaluation": [{**asdict(one), "published": report.published.get(one.name, {})} for one in report.tasks],
        "fairness": [asdict(one) for one in report.fairness],
    }


def _as_markdown(report: Report) -> str:
    parts = (_opening, _local_pools, _global_pool, _mixed_list, _instructions, _validation, _choices)
    return "\n\n".join(part(report) for part in parts) + "\n"


def _opening(report: Report) -> str:
    return f"""# Starter encoder: results

Made by `python -m training.starter` on {report.date} ({report.minutes} minutes; what the cache held was not computed again).
{2 * report.seeds} training runs of {report.recipe.epochs} epochs are joined: {report.seeds} on which everything was chosen,
and {report.seeds} that learnt the held-out items as well.
R@k is the share of queries with any positive among the first k (the UniIR paper's Recall@k), in percent, written 1 / 5 / 10.
{EVALUATION_SEEN}
The query's own picture is barred from the results unless it is a positive, as in the data's own baselines.
*With instruction*: steered to the modality that the instruction asks for, without any filter.
*Without*: no target, a fair mixed list."""


def _local_pools(report: Report) -> str:
    others = ("colour histogram", "TF-IDF", "BM25")
    rows = [
        (
            *_named(one),
            _three(one.chance),
            _three(one.local_instructed),
            _three(one.local_plain),
            _three(one.raw_minilm),
            _three(one.raw_image),
            *(report.published.get(one.name, {}).get(other, "") for other in others),
        )
        for one in report.tasks
    ]
    head = ("set/task", "query -> target", "chance", "with instruction", "without", "raw MiniLM", "raw image features", *others)
    return "## Local pools\n\n" + _table(head, rows)


def _global_pool(report: Report) -> str:
    rows = [
        (
            *_named(one),
            _three(one.global_instructed),
            f"{one.wrong_instructed:.2f}",
            _three(one.global_plain),
            f"{one.wrong_plain:.1f}",
            _three(one.untouched_global),
        )
        for one in report.tasks
    ]
    head = ("set/task", "query -> target", "with instruction", "wrong, %", "without", "wrong, %", "not steered at all")
    return (
        "## Global pool\n\nAll candidates of all sets, of three modalities. "
        "*Wrong* is the share of results in the top 5 that have another modality than the positives.\n\n" + _table(head, rows)
    )


def _mixed_list(report: Report) -> str:
    rows = [(one.target, f"{one.plain_scores:.1f}", f"{one.shipped:.1f}", f"{one.with_target:.1f}") for one in report.fairness]
    rows.append(("mean", *(f"{sum(column) / len(column):.1f}" for column in _columns(report.fairness))))  # type: ignore[arg-type]
    head = ("target modality of the positives", "plain scores", "shipped, without a target", "with the target")
    words = "Mean R@10 on the global pool over the tasks of each target modality."
    return f"## A mixed list without a target\n\n{words}\n\n{_table(head, rows)}"


def _instructions(report: Report) -> str:
    taken = ", ".join(f"{kind.query} -> {kind.target}" for kind in sorted(report.choices.prefixed, key=str)) or "nowhere"
    rows = [
        (one.name, f"{one.steering.query} -> {one.steering.target}", _three(one.bare), _three(one.instructed)) for one in report.comparisons
    ]
    return (
        "## Instruction in front of the query text\n\n"
        "The same validation queries, with heads that had not learnt them, without and with an instruction. "
        f"It is put in front only where a kind of search gains a point on average: {taken}.\n\n"
        + _table(("task", "query -> target", "bare", "with instruction"), rows)
    )


def _validation(report: Report) -> str:
    rows = [
        (name, f"{one.steering.query} -> {one.steering.target}", _three(values), _three(one.reference.get(name)))
        for one in report.trials
        for name, values in one.results.items()
    ]
    return "## Validation\n\nWith the chosen scales and the runs that had not learnt these items.\n\n" + _table(
        ("task", "query -> target", "starter", "raw tower"), rows
    )


def _choices(report: Report) -> str:
    rows = [
        (
            f"{kind.query} -> {kind.target or 'anything'}",
            *(" / ".join(f"{value:g}" for value in values) for values in (turn.scales, turn.axes, (turn.uncommon,))),
        )
        for kind, turn in report.choices.turns.items()
    ]
    return (
        "## What validation chose\n\nScales multiply the query's blocks: trained head, MiniLM's space "
        "(ImageNet's vocabulary for pictures), picture features. What is near to all queries of the other modality "
        "is weighed down where a search leaves its modality.\n\n"
        + _table(("query -> target", "scales", "push on the image, text and pair axis", "against commonness"), rows)
    )


def _named(one: TaskReport) -> tuple[str, str]:
    return one.name, f"{one.query} -> {one.target}"


def _columns(rows: Sequence[Fairness]) -> tuple[list[float], ...]:
    return [one.plain_scores for one in rows], [one.shipped for one in rows], [one.with_target for one in rows]


def _three(values: Sequence[float] | None) -> str:
    return "" if values is None else " / ".join(f"{value:.1f}" for value in values)


def _kind(steering: Steering) -> dict[str, str | None]:
    return {"query": str(steering.query), "target": None if steering.target is None else str(steering.target)}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
