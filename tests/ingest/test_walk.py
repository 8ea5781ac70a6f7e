"""What a walk finds, in which order, and what it leaves alone."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.walk import Found, Obstacle, Scope, walk
from tests.folders import Link, Tree, lay
from uniir.errors import UsageError
from uniir.ledger import SourceKind


def found(root: Path, exclude: tuple[str, ...] = (), prefix: str = "") -> list[str]:
    """Paths of everything found, obstacles with their code."""
    return [item.path if isinstance(item, Found) else f"{item.path}!{item.code}" for item in walk(Scope(os.fspath(root), prefix), exclude)]


def test_kinds_follow_the_suffix_in_any_case(tmp_path: Path) -> None:
    names = ["a.JPG", "b.Jpeg", "c.png", "d.webp", "e.gif", "f.BMP", "g.tif", "h.TIFF", "i.Txt", "j.MD", "k.JSONL", "l.pdf", "m", "n.json"]
    lay(tmp_path, dict.fromkeys(names, "x"))
    kinds = {item.path: item.kind for item in walk(Scope(os.fspath(tmp_path))) if isinstance(item, Found)}
    assert [path for path, kind in kinds.items() if kind is SourceKind.IMAGE] == names[:8]
    assert kinds["i.Txt"] is kinds["j.MD"] is SourceKind.TEXT
    assert kinds["k.JSONL"] is SourceKind.MANIFEST
    assert kinds.keys().isdisjoint({"l.pdf", "m", "n.json"})


def test_hidden_files_and_folders_stay_out(tmp_path: Path) -> None:
    lay(tmp_path, {".hidden.txt": "x", ".git": {"a.txt": "x"}, "in": {".cache": {"b.txt": "x"}, "c.txt": "x"}, "..odd.txt": "x"})
    assert found(tmp_path) == ["in/c.txt"]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({".uniirignore": "*.txt\n", "a.txt": "", "b.md": ""}, ["b.md"]),
        ({".uniirignore": "# a comment\n\n/a.txt\n", "a.txt": "", "in/a.txt": ""}, ["in/a.txt"]),
        ({".uniirignore": "drafts/\n", "drafts/a.txt": "", "in/drafts/b.txt": "", "in/drafts.txt": ""}, ["in/drafts.txt"]),
        ({".uniirignore": "*.txt\n!keep.txt\n", "a.txt": "", "keep.txt": ""}, ["keep.txt"]),
        ({".uniirignore": "*.txt\n", "in/.uniirignore": "!b.txt\n", "in/a.txt": "", "in/b.txt": ""}, ["in/b.txt"]),
        ({"in/.uniirignore": "*.txt\n", "a.txt": "", "in/b.txt": ""}, ["a.txt"]),
        ({".uniirignore": "in/**/x.txt\n", "in/x.txt": "", "in/a/b/x.txt": "", "x.txt": ""}, ["x.txt"]),
        ({".uniirignore": "a\\ b.txt\n\\#c.txt\n", "a b.txt": "", "#c.txt": "", "d.txt": ""}, ["d.txt"]),
        ({".uniirignore": "in/\n!in/a.txt\n", "in/a.txt": "", "b.txt": ""}, ["b.txt"]),  # git: what lies in an ignored folder stays out
        ({".uniirignore": b"\xff\xfe*.txt\n", "a.md": ""}, ["a.md"]),
        ({".uniirignore/a.txt": "", "b.txt": ""}, ["b.txt"]),
    ],
)
def test_ignore_files_speak_as_gitignore_does(tmp_path: Path, tree: Tree, expected: list[str]) -> None:
    lay(tmp_path, tree)
    assert found(tmp_path) == expected


_ODD = (
    "!",
    "[z-a].txt",
    "\\",
    "/",
    "//",
    "***",
    "[",
    "**/",
    "!!",
    "a[/b]",
    "\0",
    "{a,b}",
    "(?P<x",
)


@pytest.mark.parametrize("pattern", _ODD)
def test_an_odd_pattern_never_stops_a_walk(tmp_path: Path, pattern: str) -> None:
    lay(tmp_path, {".uniirignore": f"{pattern}\nout.txt\n", "out.txt": "", "in": {"a.txt": ""}})
    assert "out.txt" not in found(tmp_path)


@pytest.mark.parametrize("pattern", _ODD)
def test_an_odd_pattern_of_the_command_line_is_taken_or_refused(tmp_path: Path, pattern: str) -> None:
    lay(tmp_path, {"a.txt": ""})
    with contextlib.suppress(UsageError):
        found(tmp_path, exclude=(pattern,))


def test_an_ignore_file_above_the_scope_counts(tmp_path: Path) -> None:
    lay(tmp_path, {".uniirignore": "*.md\n", "in": {"deep": {"a.md": "", "b.txt": ""}}})
    assert found(tmp_path, prefix="in/deep/") == ["in/deep/b.txt"]


def test_excluded_patterns_stay_out(tmp_path: Path) -> None:
    lay(tmp_path, {"a.txt": "", "b.md": "", "raw": {"c.txt": ""}, "in": {"raw": {"d.txt": ""}}})
    assert found(tmp_path, exclude=("*.md", "raw/")) == ["a.txt"]
    assert found(tmp_path, exclude=("/raw",)) == ["a.txt", "b.md", "in/raw/d.txt"]


def test_a_link_to_a_file_is_a_file(tmp_path: Path) -> None:
    lay(tmp_path, {"elsewhere.txt": "x", "corpus": {"link.txt": Link("../elsewhere.txt")}})
    assert found(tmp_path / "corpus") == ["link.txt"]


def test_links_to_folders_are_not_followed_and_are_no_failure(tmp_path: Path) -> None:
    lay(tmp_path, {"other": {"a.txt": "x"}, "corpus": {"b.txt": "x", "in": Link("../other"), "like.jpg": Link("../other")}})
    assert found(tmp_path / "corpus") == ["b.txt"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    lay(tmp_path, {"a": {"up": Link(".."), "self": Link("self"), "b.txt": "x"}})
    assert found(tmp_path) == ["a/b.txt"]


def test_a_link_that_leads_nowhere_is_reported_if_it_looks_like_a_source(tmp_path: Path) -> None:
    lay(tmp_path, {"a.jpg": Link("nowhere.jpg"), "b.txt": Link("b.txt"), "c.dat": Link("nowhere")})
    assert found(tmp_path) == ["a.jpg!unreadable", "b.txt!unreadable"]


def test_pipes_and_sockets_are_no_sources(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "cat.txt")
    lay(tmp_path, {"cat.jpg": "x"})
    items = list(walk(Scope(os.fspath(tmp_path))))
    assert [(item.path, item.kind) for item in items if isinstance(item, Found)] == [("cat.jpg", SourceKind.IMAGE)]


@pytest.mark.parametrize(
    "name",
    ["new\nline.txt", "tab\t.txt", "esc\x1b[31m.txt", "日本語.txt", "e\u0301.txt", "\U0001f408.txt", " .txt", "a\\b.txt"],
)
def test_any_name_in_utf8_is_found_as_it_is(tmp_path: Path, name: str) -> None:
    lay(tmp_path, {name: "x"})
    assert found(tmp_path) == [name]


def test_a_name_that_is_not_utf8_is_reported_readably(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    (tmp_path / os.fsdecode(b"\xff")).mkdir()
    items = list(walk(Scope(os.fspath(tmp_path))))
    assert [(item.path, item.code) for item in items if isinstance(item, Obstacle)] == [
        ("\\xff", "name-not-utf8"),
        ("caf\\xe9.txt", "name-not-utf8"),
    ]


def test_a_bad_name_is_no_failure_where_the_file_would_be_left_out_anyway(tmp_path: Path) -> None:
    for name in (b".\xff.txt", b"\xff.pdf", b"\xff.tmp"):
        (tmp_path / os.fsdecode(name)).write_text("x")
    assert found(tmp_path) == []


def test_a_folder_that_is_not_there_is_an_obstacle(tmp_path: Path) -> None:
    assert found(tmp_path / "nowhere") == ["!unreadable"]


_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0."), min_size=1, max_size=4)


@given(st.lists(st.lists(_NAMES, min_size=1, max_size=3), max_size=12))
def test_the_order_is_the_one_of_the_catalog(tmp_path_factory: pytest.TempPathFactory, paths: list[list[str]]) -> None:
    root = tmp_path_factory.mktemp("walk")
    for parts in paths:
        folder = root.joinpath(*(f"{part}" for part in parts[:-1]))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{parts[-1]}.txt").write_text("x")
    walked = found(root)
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE sources (path TEXT)")
        connection.executemany("INSERT INTO sources VALUES (?)", [(path,) for path in reversed(walked)])
        ordered = [path for (path,) in connection.execute("SELECT path FROM sources ORDER BY path")]
    connection.close()
    assert walked == ordered == sorted(set(walked))
    assert len(walked) == len({tuple(parts) for parts in paths})
