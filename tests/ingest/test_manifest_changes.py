"""Manifests over time: lines that change, go, come again; files that are renamed; pictures that are mended."""

from __future__ import annotations

import hashlib
import threading

import pytest

from ingest.events import Advanced
from tests.conftest import Worlds
from tests.folders import picture, rewrite
from tests.ingest.manifests import manifest

LINES = [{"did": "1:0", "txt": "a red boat"}, {"did": "1:1", "txt": "a green boat"}, {"did": "1:2", "txt": "a blue boat"}]


def test_every_line_is_a_document_with_its_did(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES)})
    counts = here.ingest()
    assert (counts.added, counts.changed, len(counts.failed)) == (3, 0, 0)
    assert {place: document.external_id for place, document in here.documents().items()} == {
        "list.jsonl#did=1:0": "1:0",
        "list.jsonl#did=1:1": "1:1",
        "list.jsonl#did=1:2": "1:2",
    }


def test_a_second_run_finds_every_line_unchanged(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES)})
    here.ingest()
    counts = here.ingest()
    assert (counts.added, counts.changed, counts.unchanged) == (0, 0, 3)


def test_a_changed_line_changes_one_document(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES)})
    here.ingest()
    before = here.ids()
    rewrite(here.corpus / "list.jsonl", manifest(LINES[0], {"did": "1:1", "txt": "a yellow submarine"}, LINES[2]))
    counts = here.ingest()
    assert (counts.added, counts.changed, counts.unchanged, counts.documents) == (0, 1, 2, 1)
    assert here.ids() == before
    assert here.documents()["list.jsonl#did=1:1"].text == "a yellow submarine"


def test_a_line_whose_metadata_alone_changed_counts_as_changed(world: Worlds) -> None:
    here = world({"list.jsonl": manifest({**LINES[0], "year": 1})})
    here.ingest()
    rewrite(here.corpus / "list.jsonl", manifest({**LINES[0], "year": 2}))
    counts = here.ingest()
    assert here.documents()["list.jsonl#did=1:0"].metadata == {"year": 2}
    assert (counts.changed, counts.unchanged) == (1, 0)


def test_a_line_that_is_gone_is_pruned_with_the_run_that_sees_it(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES)})
    here.ingest()
    rewrite(here.corpus / "list.jsonl", manifest(LINES[0], LINES[2]))
    assert here.ingest(prune=True).deleted == 1
    assert set(here.documents()) == {"list.jsonl#did=1:0", "list.jsonl#did=1:2"}


def test_a_line_that_is_gone_is_pruned_by_a_later_run_too(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES)})
    here.ingest()
    rewrite(here.corpus / "list.jsonl", manifest(LINES[0], LINES[2]))
    assert here.ingest().gone == 1
    assert here.ingest(prune=True).deleted == 1
    assert set(here.documents()) == {"list.jsonl#did=1:0", "list.jsonl#did=1:2"}


def test_a_line_that_is_gone_is_pruned_although_its_manifest_was_renamed_meanwhile(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES)})
    here.ingest()
    rewrite(here.corpus / "list.jsonl", manifest(LINES[0], LINES[2]))
    assert here.ingest().gone == 1
    (here.corpus / "list.jsonl").rename(here.corpus / "renamed.jsonl")
    assert here.ingest(prune=True).deleted == 1
    assert set(here.documents()) == {"renamed.jsonl#did=1:0", "renamed.jsonl#did=1:2"}


def test_a_line_that_is_gone_is_pruned_although_its_manifest_was_renamed_after_a_stopped_run(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES)})
    here.ingest()
    rewrite(here.corpus / "list.jsonl", manifest({"did": "1", "img_path": "missing.jpg"}))
    stop = threading.Event()
    here.sink = lambda event: stop.set() if isinstance(event, Advanced) else None
    assert here.ingest(prune=True, stop=stop).interrupted
    (here.corpus / "list.jsonl").rename(here.corpus / "renamed.jsonl")
    assert here.ingest(prune=True).deleted == 3
    assert here.documents() == {}
    assert here.failures() == {"renamed.jsonl#did=1": "unreadable"}


def test_a_manifest_that_is_gone_takes_its_documents_along_when_pruned(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES), "stays.txt": "stays"})
    here.ingest()
    (here.corpus / "list.jsonl").unlink()
    assert here.ingest().deleted == 0
    assert len(here.documents()) == 4
    here.ingest(prune=True)
    assert set(here.documents()) == {"stays.txt"}
    assert here.checks() == []


def test_a_renamed_manifest_keeps_its_documents(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES, {"txt": "without a did"})})
    here.ingest()
    before = set(here.ids().values())
    (here.corpus / "list.jsonl").rename(here.corpus / "renamed.jsonl")
    counts = here.ingest(prune=True)
    assert set(here.ids().values()) == before
    assert set(here.documents()) == {"renamed.jsonl#did=1:0", "renamed.jsonl#did=1:1", "renamed.jsonl#did=1:2", "renamed.jsonl#line=4"}
    assert (counts.added, counts.deleted) == (0, 0)


