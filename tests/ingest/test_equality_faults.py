"""One scripted corpus, and a death at every single call: the next run always finishes the work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Worlds
from tests.folders import picture, rewrite, touch
from tests.ingest.faults import dies_after
from tests.ingest.oracle import BAD, expected, held
from tests.worlds import World

_LONG = "\n\n".join(f"Paragraph {number}. " + "words " * 100 for number in range(4))
_LINES = [{"did": "1", "txt": "first line"}, {"did": "2", "img_path": "listed.jpg"}, {"did": "3", "txt": "third line"}]


def _begin(root: Path) -> None:
    for name, data in {
        "stays.txt": b"stays as it is",
        "changes.jpg": picture(1),
        "moves.jpg": picture(2),
        "goes.jpg": picture(3),
        "pair.jpg": picture(4),
        "pair.txt": b"a caption",
        "long.md": _LONG.encode(),
        "breaks.txt": b"good for now",
        "listed.jpg": picture(5),
        "list.jsonl": _lines(_LINES),
    }.items():
        (root / name).write_bytes(data)


def _go_on(root: Path) -> None:
    """Everything that can happen to a file, once."""
    rewrite(root / "changes.jpg", picture(11))
    (root / "in").mkdir()
    (root / "moves.jpg").rename(root / "in" / "moved.jpg")
    (root / "goes.jpg").unlink()
    (root / "pair.txt").unlink()
    rewrite(root / "long.md", _LONG[: len(_LONG) // 2])
    rewrite(root / "breaks.txt", BAD)
    touch(root / "stays.txt")
    (root / "new.jpg").write_bytes(picture(12))
    (root / "copy.jpg").write_bytes(picture(12))
    (root / "new.txt").write_bytes(b"a new text")
    rewrite(root / "list.jsonl", _lines([{"did": "1", "txt": "first line, changed"}, _LINES[1], {"did": "4", "txt": "fourth line"}]))


def _lines(lines: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _assert_equal(world: World) -> None:
    files = {file.relative_to(world.corpus).as_posix(): file.read_bytes() for file in world.corpus.rglob("*") if file.is_file()}
    want, have = expected(files), held(world)
    assert {place: content for place, content in have.items() if place not in want.bad} == want.documents
    assert world.failures().keys() == want.bad
    assert world.stored().tolist() == world.indexed().tolist()
    used = {document.image.sha256 for document in world.documents().values() if document.image is not None}
    assert set(world.thumbnails.hashes()) == used
    assert world.checks() == []


def _first_run_dies(place: Path, calls: int, *, volatile: bool) -> bool:
    """Whether so many calls were too few for the run."""
    with World(place / f"first-{calls}", volatile=volatile) as here:
        _begin(here.corpus)
        died = dies_after(here, calls).blown
        here.ingest(prune=True)
        _assert_equal(here)
    return died


def _later_run_dies(place: Path, calls: int, *, volatile: bool) -> bool:
    with World(place / f"later-{calls}", volatile=volatile) as here:
        _begin(here.corpus)
        here.ingest(prune=True)
        before = here.ids()
        _go_on(here.corpus)
        died = dies_after(here, calls).blown
        here.ingest(prune=True)
        _assert_equal(here)
        after = here.ids()
        assert after["in/moved.jpg"] == before["moves.jpg"]
        for place_of in ("stays.txt", "changes.jpg", "pair.jpg", "list.jsonl#did=1", "list.jsonl#did=2"):
            assert after[place_of] == before[place_of], place_of
    return died


@pytest.mark.slow
@pytest.mark.parametrize("volatile", [False, True], ids=["durable store", "store that loses what it did not finish"])
@pytest.mark.parametrize("dies", [_first_run_dies, _later_run_dies])
def test_a_run_that_dies_at_any_call_is_finished_by_the_next(tmp_path: Path, dies: Callable[..., bool], volatile: bool) -> None:
    calls = 0
    while dies(tmp_path, calls, volatile=volatile):
        calls += 1
    assert calls > 30


@pytest.mark.slow
@pytest.mark.parametrize("dies", [_first_run_dies, _later_run_dies])
def test_a_run_that_dies_at_some_call_is_finished_by_the_next(tmp_path: Path, dies: Callable[..., bool]) -> None:
    calls = 0
    while dies(tmp_path, calls, volatile=calls % 2 == 0):
        calls += 7


@pytest.mark.slow
def test_two_deaths_in_a_row_are_survived(tmp_path: Path) -> None:
    for first in range(0, 60, 7):
        for second in range(0, 60, 5):
            with World(tmp_path / f"{first}-{second}", volatile=True) as here:
                _begin(here.corpus)
                dies_after(here, first)
                _go_on(here.corpus)
                dies_after(here, second)
                here.ingest(prune=True)
                _assert_equal(here)


def test_whatever_is_searchable_while_a_run_is_dead_has_a_row_and_a_file(world: Worlds) -> None:
    here = world()
    _begin(here.corpus)
    dies_after(here, 25)
    assert all(document.source.file.exists() for document in here.documents().values())
    assert set(here.indexed().tolist()) <= set(here.stored().tolist())
