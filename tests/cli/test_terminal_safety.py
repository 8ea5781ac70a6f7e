"""Names, texts and metadata come from anywhere: nothing of them may steer a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.running import Cli, Done
from tests.folders import lay, picture

# red, clear the screen, set the title, an 8-bit control sequence, right-to-left override, delete, a bell
STEERING = ["\x1b[31m \x1b[2J \x1b]0;t\x07", "\x9b31m \u202e \x7f \x07 \r \b"]
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def assert_tame(done: Done) -> None:
    assert "this should not have happened" not in done.err
    for said in (done.out, done.err):
        assert not _CONTROL.search(said), repr(said)


@pytest.mark.parametrize("steering", STEERING, ids=ascii)
def test_names_and_texts_are_shown_written_out(uniir: Cli, tmp_path: Path, steering: str) -> None:
    corpus = lay(
        tmp_path / "corpus",
        {
            f"good{steering}name.txt": f"a text {steering} with it",
            f"bad{steering}name.jpg": b"no picture",
            f"in{steering}side": {"cat.png": picture(kind="PNG")},
            "list.jsonl": f'{{"did": "d{steering!a}", "txt": "a line"}}\n'.replace("'", ""),
        },
    )
    assert_tame(uniir("ingest", corpus))
    assert_tame(uniir("ingest", corpus, "--json"))
    assert_tame(uniir("search", "a text"))
    assert_tame(uniir("search", "a text", "--json"))
    assert_tame(uniir("search", f"a {steering} text"))
    assert_tame(uniir("failures", "list"))
    assert_tame(uniir("failures", "list", "--json"))
    assert_tame(uniir("failures", "retry"))
    lay(corpus, {f"new{steering}.txt": "new"})
    assert_tame(uniir("doctor"))
    assert_tame(uniir("doctor", "--json"))
    assert_tame(uniir("delete", "--path", corpus / f"good{steering}name.txt", "--yes"))


@pytest.mark.parametrize("steering", STEERING, ids=ascii)
def test_errors_show_what_was_typed_written_out(uniir: Cli, tmp_path: Path, steering: str) -> None:
    lay(tmp_path, {f"a{steering}.pdf": b"%PDF", f"b{steering}.png": b"no picture", f"own{steering}.tsv": "id\n"})
    uniir("ingest", lay(tmp_path / "corpus", {"a.txt": "a"}))
    for words in (
        ("ingest", f"no{steering}where"),
        ("ingest", tmp_path / f"a{steering}.pdf"),
        ("search", "x", "--image", f"no{steering}where.jpg"),
        ("search", "x", "--image", tmp_path / f"b{steering}.png"),
        ("search", "x", "--instruction", f"find{steering}"),
        ("search", "x", "--collection", f"c{steering}"),
        ("search", "--like", f"0{steering}"),
        ("delete", f"0{steering}", "--yes"),
        ("delete", "--path", f"/no{steering}where", "--yes"),
        ("config", "--data-dir", f"/no{steering}where"),
        ("status", "--data-dir", tmp_path / f"d{steering}"),
        ("ingest", tmp_path / "corpus", "--exclude", f"[{steering}"),
    ):
        assert_tame(uniir(*words))
    uniir.set("instructions_file", tmp_path / f"own{steering}.tsv")
    assert_tame(uniir("instructions"))
