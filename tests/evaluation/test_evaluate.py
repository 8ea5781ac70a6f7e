"""Whole evaluations of a small M-BEIR, against the authors' evaluator written plainly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.arithmetic import ArithmeticEncoder
from evaluation.asking import Instructing
from evaluation.compare import compare
from evaluation.evaluate import Plan, evaluate
from evaluation.gate import PipelineBroken
from evaluation.metrics.published import counterpart, published
from evaluation.metrics.resampling import Interval
from evaluation.reports.output import Output, read_report
from evaluation.reports.plots import Bar, bars
from evaluation.results import Report, SetResult
from tests.evaluation.authors import recalls
from tests.evaluation.small import small_mbeir
from tests.folders import lay, picture
from uniir.documents import Document, Modality
from uniir.errors import UsageError
from uniir.images import FileImages
from uniir.protocols import ImageLoader, Prepared, Steering
from uniir.queries import Query
from uniir.spaces import VectorSpace


@dataclass
class Measured:
    report: Report
    sets: list[SetResult]

    def of(self, dataset: str) -> SetResult:
        (one,) = [one for one in self.sets if one.row.dataset == dataset]
        return one


def measure(plan: Plan, work: Path, encoder: ArithmeticEncoder | None = None) -> Measured:
    sets: list[SetResult] = []
    report = evaluate(plan, encoder or ArithmeticEncoder(), FileImages(), work, sets.append, lambda name, done, whole: None)
    return Measured(report, sets)


def stored(work: Path, stem: str) -> tuple[list[str], NDArray[np.float16]]:
    """Ids and vectors of a pool or a file of queries, as they lie in the work directory."""
    (directory,) = [ids.parent for ids in work.rglob("ids.npy") if ids.parent.name.startswith(stem)]
    return [bytes(one).decode() for one in np.load(directory / "ids.npy")], np.load(directory / "vectors.npy")


@pytest.mark.parametrize("instructing", list(Instructing))
@pytest.mark.parametrize("pool", ["local", "global"])
def test_hit_rates_are_those_of_the_authors_evaluator_on_the_same_embeddings(tmp_path: Path, pool: str, instructing: Instructing) -> None:
    root, work = small_mbeir(tmp_path / "data"), tmp_path / "work"
    found = measure(Plan(root, pool=pool, instructing=instructing), work)  # type: ignore[arg-type]
    assert [one.row.dataset for one in found.sets] == ["oven", "cirr"]
    for result in found.sets:
        stem = f"mbeir_{result.row.dataset}_task{result.row.task}"
        dids, offered = stored(work, "mbeir_union" if pool == "global" else f"{stem}_cand_pool")
        qids, asked = stored(work, f"{stem}_test")
        truth = recalls(qids, asked, dids, offered, root / "qrels" / "test" / f"{stem}_test_qrels.txt", (1, 5, 10))
        for (task, k), value in truth.items():
            assert (task, round(result.row.measures[f"hit@{k}"].value, 4)) == (str(result.row.task), value)


def test_the_querys_own_picture_stays_in_the_results(tmp_path: Path) -> None:
    found = measure(Plan(small_mbeir(tmp_path / "data"), datasets=("cirr",)), tmp_path / "work").of("cirr")
    assert found.ranked[found.qids.index("8:1")][0] == "8:0"


def test_queries_that_nobody_judged_are_left_out_and_told(tmp_path: Path) -> None:
    found = measure(Plan(small_mbeir(tmp_path / "data"), datasets=("cirr",)), tmp_path / "work").of("cirr")
    assert list(found.qids) == ["8:1", "8:2", "8:3"]
    assert (found.row.without_judgments, found.row.judged_but_absent) == (1, 1)


def test_a_query_whose_picture_is_broken_counts_as_missed(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    lay(root, {"mbeir_images/lone.png": picture("black")})
    file = root / "query" / "test" / "mbeir_cirr_task7_test.jsonl"
    file.write_text(file.read_text().replace("mbeir_images/green.png", "mbeir_images/gone.png"))
    found = measure(Plan(root, datasets=("cirr",)), tmp_path / "work").of("cirr")
    assert found.row.failed_queries == 1
    assert found.values["hit@10"].tolist() == [1, 0, 1]


def test_recall_is_the_share_of_positives_and_hit_rate_is_not(tmp_path: Path) -> None:
    found = measure(Plan(small_mbeir(tmp_path / "data"), datasets=("cirr",)), tmp_path / "work").of("cirr")
    first = found.qids.index("8:1")
    places = [found.ranked[first].index(did) for did in ("8:1", "8:2")]
    assert min(places) < 5
    assert found.values["hit@5"][first] == 1
    assert found.values["recall@5"][first] == sum(place < 5 for place in places) / 2


def test_tasks_are_chosen_by_number_and_none_left_is_told(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    assert [row.task for row in measure(Plan(root, tasks=(6,)), tmp_path / "work").report.rows] == [6]
    with pytest.raises(UsageError, match="No queries are left"):
        measure(Plan(root, tasks=(2,)), tmp_path / "work")


def test_wordings_are_drawn_by_seed_and_query_alone(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    for seed in (1, 1, 2):
        measure(Plan(root, datasets=("cirr",), seed=seed), tmp_path / "work")
    assert len([one for one in (tmp_path / "work").rglob("queries/*") if one.is_dir()]) == 2


def test_an_instruction_that_is_missing_is_told_with_the_way_out(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    (root / "instructions" / "query_instructions.tsv").write_text("query_modality\tcand_modality\tdataset_name\tdataset_id\tprompt_1\n")
    with pytest.raises(UsageError, match="--instructions off"):
        measure(Plan(root), tmp_path / "work")
    assert not (tmp_path / "work").exists()  # found out before anything was embedded
    assert measure(Plan(root, instructing=Instructing.OFF), tmp_path / "work").report.rows


class Collapsed:
    """Maps everything to one place."""

    space = VectorSpace("collapsed", "1", "none", "float32", 4)
    accepts = frozenset(Modality)

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        return Prepared(tuple(range(len(items))), (), len(items))

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        return np.tile(np.array([1, 0, 0, 0], np.float32), (len(batch.positions), 1))

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        return vectors


def test_a_broken_pipeline_gets_no_score(tmp_path: Path) -> None:
    with pytest.raises(PipelineBroken, match="find themselves"):
        measure(Plan(small_mbeir(tmp_path / "data")), tmp_path / "work", Collapsed())  # type: ignore[arg-type]


def test_pictures_that_were_changed_behind_the_embeddings_stop_the_run(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    measure(Plan(root, datasets=("cirr",)), tmp_path / "work")
    for number, file in enumerate(sorted((root / "mbeir_images").iterdir())):
        file.write_bytes(picture(number))
    with pytest.raises(PipelineBroken):
        measure(Plan(root, datasets=("cirr",)), tmp_path / "work")


def test_first_hits_are_told_apart_by_modality_and_domain(tmp_path: Path) -> None:
    # Pushed to texts by nothing, a red query picture finds the red picture: of a wrong modality for OVEN, whose answers are texts.
    plan = Plan(small_mbeir(tmp_path / "data"), pool="global", datasets=("oven",), instructing=Instructing.OFF)
    found = measure(plan, tmp_path / "work").of("oven")
    wrong = [ranked[0] for ranked, positives in zip(found.ranked, found.positives, strict=True) if ranked[0] not in positives]
    first = found.row.first_hits
    assert first.wrong == len(wrong)
    assert first.wrong_modality == sum(did.startswith("8:") for did in wrong) > 0
    assert first.wrong_modality + first.wrong_domain + first.other == first.wrong


def test_files_hold_what_was_measured_and_two_evaluations_can_be_compared(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    for name, instructing in (("on", Instructing.FIRST), ("off", Instructing.OFF)):
        output = Output(tmp_path / name)
        report = evaluate(
            Plan(root, pool="global", instructing=instructing),
            ArithmeticEncoder(),
            FileImages(),
            tmp_path / "work",
            output.keep,
            lambda label, done, whole: None,
        )
        output.finish(report)
    on = read_report(tmp_path / "on")
    assert on["encoder"]["weights"] == "axis 1.0"
    assert on["data"]["files"].keys() >= {"cand_pool/global/mbeir_union_test_cand_pool.jsonl", "instructions/query_instructions.tsv"}
    run = [line.split() for line in (tmp_path / "on" / "runs" / "oven_task6.trec").read_text().splitlines()]
    assert all(len(columns) == 6 for columns in run)
    by_query = [[float(columns[4]) for columns in run if columns[0] == qid] for qid in ("5:1", "5:2", "5:3")]
    assert all(scores == sorted(set(scores), reverse=True) for scores in by_query)  # no two alike
    assert (tmp_path / "on" / "qrels" / "oven_task6.trec").read_text().splitlines()[0] == "5:1 0 6:3 1"
    assert "| 6 image,text -> text | oven |" in (tmp_path / "on" / "report.md").read_text()
    page = (tmp_path / "on" / "report.html").read_text()
    assert page.count("<svg") == 3
    assert "oven: image + text → text" in page
    assert page.index("<dt>headline</dt>") < page.index("<dt>modality accuracy@1</dt>")
    assert "map@5 of 5" not in page  # no set here has it for its headline
    compared = compare(tmp_path / "off", tmp_path / "on", "hit@1")
    average = compared.differences[-1]
    assert (average.task, average.queries) == (None, 6)
    assert average.difference.value == pytest.approx(average.second - average.first)
    assert compared.unlike == ["instructing off against first"]
    report = json.loads((tmp_path / "off" / "report.json").read_text())
    report["data"]["files"]["qrels/test/mbeir_oven_task6_test_qrels.txt"] = "another"
    (tmp_path / "off" / "report.json").write_text(json.dumps(report))
    unlike = compare(tmp_path / "off", tmp_path / "on").unlike
    assert unlike[1:] == ["the data's qrels/test/mbeir_oven_task6_test_qrels.txt"]


def test_long_names_stand_in_a_plot_as_a_whole() -> None:
    def left_of(name: str) -> float:
        plot = bars("plot", "percent", [Bar(name, Interval(0.5, 0.4, 0.6))], None)
        return float(plot.partition('viewBox="')[2].split()[0])

    assert left_of("cirr: image + text → image") == 0
    assert left_of("n" * 60) <= 240 - 60 * 7  # where the names end, and what letters take


def test_a_directory_of_other_things_is_not_written_into(tmp_path: Path) -> None:
    lay(tmp_path / "mine", {"thesis.txt": "x"})
    with pytest.raises(UsageError, match="holds something else"):
        Output(tmp_path / "mine")


def test_published_results_are_found_by_set_and_pool() -> None:
    assert counterpart("CLIP_SF 3fe88c2b53d9") == "UniIR CLIP_SF"
    assert counterpart("2") is None
    one = published("UniIR CLIP_SF", "global", 0, "visualnews", "hit@5")
    assert one is not None
    assert (one.value, one.source, one.table) == (42.6, "UniIR, arXiv 2311.17136", "2")
    average = published("UniIR CLIP_SF", "global", None, "", "average")
    assert average is not None


def test_reports_are_plain_json(tmp_path: Path) -> None:
    report = measure(Plan(small_mbeir(tmp_path / "data"), datasets=("cirr",)), tmp_path / "work").report
    assert json.loads(json.dumps(report.as_json()))["rows"][0]["measures"]["hit@1"].keys() == {"value", "low", "high"}
