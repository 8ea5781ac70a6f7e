"""uniir evaluate"""

from __future__ import annotations

import os
import shlex
import signal
from pathlib import Path

import pytest

from storage.ownership import Ownership, owner_of
from tests.cli.running import Cli, finish, spawn, wait_until
from tests.evaluation.small import candidate, lines, query, small_mbeir


def test_an_evaluation_prints_its_table_and_writes_its_files(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    done = uniir("evaluate", root, "--encoder", "arithmetic", "--work", tmp_path / "work", "--output", tmp_path / "out")
    assert done.code == 0, done.err
    assert "| 7 image,text -> image | cirr | 3 | 6 |" in done.out
    assert "self-retrieval: mbeir_oven_task6_cand_pool 6 of 6" in done.out
    assert (tmp_path / "out" / "report.md").read_text().rstrip() == done.out.rstrip()


def test_two_evaluations_are_compared(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    for instructions in ("on", "off"):
        words = (
            "--encoder",
            "arithmetic",
            "--instructions",
            instructions,
            "--work",
            tmp_path / "work",
            "--output",
            tmp_path / instructions,
        )
        assert uniir("evaluate", root, "--pool", "global", *words).code == 0
    done = uniir("evaluate", "compare", tmp_path / "off", tmp_path / "on", "--json")
    assert done.json["differences"][-1]["task"] is None
    assert done.json["unlike"][0] == "instructing off against random"


def test_a_collection_is_measured_through_the_applications_search(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    assert uniir("ingest", root / "cand_pool" / "global").code == 0
    words = ("evaluate", root, "--pool", "global", "--work", tmp_path / "work", "--json")
    through = uniir(*words, "--collection", "default")
    assert through.code == 0, through.err
    alone = uniir(*words, "--encoder", "arithmetic")
    assert through.json["settings"]["search"] == "collection default"
    assert [row["measures"]["hit@10"]["value"] for row in through.json["rows"]] == [
        row["measures"]["hit@10"]["value"] for row in alone.json["rows"]
    ]


def test_the_root_of_m_beir_is_ingested_as_its_global_pool(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    done = uniir("ingest", root, "--json")
    assert (done.code, done.json["documents"]) == (0, {"text": 6, "image": 6, "image,text": 0})
    assert "its candidates are the corpus" in done.err
    assert uniir("ingest", root).code == 0  # and nothing is new
    done = uniir("evaluate", root, "--pool", "global", "--work", tmp_path / "work", "--collection", "default", "--complement", "--json")
    assert (done.code, done.json["settings"]["complement"]) == (0, True), done.err
    assert all(row["with_complements"] is not None for row in done.json["rows"])


def test_without_a_global_pool_the_local_ones_are_the_corpus(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    (root / "cand_pool" / "global" / "mbeir_union_test_cand_pool.jsonl").unlink()
    assert uniir("ingest", root, "--json").json["documents"] == {"text": 6, "image": 6, "image,text": 0}


def test_an_owner_that_does_not_serve_is_named(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    assert uniir("ingest", root).code == 0
    with Ownership(uniir.data, "uniir rebuild", wait_seconds=1):
        done = uniir("evaluate", root, "--collection", "default", "--work", tmp_path / "work")
    assert (done.code, "uniir rebuild" in done.err) == (4, True)


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--complement",), ("--rerank", "text", "--instructions", "first")], ids=" ".join)
def test_a_collection_is_measured_alike_whoever_owns_its_directory(uniir: Cli, tmp_path: Path, more: tuple[str, ...]) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    questions = root / "query" / "test" / "mbeir_cirr_task7_test.jsonl"
    beyond_words = [query("8:5", 7, ["8:1"], "half of a pair: \ud800", "red"), query("8:6", 7, ["8:1"], "no such picture", "purple")]
    questions.write_text(questions.read_text() + lines(beyond_words))
    judgments = root / "qrels" / "test" / "mbeir_cirr_task7_test_qrels.txt"
    judgments.write_text(judgments.read_text() + "8:5 0 8:1 1 7\n8:6 0 8:1 1 7\n")
    assert uniir("ingest", root).code == 0
    words = ("evaluate", root, "--pool", "global", "--collection", "default", "--work", tmp_path / "work", *more, "--json", "--output")
    alone = uniir(*words, tmp_path / "alone")
    service = spawn(("serve", "--port", 0))
    uniir.set("wait_seconds", 60)
    try:
        wait_until(lambda: (found := owner_of(uniir.data)) is not None and found.address is not None, service)
        beside = uniir(*words, tmp_path / "beside")
    finally:
        service.terminate()
        finish(service)
    assert (alone.code, beside.code) == (0, 0), alone.err + beside.err
    assert {**beside.json, "made": ""} == {**alone.json, "made": ""}
    assert [row["failed_queries"] for row in beside.json["rows"]] == [0, 2]
    for name in ("queries.jsonl", "runs/cirr_task7.trec", "runs/oven_task6.trec"):
        assert (tmp_path / "beside" / name).read_text() == (tmp_path / "alone" / name).read_text()


@pytest.mark.slow
def test_how_many_hits_were_read_again_is_told_of_a_collection_too(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    questions = root / "query" / "test" / "mbeir_oven_task6_test.jsonl"
    questions.write_text(lines([query("5:1", 6, ["6:3"], "what meadow is green?"), query("5:2", 6, ["5:1"], "which tower is it?")]))
    uniir.set("rerank_top", 12)
    assert uniir("ingest", root, "--encoder", "starter").code == 0
    words = ("--pool", "global", "--collection", "default", "--rerank", "text", "--tasks", 6, "--instructions", "off")
    done = uniir("evaluate", root, *words, "--work", tmp_path / "work", "--output", tmp_path / "out")
    assert done.code == 0, done.err
    assert "The best hits of each query were read again, at most 6." in (tmp_path / "out" / "report.md").read_text()


def test_a_reranker_that_is_named_and_not_here_is_told(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    assert uniir("ingest", root).code == 0
    words = ("evaluate", root, "--collection", "default", "--work", tmp_path / "work")
    done = uniir(*words, "--rerank", "qwen3-vl-reranker-2b")
    assert (done.code, "qwen3-vl-reranker-2b" in done.err, done.out) == (4, True, "")


def test_a_reranker_that_nobody_knows_is_refused_before_anything_is_embedded(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    done = uniir("evaluate", root, "--encoder", "arithmetic", "--rerank", "nobody", "--work", tmp_path / "work")
    assert (done.code, "no reranker 'nobody'" in done.err, (tmp_path / "work").exists()) == (2, True, False)


def test_reading_again_shows_before_and_after_for_a_collection_too(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    assert uniir("ingest", root).code == 0
    done = uniir("evaluate", root, "--pool", "global", "--collection", "default", "--rerank", "auto", "--work", tmp_path / "work", "--json")
    assert done.code == 0, done.err
    for row in done.json["rows"]:
        assert row["rerank"]["before"] == row["measures"]  # nothing is read again by itself for this encoder
        assert row["rerank"]["read"] == 0


def test_an_ablation_prints_its_table_and_how_to_repeat_it(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    words = (
        "evaluate",
        "ablation",
        root,
        "--encoder",
        "arithmetic",
        "--draws",
        1,
        "--work",
        tmp_path / "work",
        "--output",
        tmp_path / "out",
    )
    done = uniir(*words)
    assert done.code == 0, done.err
    assert "| cirr: image,text -> image | hit@5 |" in done.out
    assert f"uniir evaluate ablation {root} --pool global --seed 2023 --encoder arithmetic --draws 1 --dtype float32" in done.out
    assert {file.name for file in (tmp_path / "out").iterdir()} >= {"ablation.md", "ablation.html", "ablation.json", "on", "off", "first"}


def test_the_command_that_repeats_an_evaluation_gives_the_same_again(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    words = ("--encoder", "arithmetic", "--tasks", 7, "--held-out", "uniir", "--instructions", "first", "--complement")
    first = uniir("evaluate", root, *words, "--work", tmp_path / "work", "--json").json
    again = uniir(*shlex.split(first["command"])[1:], "--work", tmp_path / "work", "--json").json
    assert {**again, "made": ""} == {**first, "made": ""}


def test_a_collection_of_other_things_gets_no_score(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    assert uniir("ingest", root / "mbeir_images").code == 0
    done = uniir("evaluate", root, "--work", tmp_path / "work", "--collection", "default")
    assert (done.code, "find themselves" in done.err) == (1, True)


def test_a_place_without_queries_is_told(uniir: Cli, tmp_path: Path) -> None:
    done = uniir("evaluate", tmp_path, "--encoder", "arithmetic")
    assert (done.code, "There are no queries under" in done.err) == (2, True)


@pytest.mark.parametrize("words", [("--datasets", "cirr,ovne"), ("--held-out", "ovne")])
def test_a_set_that_nobody_has_is_a_mistake_and_not_passed_over(uniir: Cli, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = uniir("evaluate", small_mbeir(tmp_path / "mbeir"), "--encoder", "arithmetic", "--work", tmp_path / "work", *words)
    assert (done.code, "'ovne'" in done.err, "Near it: oven." in done.err) == (2, True, True)


@pytest.mark.parametrize("where", ["--work", "--output"])
def test_a_place_that_can_not_be_written_is_told(uniir: Cli, tmp_path: Path, where: str) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    other = "--output" if where == "--work" else "--work"
    words = {where: "/proc/nowhere/here", other: tmp_path / "here"}
    done = uniir("evaluate", root, "--encoder", "arithmetic", *(word for pair in words.items() for word in pair))
    assert (done.code, "can't be written: No such file" in done.err, f"`{where}`" in done.err) == (4, True, True)


@pytest.mark.slow
def test_reports_are_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "dätå")
    words = ("evaluate", root, "--encoder", "arithmetic", "--work", tmp_path / "work", "--output", tmp_path / "out")
    done = finish(spawn(words, LC_ALL="C", PYTHONUTF8=0, PYTHONCOERCECLOCALE=0))
    assert done.code == 0, done.err
    assert "dätå" in (tmp_path / "out" / "report.html").read_text("utf-8")


@pytest.mark.slow
def test_data_may_lie_in_a_folder_whose_name_is_no_utf_8(tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / os.fsdecode(b"d\xff"))
    words = ("evaluate", root, "--encoder", "arithmetic", "--work", tmp_path / "work", "--output", tmp_path / "out")
    done = finish(spawn(words))
    assert done.code == 0, done.err
    assert b"d\xff" in (tmp_path / "out" / "report.md").read_bytes()


def test_comparing_what_did_not_end_is_told(uniir: Cli, tmp_path: Path) -> None:
    done = uniir("evaluate", "compare", tmp_path, tmp_path)
    assert (done.code, "no finished evaluation" in done.err) == (2, True)


@pytest.mark.slow
def test_a_killed_evaluation_goes_on_where_it_was(uniir: Cli, tmp_path: Path) -> None:
    root = small_mbeir(tmp_path / "mbeir")
    pool = root / "cand_pool" / "local" / "mbeir_oven_task6_cand_pool.jsonl"
    pages = (candidate(f"6:{number}", " ".join(f"w{number * factor}" for factor in range(1, 40))) for number in range(100, 6000))
    pool.write_text(pool.read_text() + lines(pages))
    words = ("evaluate", root, "--encoder", "arithmetic", "--tasks", "6", "--work", tmp_path / "work", "--json")
    running = spawn(words)
    wait_until(lambda: bool(list((tmp_path / "work").rglob("progress.json"))), running)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    again = finish(spawn(words))
    assert again.code == 0, again.err
    assert "mbeir_oven_task6_cand_pool: 128 of" not in again.err  # the first batches were kept
    fresh = finish(spawn((*words[:-2], tmp_path / "other", "--json")))
    assert again.json["rows"] == fresh.json["rows"]
