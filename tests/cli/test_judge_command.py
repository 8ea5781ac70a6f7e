"""uniir judge"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.running import Cli
from tests.folders import lay, picture

TREE = {
    "red.png": picture("red", kind="PNG"),
    "blue.png": picture("blue", kind="PNG"),
    "cat.md": "a cat sleeps",
    "dog.md": "a dog barks",
    "list.jsonl": json.dumps({"did": "9:17", "txt": "a <fish> swims", "img_path": None, "modality": "text"}) + "\n",
}


@pytest.fixture
def ready(uniir: Cli, tmp_path: Path) -> Cli:
    """The command line with a collection to judge."""
    uniir("ingest", lay(tmp_path / "corpus", TREE))
    return uniir


def found(cli: Cli, name: str) -> str:
    """The id of a document by a part of its path or text."""
    hits = cli("search", "anything", "-k", 100, "--json").json["hits"]
    return str(next(hit["id"] for hit in hits if name in hit["path"] or name in (hit["text"] or "")))


def judged(cli: Cli, tmp_path: Path) -> Cli:
    (tmp_path / "question.png").write_bytes(picture("navy", (30, 30), kind="PNG"))
    cli("judge", "add", "a cat", "--document", found(cli, "cat.md"), "--grade", 3)
    cli("judge", "add", "a cat", "--document", found(cli, "dog.md"), "--grade", 0)
    cli("judge", "add", "<fish>", "--document", found(cli, "<fish>"), "--target", "text", "--not", "a dog")
    cli("judge", "add", "--image", tmp_path / "question.png", "--document", found(cli, "blue.png"), "--grade", 2)
    return cli


def test_what_is_given_is_listed_and_shown_with_the_same_search(ready: Cli, tmp_path: Path) -> None:
    judged(ready, tmp_path)
    listed = ready("judge", "list", "--json").json["judgments"]
    assert [(one["query"]["text"], one["grade"]) for one in listed] == [("a cat", 3), ("a cat", 0), ("<fish>", 1), (None, 2)]
    assert "not 'a dog'" in ready("judge", "list").out
    assert ready("judge", "add", "a cat", "--where", "path:*.md", "--document", listed[0]["document"]).code == 0
    assert len(ready("judge", "list", "--json").json["judgments"]) == 5  # another query than the one without
    hits = ready("search", "a cat", "--json").json["hits"]
    assert {hit["judgment"]["grade"] for hit in hits if hit["judgment"]} == {0, 3}
    ready("judge", "remove", listed[0]["id"], listed[1]["id"])
    assert len(ready("judge", "list", "--json").json["judgments"]) == 3


def test_scores_stand_beside_the_last_ones_and_on_a_page(ready: Cli, tmp_path: Path) -> None:
    judged(ready, tmp_path)
    first = ready("judge", "score", "--json").json
    assert first["queries"] == 3
    assert first["measures"]["hit@5"]["value"] == 1
    shown = ready("judge", "score", "--html", tmp_path / "page.html")
    assert re.search(r"ndcg@10 +\d+\.\d", shown.out)
    page = (tmp_path / "page.html").read_text()
    assert page.count("<polyline") == 4
    assert page.count("<tbody><tr>") == 2
    assert "&lt;fish&gt;; not a dog" in page
    assert "<fish>" not in page
    assert "100.0 % have a right answer" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_an_export_is_read_back_into_another_collection(ready: Cli, tmp_path: Path) -> None:
    judged(ready, tmp_path)
    assert ready("judge", "export", tmp_path / "out").code == 0
    before = ready("judge", "list", "--json").json["judgments"]
    ready("ingest", tmp_path / "corpus", "--collection", "second")
    done = ready("judge", "import", tmp_path / "out", "--collection", "second", "--json")
    assert done.json == {"kept": 4, "without_document": []}
    after = ready("judge", "list", "--collection", "second", "--json").json["judgments"]
    assert [(one["query"], one["grade"]) for one in after] == [(one["query"], one["grade"]) for one in before]
    assert {one["document"] for one in after}.isdisjoint({one["document"] for one in before})
    assert ready("judge", "export", tmp_path / "out").code == 0


@pytest.mark.parametrize(
    "text", ["two\u2028lines", "next\x85line", 'a "quoted"\ttab', "back\\slash", "'; drop table judgments; --", "\u202eevil 😀"]
)
def test_whatever_words_a_query_holds_they_come_back(ready: Cli, tmp_path: Path, text: str) -> None:
    assert ready("judge", "add", "--document", found(ready, "cat.md"), "--", text).code == 0
    before = ready("judge", "list", "--json").json["judgments"]
    ready("judge", "export", tmp_path / "out")
    ready("judge", "remove", before[0]["id"])
    done = ready("judge", "import", tmp_path / "out")
    assert done.code == 0, done.err
    (after,) = ready("judge", "list", "--json").json["judgments"]
    assert (after["query"]["text"], after["query"]) == (text, before[0]["query"])


def test_a_collection_is_measured_by_its_own_export(ready: Cli, tmp_path: Path) -> None:
    judged(ready, tmp_path)
    ready("judge", "export", tmp_path / "out")
    words = ("evaluate", tmp_path / "out", "--instructions", "first", "--work", tmp_path / "work", "--json")
    through, alone = ready(*words, "--collection", "default"), ready(*words, "--encoder", "arithmetic")
    assert (through.code, alone.code) == (0, 0), through.err
    values = [[(row["task"], row["measures"]["hit@5"]["value"]) for row in one.json["rows"]] for one in (through, alone)]
    assert values[0] == values[1]
    assert all(gate["found"] == gate["sample"] for gate in through.json["gates"].values())


def test_an_export_is_data_that_evaluations_read(ready: Cli, tmp_path: Path) -> None:
    judged(ready, tmp_path)
    ready("judge", "export", tmp_path / "out")
    qrels = (tmp_path / "out/qrels/test/mbeir_default_test_qrels.txt").read_text().splitlines()
    assert sorted(int(line.split()[3]) for line in qrels) == [0, 1, 2, 3]
    assert any(line.split()[2] == "9:17" for line in qrels)
    done = ready("evaluate", tmp_path / "out", "--encoder", "arithmetic", "--instructions", "first", "--work", tmp_path / "work", "--json")
    assert done.code == 0, done.err
    rows = {row["task"]: row for row in done.json["rows"]}
    assert sum(row["queries"] for row in rows.values()) == 3
    assert rows[1]["measures"]["hit@1"]["value"] == 1


def test_m_beirs_layout_is_taken_over_by_external_ids(ready: Cli, tmp_path: Path) -> None:
    line = {
        "qid": "9:1",
        "query_txt": "what swims",
        "query_img_path": None,
        "query_modality": "text",
        "task_id": 1,
        "pos_cand_list": ["9:17"],
    }
    lay(
        tmp_path / "data",
        {
            "query/test/mbeir_fish_task1_test.jsonl": json.dumps(line) + "\n",
            "cand_pool/local/mbeir_fish_task1_cand_pool.jsonl": "",
            "qrels/test/mbeir_fish_task1_test_qrels.txt": "9:1 0 9:17 2 1\n9:1 0 9:99 1 1\n",
        },
    )
    done = ready("judge", "import", tmp_path / "data")
    assert done.code == 3
    assert "1 judgment kept" in done.out
    assert "9:99" in done.err
    assert [one["grade"] for one in ready("judge", "list", "--json").json["judgments"]] == [2]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "line 2"),
        ("[]", "line 2"),
        ('{"query": {"text": "x"}, "document": {"external_id": "9:17"}, "grade": 11}', "grade"),
        ('{"query": {"text": "x"}, "document": {"external_id": "9:17"}, "grade": "1"}', "grade"),
        ('{"query": {}, "document": {"external_id": "9:17"}, "grade": 1}', "empty"),
        ('{"query": {"text": "x"}, "document": {}, "grade": 1}', "no name"),
        ('{"query": {"text": "x"}, "document": {"external_id": "9:17"}}', "grade"),
        ('{"query": {}, "picture": "../nowhere.png", "document": {"external_id": "9:17"}, "grade": 1}', "nowhere.png"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_kept(ready: Cli, tmp_path: Path, line: str, said: str) -> None:
    good = '{"query": {"text": "x"}, "document": {"external_id": "9:17"}, "grade": 1}'
    (tmp_path / "mine.jsonl").write_text(f"{good}\n{line}\n")
    done = ready("judge", "import", tmp_path / "mine.jsonl")
    assert done.code == 2
    assert "line 2" in done.err
    assert said in done.err
    assert "Nothing is judged" in ready("judge", "list").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "x", "--document", "0000000000001"), "no document"),
        (("add", "x", "--document", "short"), "short"),
        (("add", "--document", "0000000000001"), "empty"),
        (("add", "x"), "document"),
        (("add", "x", "--document", "0000000000001", "--grade", "-1"), "grade"),
        (("remove", "77"), "77"),
        (("import", "nowhere.jsonl"), "nowhere.jsonl"),
        (("score",), "uniir judge add"),
        (("list", "--collection", "nowhere"), "nowhere"),
    ],
)
def test_what_can_not_be_done_ends_with_two_and_says_why(ready: Cli, words: tuple[str, ...], said: str) -> None:
    done = ready("judge", *words)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_an_export_spoils_no_other_directory(ready: Cli, tmp_path: Path) -> None:
    done = ready("judge", "export", tmp_path / "corpus")
    assert done.code == 2
    assert "something else" in done.err
