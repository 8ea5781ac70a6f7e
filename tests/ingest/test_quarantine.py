"""Inputs that can't be used: kept apart with a code and a reason, tried again when they change or on request."""

from __future__ import annotations

import os

import pytest

from tests.conftest import Worlds
from tests.folders import Link, picture, rewrite, touch
from uniir.images import FileImages


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.jpg", b"", "image-empty"),
        ("text.jpg", b"this is no picture", "image-unknown"),
        ("cut.jpg", picture(1, (64, 64))[:-200], "image-damaged"),
        ("svg.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image-unknown"),
        ("empty.txt", b"", "text-empty"),
        ("blank.md", b" \n\t\n", "text-empty"),
        ("nul.txt", b"a\0b", "text-nul"),
        ("latin.txt", "caf\u00e9".encode("latin-1"), "text-not-utf8"),
        ("utf16.txt", "no mark".encode("utf-16-le"), "text-nul"),
        ("bad.jsonl", b"no manifest\n", "not-a-manifest"),
    ],
)
def test_what_can_not_be_used_is_named_and_stops_nothing(world: Worlds, name: str, content: bytes, code: str) -> None:
    here = world({name: content, "good.txt": "good"})
    counts = here.ingest()
    assert here.failed(counts) == here.failures() == {name: code}
    assert here.documents().keys() == {"good.txt"}
    again = here.ingest()
    assert (again.failed, again.quarantined, again.unchanged) == ([], 1, 1)
    assert here.checks() == []


def test_a_bad_input_is_tried_again_when_it_changes(world: Worlds) -> None:
    here = world({"a.jpg": b"no picture"})
    here.ingest()
    rewrite(here.corpus / "a.jpg", b"still no picture")
    assert len(here.ingest().failed) == 1
    rewrite(here.corpus / "a.jpg", picture())
    counts = here.ingest()
    assert (counts.added, counts.failed, here.failures()) == (1, [], {})


def test_a_bad_input_is_tried_again_on_request(world: Worlds) -> None:
    here = world({"a.jpg": picture(1, size=(40, 40))}, images=FileImages(pixel_limit=100))
    assert here.failed(here.ingest()) == {"a.jpg": "image-too-large"}
    here.images = FileImages()
    assert here.ingest().quarantined == 1
    assert here.ingest(retry=True).added == 1
    assert here.failures() == {}


def test_a_bad_input_that_is_gone_is_forgotten(world: Worlds) -> None:
    here = world({"a.jpg": b"no picture", "b.txt": "stays"})
    here.ingest()
    (here.corpus / "a.jpg").unlink()
    here.ingest()
    assert here.failures() == {}


def test_failures_elsewhere_are_kept(world: Worlds) -> None:
    here = world({"one": {"a.jpg": b"no"}, "two": {"b.jpg": b"no", "c.txt": "fine"}})
    here.ingest()
    here.ingest("two")
    assert here.failures().keys() == {"one/a.jpg", "two/b.jpg"}


def test_an_ignored_failure_comes_back_when_it_changes(world: Worlds) -> None:
    here = world({"a.jpg": b"no picture"})
    here.ingest()
    here.library.ignore_failures([failure.key for failure in here.library.failures()])
    here.ingest()
    assert [failure.ignored for failure in here.library.failures()] == [True]
    rewrite(here.corpus / "a.jpg", b"still no picture")
    here.ingest()
    assert [(failure.ignored, failure.attempts) for failure in here.library.failures()] == [(False, 2)]


def test_a_document_whose_file_was_damaged_keeps_its_last_good_state_until_it_is_mended(world: Worlds) -> None:
    here = world({"a.jpg": picture(1)})
    here.ingest()
    before = here.documents()["a.jpg"]
    rewrite(here.corpus / "a.jpg", b"damaged")
    assert here.failed(here.ingest(prune=True)) == {"a.jpg": "image-unknown"}
    assert here.documents()["a.jpg"] == before
    rewrite(here.corpus / "a.jpg", picture(2))
    assert here.ingest().changed == 1
    assert here.ids()["a.jpg"] == before.id
    assert here.failures() == {}


def test_a_damaged_file_that_gets_its_old_bytes_and_time_back_is_unchanged(world: Worlds) -> None:
    here = world({"a.jpg": picture(1)})
    here.ingest()
    status = (here.corpus / "a.jpg").stat()
    rewrite(here.corpus / "a.jpg", b"damaged")
    here.ingest()
    rewrite(here.corpus / "a.jpg", picture(1))
    os.utime(here.corpus / "a.jpg", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert here.ingest().unchanged == 1
    assert here.failures() == {}


def test_a_broken_link_fails_once_and_is_taken_when_it_leads_somewhere(world: Worlds) -> None:
    here = world({"a.jpg": Link("../elsewhere.jpg"), "b.txt": "b"})
    assert here.failed(here.ingest()) == {"a.jpg": "unreadable"}
    assert here.ingest().failed == []
    (here.place / "elsewhere.jpg").write_bytes(picture())
    assert here.ingest().added == 1
    assert here.failures() == {}


def test_failures_below_a_folder_follow_it_under_a_root_above(world: Worlds) -> None:
    here = world({"in": {"bad.jpg": b"no"}})
    here.ingest()
    here.ingest("in")
    here.ingest()
    assert here.failures() == {"in/bad.jpg": "image-unknown"}


def test_a_touched_bad_file_is_tried_again(world: Worlds) -> None:
    here = world({"a.jpg": b"no picture"})
    here.ingest()
    touch(here.corpus / "a.jpg")
    assert len(here.ingest().failed) == 1


def test_a_text_that_is_too_large_is_refused_before_it_is_read(world: Worlds) -> None:
    here = world()
    with (here.corpus / "huge.txt").open("wb") as file:
        file.truncate(65 * 2**20)
    assert here.failed(here.ingest()) == {"huge.txt": "text-too-large"}


def test_a_damaged_picture_leaves_no_thumbnail(world: Worlds) -> None:
    here = world({"a.jpg": b"no picture", "b.jpg": picture(1, (64, 64))[:-200]})
    here.ingest()
    assert list(here.thumbnails.hashes()) == []
