"""uniir ingest"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Cli
from tests.folders import Link, lay, picture, rewrite, snapshot, touch

TREE = {"cat.jpg": picture(1), "dog.jpg": picture(2), "dog.txt": "a dog", "notes": {"a.md": "first note", "b.txt": "second note"}}
KEYS = ["collection", "added", "changed", "moved", "unchanged", "deleted", "failed", "documents", "seconds", "documents_per_second"]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return lay(tmp_path / "corpus", TREE)


def numbers(report: Any) -> dict[str, int]:
    """The counts that are not nought."""
    names = ("added", "changed", "moved", "unchanged", "deleted")
    return {name: report[name] for name in names if report[name]}


def test_the_report_is_the_object_that_was_promised(uniir: Cli, corpus: Path) -> None:
    done = uniir("ingest", corpus, "--json")
    assert done.code == 0
    assert list(done.json)[: len(KEYS)] == KEYS
    assert numbers(done.json) == {"added": 4}
    assert done.json["collection"] == "default"
    assert done.json["failed"] == []
    assert done.json["documents"] == {"text": 2, "image": 1, "image,text": 1}
    assert done.json["seconds"] > 0
    assert done.json["documents_per_second"] > 0


def test_a_second_run_finds_everything_unchanged(uniir: Cli, corpus: Path) -> None:
    uniir("ingest", corpus)
    done = uniir("ingest", corpus)
    assert done.code == 0
    assert "0 new, 0 changed, 4 unchanged" in done.out
    assert "It holds 4 documents: 2 text, 1 image, 1 image with text." in done.out


def test_a_later_run_counts_what_happened(uniir: Cli, corpus: Path) -> None:
    uniir("ingest", corpus)
    lay(corpus, {"new.txt": "new"})
    rewrite(corpus / "cat.jpg", picture(5))
    (corpus / "notes/a.md").rename(corpus / "notes/renamed.md")
    (corpus / "notes/b.txt").unlink()
    touch(corpus / "dog.jpg")
    done = uniir("ingest", corpus, "--prune", "--json")
    assert numbers(done.json) == {"added": 1, "changed": 1, "moved": 1, "deleted": 1, "unchanged": 1}
    assert done.json["documents"] == {"text": 2, "image": 1, "image,text": 1}


def test_what_is_gone_is_mentioned_with_the_way_out(uniir: Cli, corpus: Path) -> None:
    uniir("ingest", corpus)
    (corpus / "cat.jpg").unlink()
    done = uniir("ingest", corpus)
    assert done.code == 0
    assert "--prune" in done.err
    assert "deleted" not in done.out


def test_failed_inputs_end_with_three_and_are_named(uniir: Cli, corpus: Path) -> None:
    lay(corpus, {"bad.jpg": b"no picture", "empty.txt": b""})
    done = uniir("ingest", corpus, "--json")
    assert done.code == 3
    assert {(Path(one["path"]).name, one["code"]) for one in done.json["failed"]} == {
        ("bad.jpg", "image-unknown"),
        ("empty.txt", "text-empty"),
    }
    assert all(set(one) == {"path", "code", "reason"} for one in done.json["failed"])
    assert numbers(done.json) == {"added": 4}
    assert "bad.jpg" in done.err


def test_a_standing_quarantine_is_no_failure_but_is_mentioned(uniir: Cli, corpus: Path) -> None:
    lay(corpus, {"bad.jpg": b"no picture"})
    assert uniir("ingest", corpus).code == 3
    done = uniir("ingest", corpus)
    assert done.code == 0
    assert "1 input failed before" in done.err
    assert "uniir failures list" in done.err


@pytest.mark.parametrize("fresh", [True, False], ids=["nothing there yet", "a collection there"])
def test_a_dry_run_changes_nothing(uniir: Cli, corpus: Path, fresh: bool) -> None:
    if not fresh:
        uniir("ingest", corpus / "notes")
    before = uniir.files()
    done = uniir("ingest", corpus, "--dry-run", "--json")
    assert done.code == 0
    assert numbers(done.json) == ({"added": 4} if fresh else {"added": 2, "unchanged": 2})
    assert _without_locks(uniir.files()) == _without_locks(before)
    assert "Nothing was done" in uniir("ingest", corpus, "--dry-run").out


def _without_locks(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if not name.endswith((".lock", "-wal", "-shm", ".migrating", ".uniirignore"))}


def test_pruning_never_follows_a_missing_or_empty_root(uniir: Cli, corpus: Path) -> None:
    uniir("ingest", corpus)
    shutil.rmtree(corpus)
    assert uniir("ingest", corpus, "--prune").code == 2
    corpus.mkdir()
    done = uniir("ingest", corpus, "--prune", "--json")
    assert done.code == 0
    assert done.json["deleted"] == 0
    assert "not mounted" in done.err
    assert sum(done.json["documents"].values()) == 4


def test_no_command_changes_the_corpus(uniir: Cli, corpus: Path) -> None:
    lay(corpus, {"bad.jpg": b"no picture", "turned.jpg": picture(3, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")})
    before = snapshot(corpus)
    for words in (
        ("ingest", corpus),
        ("ingest", corpus, "--prune"),
        ("ingest", corpus, "--dry-run"),
        ("search", "a dog", "--image", corpus / "cat.jpg"),
        ("status",),
        ("doctor",),
        ("doctor", "--repair"),
        ("rebuild",),
        ("failures", "list"),
        ("failures", "retry"),
        ("failures", "ignore"),
        ("delete", "--path", corpus / "notes", "--yes"),
        ("delete", "--all", "--yes"),
    ):
        uniir(*words)
    assert snapshot(corpus) == before


def test_collections_stand_side_by_side(uniir: Cli, corpus: Path) -> None:
    uniir("ingest", corpus / "notes", "--collection", "notes")
    uniir("ingest", corpus, "-c", "all")
    report = uniir("status", "--json").json
    held = {one["name"]: sum(one["documents"]["indexed"].values()) for one in report["collections"]}
    assert held == {"notes": 2, "all": 4}


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 101, "\u00e9", "a/b", "a\nb"])
def test_a_name_that_no_collection_can_have_is_refused(uniir: Cli, corpus: Path, name: str) -> None:
    done = uniir("ingest", corpus, "--collection", name)
    assert done.code == 2
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("ingest",),
        ("ingest", "nowhere"),
        ("ingest", "file.pdf"),
        ("ingest", ".", "--encoder", "no such encoder"),
        ("ingest", ".", "--no-such-option"),
        ("no-such-command",),
    ],
)
def test_wrong_usage_ends_with_two_and_a_sentence(
    uniir: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(lay(tmp_path / "here", {"file.pdf": b"%PDF", "a.txt": "a"}))
    done = uniir(*words)
    assert done.code == 2
    assert done.out == ""
    assert done.err.strip()
    assert "Traceback" not in done.err


def test_a_data_directory_that_can_not_be_made_ends_with_four(uniir: Cli, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = uniir("ingest", corpus, "--data-dir", tmp_path / "file" / "data")
    assert done.code == 4
    assert "--data-dir" in done.err


@pytest.mark.parametrize("name", ["what?", "per%20cent", "hash#", "a b", "d\u00e4ta", "quote'\""])
def test_a_data_directory_may_have_any_name(uniir: Cli, corpus: Path, tmp_path: Path, name: str) -> None:
    place = tmp_path / name / "data"
    assert uniir("ingest", corpus, "--data-dir", place).code == 0
    assert (place / "catalog.sqlite").is_file()
    assert uniir("search", "a dog", "--data-dir", place, "--json").json["hits"][0]["text"] == "a dog"


def test_the_data_directory_is_no_corpus(uniir: Cli, corpus: Path) -> None:
    uniir("ingest", corpus)
    assert uniir("ingest", uniir.data).code == 2
    inside = corpus / "data"
    assert uniir("ingest", corpus, "--data-dir", inside).code == 0
    assert uniir("ingest", corpus, "--data-dir", inside, "--json").json["added"] == 0


def test_another_encoder_than_the_collection_s_is_not_taken_silently(uniir: Cli, corpus: Path) -> None:
    uniir("ingest", corpus)
    done = uniir("ingest", corpus, "--encoder", "starter")
    assert done.code == 2
    assert "arithmetic" in done.err


def test_links_and_odd_names_are_ingested(uniir: Cli, tmp_path: Path) -> None:
    corpus = lay(
        tmp_path / "odd",
        {"new\nline.txt": "one", "\u65e5\u672c.jpg": picture(1), "loop": Link("loop"), "up": Link("."), "e\u0301.md": "two"},
    )
    os.mkfifo(corpus / "pipe.jpg")
    done = uniir("ingest", corpus, "--json")
    assert (done.code, done.json["added"]) == (0, 3)
    assert uniir("doctor").code == 0


@pytest.mark.slow
def test_with_milvus_it_is_the_same(uniir: Cli, corpus: Path) -> None:
    uniir.set("vector_store", "milvus")
    assert uniir("ingest", corpus, "--json").json["added"] == 4
    assert uniir("ingest", corpus, "--json").json["unchanged"] == 4
    assert uniir("search", "a dog", "--json").json["hits"][0]["text"] == "a dog"
    assert uniir("doctor").code == 0
    assert uniir("rebuild").code == 0
    assert uniir("doctor").code == 0


@pytest.mark.parametrize(
    "words", [["ingest", ""], ["delete", "--path", "", "--yes"], ["status", "--data-dir", ""], ["search", "--image", ""]]
)
def test_an_empty_path_is_not_the_working_directory(uniir: Cli, corpus: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    uniir("ingest", corpus)
    before = snapshot(corpus)
    monkeypatch.chdir(corpus)
    done = uniir(*words)
    assert done.code == 2
    assert "is empty" in done.err
    assert snapshot(corpus) == before
    assert len(uniir("search", "note", "--json").json["hits"]) == 4


def test_a_pipe_that_is_named_is_refused(uniir: Cli, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    done = uniir("ingest", tmp_path / "pipe.txt")
    assert done.code == 2
    assert "no kind that can be ingested" in done.err