def test_a_line_whose_picture_is_missing_is_in_quarantine_still_when_its_manifest_is_renamed(world: Worlds) -> None:
    line = manifest({"did": "1", "img_path": "c.jpg"})
    here = world({"list.jsonl": line, "stays.txt": "stays"})
    here.ingest(prune=True)
    (here.corpus / "list.jsonl").unlink()
    here.lay({"other.jsonl": line})
    here.ingest(prune=True)
    assert here.failures() == {"other.jsonl#did=1": "unreadable"}
    here.lay({"c.jpg": picture(1)})
    here.ingest(prune=True)
    assert here.documents().keys() == {"other.jsonl#did=1", "stays.txt"}
    assert here.failures() == {}


def test_a_line_that_nobody_wants_to_hear_of_stays_so_when_its_manifest_is_renamed(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(LINES[0], {"did": "1", "img_path": "never.jpg"})})
    here.ingest()
    here.library.ignore_failures(list(here.ledger.failures(str(here.corpus))))
    (here.corpus / "list.jsonl").rename(here.corpus / "renamed.jsonl")
    counts = here.ingest(prune=True)
    assert (counts.failed, counts.quarantined) == ([], 0)
    assert here.failures().keys() == {"renamed.jsonl#did=1"}


def test_a_manifest_that_is_moved_to_another_folder_takes_the_pictures_beside_it_there(world: Worlds) -> None:
    lines = manifest({"did": "1", "img_path": "a.jpg"}, {"did": "2", "img_path": "b.jpg"}, LINES[0])
    pictures = {"a.jpg": picture(1), "b.jpg": picture(2), "in": {"a.jpg": picture(3)}}
    here = world({"list.jsonl": lines, **pictures})
    here.ingest()
    before = here.ids()
    (here.corpus / "list.jsonl").rename(here.corpus / "in" / "list.jsonl")
    here.ingest(prune=True)
    assert here.ids()["in/list.jsonl#did=1"] == before["list.jsonl#did=1"]
    assert here.documents()["in/list.jsonl#did=1"].image.sha256 == hashlib.sha256(picture(3)).hexdigest()
    assert here.failures() == {"in/list.jsonl#did=2": "unreadable"}


def test_a_picture_that_its_line_gave_up_for_a_missing_one_stays_a_document_of_its_own(world: Worlds) -> None:
    here = world({"list.jsonl": manifest({"did": "1", "img_path": "in/c.jpg"}), "in": {"c.jpg": picture(1)}})
    here.ingest(prune=True)
    rewrite(here.corpus / "list.jsonl", manifest({"did": "1", "img_path": "c.jpg"}))
    here.ingest(prune=True)
    again = here.ingest(prune=True)
    assert (again.added, again.deleted) == (0, 0)
    assert here.documents().keys() == {"in/c.jpg", "list.jsonl#did=1"}


def test_a_manifest_renamed_and_edited_in_one_go_keeps_what_it_still_has(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES), "stays.txt": "stays"})
    here.ingest()
    before = here.ids()
    (here.corpus / "list.jsonl").unlink()
    here.lay({"renamed.jsonl": manifest(LINES[0], {"did": "1:1", "txt": "another text"})})
    here.ingest(prune=True)
    here.ingest(prune=True)
    assert here.ids().keys() == {"renamed.jsonl#did=1:0", "renamed.jsonl#did=1:1", "stays.txt"}
    assert here.ids()["stays.txt"] == before["stays.txt"]


def test_a_line_may_move_to_another_manifest(world: Worlds) -> None:
    here = world({"one.jsonl": manifest(*LINES), "two.jsonl": manifest({"did": "2:0", "txt": "something else"})})
    here.ingest()
    rewrite(here.corpus / "one.jsonl", manifest(*LINES[1:]))
    rewrite(here.corpus / "two.jsonl", manifest({"did": "2:0", "txt": "something else"}, LINES[0]))
    here.ingest(prune=True)
    here.ingest(prune=True)
    assert "two.jsonl#did=1:0" in here.documents()
    assert here.failures() == {}


def test_a_did_of_another_manifest_is_refused_and_named(world: Worlds) -> None:
    here = world({"one.jsonl": manifest(*LINES), "two.jsonl": manifest(LINES[0], {"did": "2:1", "txt": "fine"})})
    counts = here.ingest()
    assert counts.added == 4
    (failure,) = counts.failed
    assert failure.code == "duplicate-id"
    assert "1:0" in failure.reason


