"""Manifests whose runs did not come to their end."""

from __future__ import annotations

import threading

import pytest

from ingest.events import Advanced
from tests.conftest import Worlds
from tests.folders import picture, rewrite
from tests.ingest.faults import dies_after
from tests.ingest.manifests import manifest
from tests.worlds import World

LINES = [{"did": str(number), "txt": f"candidate number {number}"} for number in range(5)]


def stopped(here: World) -> None:
    """A run that stops before its pass is closed."""
    stop = threading.Event()
    here.sink = lambda event: stop.set() if isinstance(event, Advanced) else None
    here.ingest(stop=stop)
    here.sink = lambda event: None


@pytest.mark.parametrize("prune_between", [False, True])
def test_a_manifest_that_goes_after_a_stopped_run_takes_its_lines_along(world: Worlds, prune_between: bool) -> None:
    here = world({"list.jsonl": manifest(*LINES), "stays.txt": "stays"})
    stopped(here)
    (here.corpus / "list.jsonl").unlink()
    here.ingest(prune=prune_between)
    here.ingest(prune=True)
    assert here.documents().keys() == {"stays.txt"}
    assert here.checks() == []


def test_a_manifest_that_shrinks_and_then_goes_takes_its_lines_along(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES), "stays.txt": "stays"})
    here.ingest()
    rewrite(here.corpus / "list.jsonl", manifest(*LINES[:2]))
    here.ingest()
    (here.corpus / "list.jsonl").unlink()
    here.ingest()
    here.ingest(prune=True)
    assert here.documents().keys() == {"stays.txt"}


def test_a_manifest_copied_in_a_stopped_run_and_left_alone_becomes_the_owner_of_its_lines(world: Worlds) -> None:
    lines = [{"txt": f"candidate number {number}"} for number in range(5)]
    here = world({"list.jsonl": manifest(*lines), "stays.txt": "stays"})
    here.ingest()
    here.lay({"copy.jsonl": manifest(*lines)})
    stopped(here)
    (here.corpus / "list.jsonl").unlink()
    here.ingest(prune=True)
    assert here.documents().keys() == {"stays.txt", *(f"copy.jsonl#line={number}" for number in range(1, 6))}
    assert here.checks() == []


def test_a_manifest_renamed_while_a_run_was_dead_keeps_its_documents(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES), "stays.txt": "stays"})
    here.ingest()
    before = set(here.ids().values())
    (here.corpus / "list.jsonl").rename(here.corpus / "renamed.jsonl")
    dies_after(here, 12)
    here.ingest(prune=True)
    assert set(here.ids().values()) == before


def test_a_manifest_that_became_unreadable_keeps_its_pictures_for_itself(world: Worlds) -> None:
    here = world({"list.jsonl": manifest({"did": "1", "img_path": "a.jpg"}), "a.jpg": picture(1)})
    here.ingest()
    rewrite(here.corpus / "list.jsonl", b"no manifest any more\n")
    here.ingest()
    assert here.documents().keys() == {"list.jsonl#did=1"}


@pytest.mark.parametrize("calls", range(24, 40, 3))
def test_lines_that_a_dead_run_left_unfinished_are_kept_where_another_manifest_holds_them(world: Worlds, calls: int) -> None:
    here = world({"old.jsonl": manifest({"did": "1", "img_path": "gone.jpg"}, *LINES[2:4]), "stays.txt": "stays"})
    dies_after(here, calls)
    (here.corpus / "old.jsonl").unlink()
    here.lay({"new.jsonl": manifest({"did": "3", "img_path": "gone.jpg"}, {"did": "1", "txt": "another"}, LINES[2])})
    here.ingest(prune=True)
    assert here.documents().keys() == {"stays.txt", "new.jsonl#did=1", "new.jsonl#did=2"}
