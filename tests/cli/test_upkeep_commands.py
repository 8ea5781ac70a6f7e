"""uniir status, doctor, rebuild, delete, failures"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from tests.cli.running import Cli
from tests.folders import lay, picture, rewrite

TREE = {
    "cat.jpg": picture(1),
    "dog.jpg": picture(2),
    "dog.txt": "a dog",
    "Photos/x.txt": "upper",
    "photos/y.txt": "lower",
    "bad.jpg": b"no",
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return lay(tmp_path / "corpus", TREE)


@pytest.fixture
def ready(uniir: Cli, corpus: Path) -> Cli:
    assert uniir("ingest", corpus).code == 3
    return uniir


def texts(uniir: Cli) -> set[str]:
    """The last part of every document's path."""
    return {Path(hit["path"]).name for hit in uniir("search", "dog", "-k", 100, "--json").json["hits"]}


def test_status_is_the_object_that_was_promised(ready: Cli) -> None:
    done = ready("status", "--json")
    assert done.code == 0
    assert done.json == {
        "collections": [
            {
                "name": "default",
                "encoder": "arithmetic",
                "documents": {
                    "indexed": {"text": 2, "image": 1, "image,text": 1},
                    "pending": {"text": 0, "image": 0, "image,text": 0},
                },
                "failed": 1,
                "spaces": [],
            }
        ]
    }
    table = ready("status").out
    assert "default" in table
    assert "arithmetic" in table