def test_pictures_of_a_manifest_are_no_documents_of_their_own(world: Worlds) -> None:
    here = world({"list.jsonl": manifest({"did": "1", "img_path": "pics/a.jpg"}), "pics": {"a.jpg": picture(1), "b.jpg": picture(2)}})
    counts = here.ingest()
    assert counts.added == 2
    assert set(here.documents()) == {"list.jsonl#did=1", "pics/b.jpg"}


@pytest.mark.parametrize("named", ["pics", "pics/a.jpg"])
def test_a_folder_below_a_manifest_does_not_double_its_pictures(world: Worlds, named: str) -> None:
    here = world({"list.jsonl": manifest({"did": "1", "img_path": "pics/a.jpg"}), "pics": {"a.jpg": picture(1)}})
    here.ingest()
    here.ingest(named)
    assert set(here.documents()) == {"list.jsonl#did=1"}


def test_a_missing_picture_fails_its_line_alone_and_is_taken_when_it_appears(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(LINES[0], {"did": "1", "img_path": "late.jpg"})})
    counts = here.ingest()
    assert counts.added == 1
    assert here.failed(counts) == {"list.jsonl#did=1": "unreadable"}
    here.lay({"late.jpg": picture(1)})
    counts = here.ingest()
    assert set(here.documents()) == {"list.jsonl#did=1:0", "list.jsonl#did=1"}
    assert (counts.added, here.failures()) == (1, {})


def test_a_damaged_picture_fails_its_line_once_and_is_no_document_of_its_own(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(LINES[0], {"did": "1", "img_path": "bad.jpg"}), "bad.jpg": b"no picture"})
    assert here.failed(here.ingest()) == {"list.jsonl#did=1": "image-unknown"}
    counts = here.ingest()
    assert (counts.failed, counts.quarantined, counts.unchanged) == ([], 1, 1)


def test_a_mended_picture_mends_its_line(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(LINES[0], {"did": "1", "img_path": "bad.jpg"}), "bad.jpg": b"no picture"})
    here.ingest()
    rewrite(here.corpus / "bad.jpg", picture(1))
    here.ingest()
    assert set(here.documents()) == {"list.jsonl#did=1:0", "list.jsonl#did=1"}
    assert here.failures() == {}


def test_a_picture_of_a_refused_line_stays_with_its_line(world: Worlds) -> None:
    here = world({"list.jsonl": manifest({"did": "1", "img_path": "a.jpg"}, {"did": "1", "img_path": "b.jpg"})})
    here.lay({"a.jpg": picture(1), "b.jpg": picture(2)})
    first = here.ingest()
    again = here.ingest()
    assert (first.added, len(first.failed)) == (1, 1)
    assert (again.added, again.changed, again.failed) == (0, 0, [])


def test_a_changed_picture_changes_its_line(world: Worlds) -> None:
    here = world({"list.jsonl": manifest({"did": "1", "img_path": "a.jpg"}), "a.jpg": picture(1)})
    here.ingest()
    before = here.documents()["list.jsonl#did=1"]
    rewrite(here.corpus / "a.jpg", picture(2, size=(40, 40)))
    counts = here.ingest()
    after = here.documents()["list.jsonl#did=1"]
    assert counts.changed == 1
    assert after.id == before.id
    assert after.image is not None
    assert before.image is not None
    assert after.image.sha256 != before.image.sha256


def test_a_manifest_that_became_unreadable_keeps_its_documents(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES)})
    here.ingest()
    before = here.ids()
    rewrite(here.corpus / "list.jsonl", b"no manifest any more\n")
    assert here.failed(here.ingest(prune=True)) == {"list.jsonl": "not-a-manifest"}
    assert here.ids() == before
    rewrite(here.corpus / "list.jsonl", manifest(*LINES, {"did": "1:3", "txt": "one more"}))
    assert here.ingest().added == 1
    assert here.failures() == {}


def test_only_quarantined_lines_are_tried_again_on_request(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(*LINES, {"did": "x", "txt": "nul \0"})})
    here.ingest()
    counts = here.ingest(retry=True)
    assert (counts.added, counts.changed, counts.unchanged, len(counts.failed)) == (0, 0, 3, 1)


def test_a_line_whose_picture_went_fails_once_and_keeps_its_document(world: Worlds) -> None:
    here = world({"list.jsonl": manifest(LINES[0], {"did": "1", "img_path": "a.jpg"}, {"did": "2", "img_path": "never.jpg"})})
    here.lay({"a.jpg": picture(1)})
    here.ingest()
    (here.corpus / "a.jpg").unlink()
    assert here.failed(here.ingest(prune=True)) == {"list.jsonl#did=1": "unreadable"}
    again = here.ingest(prune=True)
    assert (again.failed, again.quarantined) == ([], 2)
    assert here.checks() == []
    assert here.documents().keys() == {"list.jsonl#did=1:0", "list.jsonl#did=1"}
    here.lay({"a.jpg": picture(2)})
    assert here.ingest().changed == 1
    assert here.failures().keys() == {"list.jsonl#did=2"}
