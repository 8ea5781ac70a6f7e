"""Evaluations whose first hits are read again, completed by their other halves, grouped, and made with and without instructions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.arithmetic import ArithmeticEncoder
from evaluation.ablation import ablation
from evaluation.asking import Instructing
from evaluation.evaluate import Keep, Plan, evaluate
from evaluation.reading_again import SecondReading
from evaluation.reports.ablation import as_markdown as ablation_as_markdown
from evaluation.reports.html import as_html
from evaluation.reports.markdown import as_markdown
from evaluation.reports.output import AblationOutput, Output, read_report
from evaluation.results import Report, SetResult
from tests.evaluation.small import candidate, lines, query, small_mbeir
from tests.folders import lay, picture
from uniir.documents import Document
from uniir.errors import ModelUnavailable
from uniir.hits import BandCuts
from uniir.images import FileImages
from uniir.queries import Query, Reranking


class ByLength:
    """Implements `Reranker`: the longest text first; what has no text is not read."""

    name = "length"
    reading = "texts"
    cuts: BandCuts | None = None

    def reads(self, query: Query, candidate: Document) -> bool:
        return candidate.text is not None

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        return np.array([len(one.text or "") / 1000 for one in candidates], np.float32)


class Asked(ByLength):
    """Remembers the data sets that queries say they are from."""

    def __init__(self) -> None:
        self.datasets = set[str | None]()

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        self.datasets.add(query.instruction.dataset if query.instruction is not None else None)
        return super().score(query, candidates)


class Failing(ByLength):
    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        raise ModelUnavailable("The weights are gone.", "")


def measure(plan: Plan, work: Path, reading: SecondReading | None = None, keep: Keep = lambda one: None) -> tuple[Report, list[SetResult]]:
    sets: list[SetResult] = []

    def both(one: SetResult) -> None:
        keep(one)
        sets.append(one)

    return evaluate(plan, ArithmeticEncoder(), FileImages(), work, both, lambda name, done, whole: None, reading), sets


def always(one: ByLength) -> SecondReading:
    return SecondReading(one, lambda query, target: False, Reranking.ON)


def test_hits_that_are_read_again_stand_in_their_new_order_beside_the_old_one(tmp_path: Path) -> None:
    plan = Plan(small_mbeir(tmp_path / "data"), datasets=("oven",), instructing=Instructing.OFF, rerank="length")
    _, (plain,) = measure(plan, tmp_path / "work")
    report, (again,) = measure(plan, tmp_path / "work", always(ByLength()))
    texts = {"5:1": 30, "5:2": 29, "6:3": 29, "6:4": 10, "5:5": 10, "6:6": 14}
    for before, after in zip(plain.ranked, again.ranked, strict=True):
        assert sorted(before) == sorted(after)
        assert [texts[did] for did in after] == sorted((texts[did] for did in after), reverse=True)
    gain = again.row.rerank
    assert gain is not None
    assert {name: one.value for name, one in gain.before.items()} == {name: one.value for name, one in plain.row.measures.items()}
    assert gain.difference.value == pytest.approx(again.row.measures["hit@5"].value - plain.row.measures["hit@5"].value)
    assert "## Before and after reading the first hits again" in as_markdown(report)
    assert "Reading the first hits again" in as_html(report)


def test_a_report_says_how_many_hits_were_read_again(tmp_path: Path) -> None:
    plan = Plan(small_mbeir(tmp_path / "data"), datasets=("oven",), rerank="length")
    report, _ = measure(plan, tmp_path / "work", always(ByLength()))
    assert report.as_json()["rows"][0]["rerank"]["read"] == 6
    for written in (as_markdown(report), as_html(report)):
        assert "The best hits of each query were read again, at most 6." in written


def test_a_reranker_hears_which_data_set_asks_since_prompts_are_written_for_each(tmp_path: Path) -> None:
    asked = Asked()
    measure(Plan(small_mbeir(tmp_path / "data"), datasets=("oven",)), tmp_path / "work", always(asked))
    assert asked.datasets == {"OVEN"}


def test_a_weight_adds_the_probability_to_the_first_score(tmp_path: Path) -> None:
    plan = Plan(small_mbeir(tmp_path / "data"), datasets=("oven",), instructing=Instructing.OFF)
    _, (plain,) = measure(plan, tmp_path / "work")
    orders = {}
    for weight in (0.0, 1e6):
        reading = SecondReading(ByLength(), lambda query, target: False, Reranking.ON, weight)
        orders[weight] = measure(plan, tmp_path / "work", reading)[1][0].ranked
    assert orders[0.0] == plain.ranked
    assert orders[1e6] != plain.ranked


def test_reading_again_where_it_helps_leaves_other_queries_alone(tmp_path: Path) -> None:
    plan = Plan(small_mbeir(tmp_path / "data"), datasets=("oven",), rerank="auto")
    reading = SecondReading(ByLength(), lambda query, target: False, Reranking.AUTO)
    _, (plain,) = measure(plan, tmp_path / "work")
    assert measure(plan, tmp_path / "work", reading)[1][0].ranked == plain.ranked


def test_a_reranker_that_fails_ends_the_evaluation(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"weights are gone.*--rerank"):
        measure(Plan(small_mbeir(tmp_path / "data"), datasets=("oven",)), tmp_path / "work", always(Failing()))


def test_a_missing_half_that_is_a_positive_counts_and_is_never_the_querys_own(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    pool = [
        candidate("8:1", "red"),  # the arithmetic encoder puts words beside pictures of no colour in particular
        candidate("8:2", image="red"),
        candidate("8:3", image="green"),
        candidate("8:4", "both at once", "blue"),
    ]
    lay(
        root,
        {
            "query/test/mbeir_cirr_task7_test.jsonl": lines([query("8:1", 7, ["8:1"], "how", "red")]),
            "cand_pool/local/mbeir_cirr_task7_cand_pool.jsonl": lines(pool),
            "qrels/test/mbeir_cirr_task7_test_qrels.txt": "8:1 0 8:1 1 7\n",
        },
    )
    plan = Plan(root, datasets=("cirr",), complement=True, instructing=Instructing.OFF)
    output = Output(tmp_path / "out")
    report, (found,) = measure(plan, tmp_path / "work", keep=output.keep)
    output.finish(report)
    assert found.complements is not None
    halves = dict(zip(found.ranked[0], found.complements[0], strict=True))
    assert halves["8:2"] == halves["8:3"] == "8:1"
    assert halves["8:1"] == "8:3"  # the red picture is the query's own
    assert halves["8:4"] is None
    place = list(found.ranked[0]).index("8:1")
    assert found.row.with_complements is not None
    assert found.row.with_complements["hit@1"].value == float(found.ranked[0][0] != "8:4")
    assert found.row.measures["hit@1"].value == float(place == 0)
    written = json.loads((tmp_path / "out" / "retrieved" / "cirr_task7.jsonl").read_text())
    assert written == {"query": "8:1", "candidates": list(found.ranked[0]), "complement_candidates": list(found.complements[0])}
    assert "With missing halves" in as_html(report)


def test_sets_that_training_did_not_see_are_a_group_of_their_own(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    report, sets = measure(Plan(root, held_out=("cirr",)), tmp_path / "work")
    averages = {one.name: one.value.value for one in report.averages}
    of = {one.row.dataset: one.row.measures["hit@5"].value for one in sets}
    assert averages["held out of training"] == of["cirr"]
    assert averages["seen in training"] == of["oven"]
    assert averages["task 7, image,text -> image"] == of["cirr"]
    assert "held out of training" not in {one.name for one in measure(Plan(root), tmp_path / "work")[0].averages}


def test_an_ablation_lays_every_way_of_instructing_beside_the_others(tmp_path: Path) -> None:
    plan = Plan(small_mbeir(tmp_path / "data"), pool="global")
    output = AblationOutput(tmp_path / "out")

    def one(plan: Plan, keep: Keep) -> Report:
        return evaluate(plan, ArithmeticEncoder(), FileImages(), tmp_path / "work", keep, lambda name, done, whole: None)

    found = ablation(plan, one, one, 2, output.keep)
    output.finish(found)
    ways = {name: read_report(tmp_path / "out" / name.replace(" ", "-")) for name in ("off", "on", "first", "random 2024", "random 2025")}
    for row, *reports in zip(found.rows, *(way["rows"] for way in ways.values()), strict=False):
        assert [row.off, row.on, row.first, *row.random] == [report["measures"][row.headline]["value"] for report in reports]
    last = found.rows[-1]
    assert last.task is None
    assert last.difference.value == pytest.approx(last.on - last.off)
    assert "| Average | headline |" in ablation_as_markdown(found)
    assert "<svg" in (tmp_path / "out" / "ablation.html").read_text()
    assert json.loads((tmp_path / "out" / "ablation.json").read_text())["rows"][-1]["random"] == list(last.random)


def test_words_of_the_data_are_no_markup_in_the_report(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "<b>data")
    lay(root, {"mbeir_images/lone.png": picture("black")})
    report, _ = measure(Plan(root, datasets=("cirr",)), tmp_path / "work")
    assert "<b>data" not in as_html(report)
