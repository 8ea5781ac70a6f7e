"""Data as bad as it comes, with ties everywhere: the numbers are those of the authors' evaluator on the same embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.arithmetic import ArithmeticEncoder
from evaluation.asking import Instructing
from evaluation.evaluate import Plan, evaluate
from evaluation.reports.output import Output
from evaluation.results import SetResult
from tests.evaluation.authors import recalls
from tests.evaluation.hostile import Tying, hostile_mbeir
from tests.evaluation.small import candidate, lines, query, small_mbeir
from tests.folders import lay
from uniir.documents import Modality
from uniir.errors import UsageError
from uniir.images import FileImages


def measured(plan: Plan, work: Path) -> list[SetResult]:
    sets: list[SetResult] = []
    evaluate(plan, Tying(), FileImages(), work, sets.append, lambda name, done, whole: None)
    return sets


def stored(work: Path, stem: str) -> tuple[list[str], NDArray[np.float16]]:
    (directory,) = [ids.parent for ids in work.rglob("ids.npy") if ids.parent.name.lower().startswith(stem.lower())]
    return [bytes(one).decode() for one in np.load(directory / "ids.npy")], np.load(directory / "vectors.npy")


@pytest.mark.parametrize("pool", ["local", "global"])
@pytest.mark.parametrize("seed", range(4))
def test_hit_rates_equal_the_authors_to_four_decimals(tmp_path: Path, seed: int, pool: str) -> None:
    root, work = hostile_mbeir(tmp_path / "data", seed), tmp_path / "work"
    instructing = list(Instructing)[seed]
    sets = measured(Plan(root, pool=pool, instructing=instructing, seed=seed), work)  # type: ignore[arg-type]
    assert {(one.row.dataset, one.row.task) for one in sets} == {("cirr", 7), ("infoseek", 6), ("mini", 0), ("mini", 1), ("mini", 3)}
    compared = 0
    for stem in ("cirr_task7", "infoseek_task6", "mini"):
        dids, offered = stored(work, "mbeir_union" if pool == "global" else f"mbeir_{stem}_cand_pool")
        qids, asked = stored(work, f"mbeir_{stem}_test")
        (qrels,) = [file for file in (root / "qrels" / "test").iterdir() if file.name.lower() == f"mbeir_{stem}_test_qrels.txt"]
        truth = recalls(qids, asked, dids, offered, qrels, (1, 5, 10))
        for (task, k), value in truth.items():
            (row,) = [one.row for one in sets if (one.row.dataset, one.row.task) == (stem.partition("_")[0], int(task))]
            assert round(row.measures[f"hit@{k}"].value, 4) == value
            compared += 1
    assert compared == 15


def test_written_runs_and_judgments_give_other_tools_the_same_numbers(tmp_path: Path) -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval")
    output = Output(tmp_path / "out")
    sets: list[SetResult] = []

    def keep(one: SetResult) -> None:
        output.keep(one)
        sets.append(one)

    evaluate(Plan(hostile_mbeir(tmp_path / "data", 1)), Tying(), FileImages(), tmp_path / "work", keep, lambda name, done, whole: None)
    for one in sets:
        name = f"{one.row.dataset}_task{one.row.task}.trec"
        with (tmp_path / "out" / "qrels" / name).open() as qrels, (tmp_path / "out" / "runs" / name).open() as run:
            judged, ran = pytrec_eval.parse_qrel(qrels), pytrec_eval.parse_run(run)
        names = {"success_5": "hit@5", "recall_10": "recall@10", "ndcg_cut_10": "ndcg@10", "map_cut_5": "map@5", "recip_rank": "mrr@10"}
        found = pytrec_eval.RelevanceEvaluator(judged, set(names)).evaluate(ran)
        for theirs, ours in names.items():
            mean = np.mean([found.get(qid, {}).get(theirs, 0.0) for qid in one.qids])
            assert mean == pytest.approx(one.row.measures[ours].value, abs=1e-9)


@pytest.mark.parametrize("spelled", ["image,text", "text,image", "Image,Text", "image, text", " TEXT , IMAGE "])
def test_every_spelling_of_a_pair_is_one_modality(spelled: str) -> None:
    assert Modality.spelled(spelled) is Modality.IMAGE_TEXT


@pytest.mark.parametrize("spelled", ["sound", "", "image text", "text,sound", None])
def test_what_is_no_modality_is_refused(spelled: object) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        Modality.spelled(spelled)


def test_an_id_that_occurs_twice_is_named_with_its_lines(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    file = root / "cand_pool" / "local" / "mbeir_cirr_task7_cand_pool.jsonl"
    file.write_text(file.read_text() + lines([candidate("8:2", "again")]))
    with pytest.raises(UsageError, match=r"8:2 occurs twice: .*cand_pool\.jsonl, line 3; .*cand_pool\.jsonl, line 7"):
        measured(Plan(root), tmp_path / "work")


def test_an_id_with_a_blank_at_its_end_is_the_same_id(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    file = root / "query" / "test" / "mbeir_cirr_task7_test.jsonl"
    file.write_text(file.read_text() + lines([query("8:1 ", 7, ["8:1"], "again", "red")]))
    with pytest.raises(UsageError, match=r"8:1 occurs twice: .*, line 1; .*, line 5"):
        measured(Plan(root), tmp_path / "work")


def test_a_file_without_queries_is_told_and_not_left_out_in_silence(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    (root / "query" / "test" / "mbeir_cirr_task7_test.jsonl").write_text("\n")
    report = evaluate(Plan(root), Tying(), FileImages(), tmp_path / "work", lambda one: None, lambda name, done, whole: None)
    assert [row.dataset for row in report.rows] == ["oven"]
    assert [one.startswith("cirr: there is no query in") for one in report.left_out] == [True]


def test_a_folder_in_the_place_of_a_pool_is_named(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    pool = root / "cand_pool" / "local" / "mbeir_cirr_task7_cand_pool.jsonl"
    pool.unlink()
    pool.mkdir()
    with pytest.raises(UsageError, match=r"mbeir_cirr_task7_cand_pool\.jsonl can't be read: Is a directory"):
        measured(Plan(root), tmp_path / "work")


@pytest.mark.parametrize("path", ["a\0b.png", "\ud800.png"])
def test_a_picture_whose_path_is_none_is_missed_and_counted(tmp_path: Path, path: str) -> None:
    root = small_mbeir(tmp_path / "data")
    for folder, name, line in (
        ("query/test", "mbeir_cirr_task7_test.jsonl", {**query("8:5", 7, ["8:1"], "x", "red"), "query_img_path": path}),
        ("cand_pool/local", "mbeir_cirr_task7_cand_pool.jsonl", {**candidate("8:70", image="red"), "img_path": path}),
    ):
        file = root / folder / name
        file.write_text(file.read_text() + lines([line]))
    judgments = root / "qrels" / "test" / "mbeir_cirr_task7_test_qrels.txt"
    judgments.write_text(judgments.read_text() + "8:5 0 8:70 1 7\n")
    report = evaluate(Plan(root), ArithmeticEncoder(), FileImages(), tmp_path / "work", lambda one: None, lambda name, done, whole: None)
    (row,) = [one for one in report.rows if one.dataset == "cirr"]
    assert (row.failed_queries, row.failed_candidates) == (1, 1)


def test_an_empty_pool_is_named(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    (root / "cand_pool" / "local" / "mbeir_cirr_task7_cand_pool.jsonl").write_text("\n")
    with pytest.raises(UsageError, match=r"no line in .*mbeir_cirr_task7_cand_pool\.jsonl"):
        measured(Plan(root), tmp_path / "work")


def test_pictures_without_bytes_are_missed_and_counted_on_both_sides(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    lay(root, {"mbeir_images/green.png": b""})
    (found,) = [one for one in measured(Plan(root), tmp_path / "work") if one.row.dataset == "cirr"]
    assert (found.row.failed_queries, found.row.failed_candidates) == (1, 1)
    assert all("8:1" not in ranked for ranked in found.ranked)  # the green candidate


def test_judgments_decide_which_task_a_query_counts_for(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    file = root / "qrels" / "test" / "mbeir_oven_task6_test_qrels.txt"
    file.write_text("5:1 0 6:3 1 8\n5:2 0 5:1 1 6\n5:3 0 6:4 1\n")  # the last one names no task
    tasks = {one.row.task: list(one.qids) for one in measured(Plan(root, datasets=("oven",)), tmp_path / "work")}
    assert tasks == {6: ["5:2", "5:3"], 8: ["5:1"]}


def test_a_task_that_nobody_judged_is_left_out_and_told(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    (root / "qrels" / "test" / "mbeir_oven_task6_test_qrels.txt").write_text("5:1 0 6:3 0 6\n")
    report = evaluate(Plan(root), Tying(), FileImages(), tmp_path / "work", lambda one: None, lambda name, done, whole: None)
    assert [row.dataset for row in report.rows] == ["cirr"]
    assert report.left_out == ["oven, task 6: none of its 3 queries has a judgment."]
    with pytest.raises(UsageError, match=r"No queries are left\. oven, task 6: none"):
        measured(Plan(root, datasets=("oven",)), tmp_path / "work")


def test_a_set_that_was_not_chosen_may_lack_its_files(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "data")
    (root / "qrels" / "test" / "mbeir_oven_task6_test_qrels.txt").unlink()
    assert [one.row.dataset for one in measured(Plan(root, datasets=("cirr",)), tmp_path / "work")] == ["cirr"]
    with pytest.raises(UsageError, match=r"mbeir_oven_task6_test_qrels\.txt is missing"):
        measured(Plan(root), tmp_path / "work")