def test_status_of_nothing_says_how_to_begin(uniir: Cli) -> None:
    assert "uniir ingest" in uniir("status").out
    assert uniir("status", "--json").json == {"collections": []}
    assert not uniir.data.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("search", "a dog"),
        ("facets",),
        ("doctor",),
        ("rebuild",),
        ("delete", "--all", "--yes"),
        ("failures", "list"),
        ("failures", "retry"),
        ("spaces", "list"),
        ("spaces", "remove"),
        ("judge", "list"),
        ("judge", "score"),
        ("backup", "BACKUP"),
    ],
    ids=" ".join,
)
def test_a_mistyped_directory_is_told_and_not_made(uniir: Cli, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = uniir(*(tmp_path / "backup" if word == "BACKUP" else word for word in words))
    assert (done.code, f"Nothing is kept in {uniir.data}: there is no such directory." in done.err) == (2, True), done.err
    assert not uniir.data.exists()
    assert not (tmp_path / "backup").exists()


def test_a_sound_installation_gets_a_clean_bill(ready: Cli) -> None:
    done = ready("doctor")
    assert (done.code, done.err) == (0, "")
    assert "All is well" in done.out
    answer = ready("doctor", "--json").json
    assert answer["findings"] == []
    assert [(one["collection"], one["kind"], one["recall"]) for one in answer["indexes"]] == [("default", "exact", 1.0)]


def test_the_doctor_finds_lost_vectors_and_mends_them(ready: Cli) -> None:
    shutil.rmtree(ready.data / "vectors")
    done = ready("doctor", "--json")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert (finding["check"], finding["count"], finding["mended"]) == ("vectors-missing", 4, False)
    assert ready("doctor", "--repair").code == 0
    assert ready("doctor").code == 0
    assert "dog.jpg" in texts(ready)


def test_the_doctor_finds_lost_and_stray_thumbnails_and_mends_them(ready: Cli) -> None:
    one, *_ = sorted((ready.data / "thumbnails").rglob("*.jpg"))
    stray = ready.data / "thumbnails" / "ff" / f"{'f' * 64}-256.jpg"
    stray.parent.mkdir(exist_ok=True)
    shutil.copy(one, stray)
    one.unlink()
    done = ready("doctor", "--json")
    assert done.code == 1
    assert {finding["check"] for finding in done.json["findings"]} == {"thumbnails-missing", "thumbnails-stray"}
    assert ready("doctor", "--repair").code == 0
    assert ready("doctor").code == 0
    assert one.exists()
    assert not stray.exists()


def test_the_doctor_finds_files_that_are_new_changed_or_gone(ready: Cli, corpus: Path) -> None:
    lay(corpus, {"new.txt": "new"})
    rewrite(corpus / "photos/y.txt", "changed")
    (corpus / "cat.jpg").unlink()
    done = ready("doctor", "--repair", "--json")
    assert done.code == 1
    found = {finding["check"]: finding["examples"] for finding in done.json["findings"]}
    assert found == {
        "files-new": [str(corpus / "new.txt")],
        "files-changed": [str(corpus / "photos/y.txt")],
        "files-gone": [str(corpus / "cat.jpg")],
    }
    assert ready("ingest", corpus, "--prune").code == 0
    assert ready("doctor").code == 0


def test_a_missing_root_is_a_finding(ready: Cli, corpus: Path) -> None:
    shutil.rmtree(corpus)
    done = ready("doctor")
    assert done.code == 1
    assert str(corpus) in done.out


def test_rebuild_fills_a_lost_store_without_encoding(ready: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ready("search", "dog", "--json").json["hits"]
    shutil.rmtree(ready.data / "vectors")
    done = ready("rebuild")
    assert done.code == 0
    assert "4 vectors" in done.out
    assert ready("search", "dog", "--json").json["hits"] == before
    assert ready("doctor").code == 0


def test_rebuild_without_kept_vectors_says_what_to_do(uniir: Cli, corpus: Path) -> None:
    uniir.set("keep_vectors", "false")
    uniir("ingest", corpus)
    shutil.rmtree(uniir.data / "vectors")
    done = uniir("rebuild")
    assert "uniir ingest" in done.err
    assert uniir("ingest", corpus, "--json").json["added"] == 4
    assert uniir("doctor").code == 0


def test_delete_takes_documents_by_id(ready: Cli) -> None:
    number = next(hit["id"] for hit in ready("search", "dog", "--json").json["hits"] if hit["path"].endswith("cat.jpg"))
    assert ready("delete", number, "--yes").code == 0
    assert "cat.jpg" not in texts(ready)
    assert ready("delete", number, "--yes").code == 2


def test_delete_takes_documents_by_path_and_no_others(ready: Cli, corpus: Path) -> None:
    assert ready("delete", "--path", corpus / "Photos", "--yes").code == 0
    assert texts(ready) == {"cat.jpg", "dog.jpg", "y.txt"}
    assert ready("delete", "--path", corpus / "dog.jpg", "--yes").code == 0
    assert texts(ready) == {"cat.jpg", "y.txt"}
    assert ready("delete", "--path", corpus, "--yes").code == 0
    assert texts(ready) == set()
    assert not list((ready.data / "thumbnails").rglob("*.jpg"))


def test_delete_asks_first(ready: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for answer in ("", "n\n"):
        for words in (("--all",), ("--path", "/")):
            monkeypatch.setattr("sys.stdin", io.StringIO(answer))
            assert ready("delete", *words).code == 1
    assert len(texts(ready)) == 4
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert ready("delete", "--all").code == 0
    assert ready("status", "--json").json == {"collections": []}


@pytest.mark.parametrize("words", [(), ("0000000000000",), ("--path", "/nowhere"), ("nonsense",)])
def test_delete_refuses_what_is_not_there(ready: Cli, words: tuple[str, ...]) -> None:
    done = ready("delete", *words, "--yes")
    assert done.code == 2
    assert len(texts(ready)) == 4


def test_a_whole_collection_can_go_and_come_again(ready: Cli, corpus: Path) -> None:
    ready("ingest", corpus / "photos", "--collection", "other")
    assert ready("delete", "--all", "--yes").code == 0
    assert [one["name"] for one in ready("status", "--json").json["collections"]] == ["other"]
    assert not list((ready.data / "thumbnails").rglob("*.jpg"))
    assert ready("doctor").code == 0
    assert ready("ingest", corpus, "--json").json["added"] == 4
    assert ready("doctor").code == 0


def test_failures_are_listed_with_code_and_reason(ready: Cli, corpus: Path) -> None:
    (failure,) = ready("failures", "list", "--json").json["failures"]
    assert failure["path"] == str(corpus / "bad.jpg")
    assert (failure["code"], failure["ignored"], failure["attempts"]) == ("image-unknown", False, 1)
    line = ready("failures", "list").out
    assert "bad.jpg" in line
    assert "[image-unknown]" in line


def test_a_failure_is_tried_again_on_request(ready: Cli, corpus: Path) -> None:
    done = ready("failures", "retry", "--json")
    assert done.code == 3
    assert [one["code"] for one in done.json["failed"]] == ["image-unknown"]
    rewrite(corpus / "bad.jpg", picture(7))
    assert ready("failures", "retry", "--json").json["added"] == 1
    assert ready("failures", "list", "--json").json == {"failures": []}
    assert "nothing" in ready("failures", "retry").out


def test_a_line_of_a_manifest_is_tried_again_on_request(uniir: Cli, tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", {"list.jsonl": '{"did": "1", "txt": "a"}\n{"did": "2", "txt": ""}\n'})
    assert uniir("ingest", corpus).code == 3
    done = uniir("failures", "retry", "--json")
    assert (done.code, done.json["added"], len(done.json["failed"])) == (3, 0, 1)
    assert uniir("failures", "retry", corpus / "list.jsonl").code == 3


def test_an_ignored_failure_is_out_of_every_report(ready: Cli, corpus: Path) -> None:
    assert ready("failures", "ignore", corpus / "bad.jpg").code == 0
    assert ready("failures", "list", "--json").json == {"failures": []}
    assert len(ready("failures", "list", "--all", "--json").json["failures"]) == 1
    assert ready("status", "--json").json["collections"][0]["failed"] == 0
    done = ready("ingest", corpus)
    assert done.code == 0
    assert "failed" not in done.err
    rewrite(corpus / "bad.jpg", b"still no picture")
    assert ready("ingest", corpus).code == 3


@pytest.mark.parametrize(
    "words",
    [
        ("search", "x"),
        ("rebuild",),
        ("doctor",),
        ("delete", "--all", "--yes"),
        ("failures", "list"),
        ("failures", "retry"),
        ("failures", "ignore"),
    ],
)
def test_an_unknown_collection_is_wrong_usage_everywhere(ready: Cli, words: tuple[str, ...]) -> None:
    done = ready(*words, "--collection", "nowhere")
    assert done.code == 2
    assert "nowhere" in done.err
    assert "default" in done.err
