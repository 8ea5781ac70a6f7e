"""An evaluation as files: report.json, report.md, report.html, queries.jsonl, and runs and judgments that TREC's tools read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.ablation import Ablation
from evaluation.reports import ablation as ablation_report
from evaluation.reports.html import as_html
from evaluation.reports.markdown import as_markdown
from evaluation.results import FORMAT, Report, SetResult
from uniir.errors import StoreUnavailable, UsageError

_REPORT, _QUERIES = "report.json", "queries.jsonl"
_PATHS = "surrogateescape"  # the data may lie in a folder whose name is no UTF-8


class Output:
    """A directory of results. What an earlier evaluation left in it is replaced. Raises UsageError for a directory of other things."""

    def __init__(self, directory: Path) -> None:
        strange = directory.exists() and (not directory.is_dir() or (any(directory.iterdir()) and not (directory / _QUERIES).exists()))
        if strange:
            raise UsageError(f"{directory} holds something else.", "Name a new directory with `--output`.")
        self._directory = directory
        self.begin()

    def begin(self) -> None:
        """Forgets what is there. Raises StoreUnavailable, as `keep` and `finish` do."""
        with _written(self._directory):
            for name in ("runs", "qrels"):
                (self._directory / name).mkdir(parents=True, exist_ok=True)
            for file in (*self._directory.glob("*/*.trec"), *self._directory.glob("retrieved/*.jsonl")):
                file.unlink()
            (self._directory / _REPORT).unlink(missing_ok=True)
            (self._directory / _QUERIES).write_text("", "utf-8")

    def keep(self, result: SetResult) -> None:
        """Writes what belongs to one set."""
        with _written(self._directory):
            self._keep(result)

    def _keep(self, result: SetResult) -> None:
        name = f"{result.row.dataset}_task{result.row.task}"
        (self._directory / "runs" / f"{name}.trec").write_text("".join(_run_lines(result, name)), "utf-8")
        with (self._directory / "qrels" / f"{name}.trec").open("w", encoding="utf-8") as file:
            for qid, positives in zip(result.qids, result.positives, strict=True):
                file.writelines(f"{qid} 0 {did} 1\n" for did in sorted(positives))
        if result.complements is not None:
            (self._directory / "retrieved").mkdir(exist_ok=True)
            (self._directory / "retrieved" / f"{name}.jsonl").write_text("".join(_retrieved_lines(result, result.complements)), "utf-8")
        with (self._directory / _QUERIES).open("a", encoding="utf-8") as file:
            for number, qid in enumerate(result.qids):
                values = {measure: round(float(one[number]), 6) for measure, one in result.values.items()}
                file.write(json.dumps({"dataset": result.row.dataset, "task": result.row.task, "qid": qid, **values}) + "\n")

    def finish(self, report: Report) -> None:
        """Writes the report; a directory without one is of an evaluation that did not end."""
        with _written(self._directory):
            (self._directory / "report.md").write_text(as_markdown(report), "utf-8", _PATHS)
            (self._directory / "report.html").write_text(as_html(report), "utf-8", _PATHS)
            part = self._directory / f"{_REPORT}.part"
            part.write_text(json.dumps(report.as_json(), indent=2) + "\n", "utf-8")
            os.replace(part, self._directory / _REPORT)


class AblationOutput:
    """A directory with `ablation.md`, `.html` and `.json`, and a whole evaluation in a directory of its own for each way of instructing."""

    def __init__(self, directory: Path) -> None:
        strange = directory.exists() and (not directory.is_dir() or (any(directory.iterdir()) and not (directory / "on").is_dir()))
        if strange:
            raise UsageError(f"{directory} holds something else.", "Name a new directory with `--output`.")
        self._directory = directory
        self._outputs: dict[str, Output] = {}

    def keep(self, name: str) -> Callable[[SetResult], None]:
        """Where the sets of one way of instructing go."""
        self._outputs[name] = Output(self._directory / name.replace(" ", "-"))
        return self._outputs[name].keep

    def finish(self, found: Ablation) -> None:
        for name, report in found.reports.items():
            self._outputs[name].finish(report)
        with _written(self._directory):
            (self._directory / "ablation.md").write_text(ablation_report.as_markdown(found), "utf-8", _PATHS)
            (self._directory / "ablation.html").write_text(ablation_report.as_html(found), "utf-8", _PATHS)
            (self._directory / "ablation.json").write_text(json.dumps(found.as_json(), indent=2) + "\n", "utf-8")


def read_report(directory: Path) -> Mapping[str, Any]:
    """What `report.json` says. Raises UsageError where there is none, or one of another format."""
    try:
        report = json.loads((directory / _REPORT).read_text("utf-8"))
    except (OSError, ValueError):
        report = None
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise UsageError(f"There is no finished evaluation in {directory}.", "`uniir evaluate DATA --encoder NAME --output DIR` makes one.")
    return report


def read_query_values(directory: Path) -> Iterator[Mapping[str, Any]]:
    """The measures of each query, beside `dataset`, `task` and `qid`."""
    with (directory / _QUERIES).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


@contextmanager
def _written(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        way_out = "Make room, or name another directory with `--output`."
        raise StoreUnavailable(f"{directory} can't be written: {error.strerror or error}.", way_out) from None


def _retrieved_lines(result: SetResult, complements: Sequence[Sequence[str | None]]) -> Iterator[str]:
    """As UniRAG keeps them, with ids for records."""
    for qid, ranked, halves in zip(result.qids, result.ranked, complements, strict=True):
        yield json.dumps({"query": qid, "candidates": list(ranked), "complement_candidates": list(halves)}) + "\n"


def _run_lines(result: SetResult, name: str) -> Iterator[str]:
    """Six columns. Other tools order equal scores anew, so these are set apart by the smallest step there is."""
    for qid, ranked, scores in zip(result.qids, result.ranked, result.scores, strict=True):
        above = np.float32(np.inf)
        for place, (did, score) in enumerate(zip(ranked, scores, strict=False), start=1):
            above = np.minimum(np.float32(score), np.nextafter(above, np.float32(-np.inf)))
            yield f"{qid} Q0 {did} {place} {above!s} uniir-{name}\n"
