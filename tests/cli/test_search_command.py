"""uniir search"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.running import Cli
from tests.folders import lay, picture

TREE = {
    "red.png": picture("red", kind="PNG"),
    "boat.png": picture("blue", kind="PNG"),
    "boat.json": json.dumps({"caption": "a blue boat", "year": 1999, "tags": ["sea", "\u00e4"]}),
    "cat.md": "a cat sleeps",
    "dog.md": "a dog barks",
}


@pytest.fixture
def ready(uniir: Cli, tmp_path: Path) -> Cli:
    """The command line with a collection to search."""
    uniir("ingest", lay(tmp_path / "corpus", TREE))
    return uniir


def test_the_answer_is_the_object_that_was_promised(ready: Cli, tmp_path: Path) -> None:
    done = ready("search", "a blue boat", "--image", tmp_path / "corpus/boat.png", "-k", 3, "--not", "a cat", "--json")
    assert done.code == 0
    answer = done.json
    assert set(answer) == {"query", "instruction", "hits", "timings_ms", "notes", "collection", "rerank", "guess"}
    assert set(answer["instruction"]) == {"id", "text", "chosen"}
    assert answer["query"]["text"] == "a blue boat"
    assert answer["query"]["not"] == ["a cat"]
    assert answer["query"]["k"] == 3
    first = answer["hits"][0]
    assert set(first) >= {"rank", "id", "modality", "score", "text", "path", "metadata", "parts"}
    assert (first["rank"], first["modality"], first["text"]) == (1, "image,text", "a blue boat")
    assert first["metadata"] == {"year": 1999, "tags": ["sea", "\u00e4"]}
    assert first["path"] == str(tmp_path / "corpus/boat.png")
    assert len(first["id"]) == 13
    assert sum(first["parts"].values()) == pytest.approx(first["score"], abs=1e-3)
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3]


def test_the_table_shows_what_was_found_and_the_instruction(ready: Cli) -> None:
    done = ready("search", "a dog barks")
    assert done.code == 0
    assert "dog.md" in done.out.splitlines()[0]
    assert "a dog barks" in done.out
    assert "find-anything" in done.err


def test_hits_tell_the_words_that_brought_them(ready: Cli) -> None:
    hits = ready("search", "sleeps", "--words", "--json").json["hits"]
    told = {Path(hit["path"]).name: hit["by_words"] for hit in hits}
    assert told.pop("cat.md")["words"] == ["sleeps"]
    assert set(told.values()) == {None}
    assert not any(hit["by_words"] for hit in ready("search", "sleeps", "--no-words", "--json").json["hits"])
    assert "words: sleeps" in ready("search", "sleeps", "--words").out


def test_a_target_bars_everything_else(ready: Cli) -> None:
    for target in ("text", "image", "image,text"):
        hits = ready("search", "a cat", "--target", target, "--json").json["hits"]
        assert {hit["modality"] for hit in hits} == {target}


def test_missing_halves_are_added_where_they_are_asked_for(ready: Cli) -> None:
    plain, beside = ready("search", "a dog barks", "--json").json, ready("search", "a dog barks", "--complement", "--json").json
    assert all(hit["complement"] is None for hit in plain["hits"])
    first = beside["hits"][0]
    assert first["complement"]["document"]["modality"] == "image"
    picture = next(hit for hit in beside["hits"] if hit["modality"] == "image")
    assert picture["complement"]["document"]["text"] in {"a cat sleeps", "a dog barks"}
    assert all(hit["complement"] is None for hit in beside["hits"] if hit["modality"] == "image,text")
    shown = ready("search", "a dog barks", "--complement").out.splitlines()
    assert any(line.lstrip().startswith("+") and "red.png" in line for line in shown)


def test_a_guess_that_can_not_be_had_is_said_and_the_query_itself_is_searched(ready: Cli) -> None:
    ready.set("guess_url", "http://127.0.0.1:9/v1")
    ready.set("guess_model", "tiny")
    done = ready("search", "a dog barks", "--guess")
    assert "dog.md" in done.out.splitlines()[0]
    assert "There is no guess: No model answers at 127.0.0.1" in done.err


def test_an_instruction_can_be_named_and_is_shown(ready: Cli) -> None:
    answer = ready("search", "a cat", "--instruction", "find-pictures", "--json").json
    assert answer["instruction"]["id"] == "find-pictures"
    assert answer["hits"][0]["modality"] == "image"


def test_likeness_takes_an_id_of_a_hit_in_any_case(ready: Cli) -> None:
    first = ready("search", "a dog barks", "--json").json["hits"][0]
    answer = ready("search", "--like", first["id"].lower(), "--json").json
    assert answer["query"]["like"] == [first["id"]]
    assert first["id"] not in {hit["id"] for hit in answer["hits"]}


def test_a_filter_bars_what_does_not_fit(ready: Cli) -> None:
    answer = ready("search", "a boat", "--where", "year>=1990 (tags=sea or nothing)", "--json").json
    assert [hit["path"].rsplit("/", 1)[-1] for hit in answer["hits"]] == ["boat.png"]
    assert answer["query"]["where"] == "year>=1990 (tags=sea or nothing)"


def test_a_filter_that_can_not_be_read_is_a_wrong_option(ready: Cli) -> None:
    done = ready("search", "a boat", "--where", "year>=")
    assert done.code == 2
    assert "year>=: a value is missing" in done.err


def test_weights_decide_between_words_and_picture(ready: Cli, tmp_path: Path) -> None:
    words = ("search", "a cat sleeps", "--image", tmp_path / "corpus/red.png", "--json")
    assert ready(*words, "--weight-text", 5).json["hits"][0]["text"] == "a cat sleeps"
    assert ready(*words, "--weight-image", 5).json["hits"][0]["path"].endswith("red.png")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "empty"),
        ((" ",), "blank"),
        (("x", "-k", "0"), "results"),
        (("x", "-k", "100000"), "results"),
        (("x", "-k", "many"), "-k"),
        (("x", "--target", "video"), "video"),
        (("x", "--instruction", "find-picture"), "find-pictures"),
        (("x", "--image", "nowhere.jpg"), "nowhere.jpg"),
        (("--like", "short"), "short"),
        (("--like", "0000000000001"), "0000000000001"),
        (("--like", "ZZZZZZZZZZZZZ"), "ZZZZZZZZZZZZZ"),
        (("--like", "000000000000U"), "U"),
        (("x", "--weight-text", "-1"), "weight"),
        (("x", "--weight-text", "nan"), "weight"),
        (("x", "--collection", "nowhere"), "nowhere"),
        (("x\udcff",), "surrogate"),
    ],
)
def test_a_query_that_can_not_be_answered_ends_with_two_and_says_why(ready: Cli, words: tuple[str, ...], said: str) -> None:
    done = ready("search", *words)
    assert done.code == 2
    assert done.out == ""
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_picture_whose_name_is_not_utf8_can_be_asked_with(ready: Cli, tmp_path: Path) -> None:
    question = tmp_path / os.fsdecode(b"q\xff.png")
    question.write_bytes(picture("red", kind="PNG"))
    for words in (("--json",), ()):
        done = ready("search", "--image", question, *words)
        assert done.code == 0, done.err


def test_without_a_collection_the_way_out_is_said(uniir: Cli) -> None:
    done = uniir("search", "a cat")
    assert done.code == 2
    assert "uniir ingest" in done.err


def test_own_instructions_can_be_used(ready: Cli, tmp_path: Path) -> None:
    (tmp_path / "own.tsv").write_text("id\tquery\ttarget\twording\nmine\ttext\ttext\tFind my notes.\n")
    ready.set("instructions_file", tmp_path / "own.tsv")
    used = ready("search", "a cat", "--instruction", "mine", "--json").json["instruction"]
    assert used == {"id": "mine", "text": "Find my notes.", "chosen": False}
    (tmp_path / "own.tsv").write_text("nonsense\n")
    done = ready("search", "a cat")
    assert done.code == 2
    assert "own.tsv" in done.err


def test_who_finds_nothing_hears_of_what_was_not_finished_until_it_is(ready: Cli, tmp_path: Path) -> None:
    narrowed = ("search", "a boat", "--path", "nowhere/")
    assert "ingest" not in ready(*narrowed).err
    with closing(sqlite3.connect(ready.data / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE embeddings SET state = 'pending'")  # as a run leaves them that was killed before its vectors were written
    done = ready(*narrowed)
    assert done.out == "Nothing found.\n"
    assert "4 documents can't be found yet. An ingest into default was not finished: `uniir ingest` the same paths again." in done.err
    assert ready("ingest", tmp_path / "corpus").code == 0
    assert "ingest" not in ready(*narrowed).err
