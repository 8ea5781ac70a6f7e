"""From paths to roots: no root ever lies inside another, and what is known stays known."""

from __future__ import annotations

import os

import pytest

from ingest.scopes import resolve_scopes
from tests.conftest import Worlds
from tests.folders import Link, picture
from uniir.errors import UsageError

NESTED = {"a": {"1.txt": "one", "b": {"2.txt": "two", "p.jpg": picture(1)}}, "3.txt": "three"}


def test_a_folder_above_known_ones_takes_them_in(world: Worlds) -> None:
    here = world(NESTED)
    here.ingest("a/b")
    here.ingest("a")
    before = here.ids()
    counts = here.ingest()
    assert (counts.added, counts.unchanged) == (1, 3)
    assert before.items() <= here.ids().items()
    assert here.ledger.roots() == [os.fspath(here.corpus)]
    image = here.documents()["a/b/p.jpg"].image
    assert image is not None
    assert image.path == here.corpus / "a/b/p.jpg"
    assert here.checks() == []


def test_a_folder_inside_a_known_one_is_a_part_of_it(world: Worlds) -> None:
    here = world(NESTED)
    here.ingest()
    counts = here.ingest("a/b")
    assert (counts.added, counts.unchanged) == (0, 2)
    assert here.ledger.roots() == [os.fspath(here.corpus)]


def test_the_same_folder_named_twice_is_walked_once(world: Worlds) -> None:
    here = world(NESTED)
    assert here.ingest("a", "a/b", "a/../a", "a/1.txt").added == 3


def test_two_folders_side_by_side_are_two_roots(world: Worlds) -> None:
    here = world({"one": {"a.txt": "a"}, "one-more": {"b.txt": "b"}})
    here.ingest("one", "one-more")
    assert sorted(here.ledger.roots()) == [os.fspath(here.corpus / "one"), os.fspath(here.corpus / "one-more")]


@pytest.mark.parametrize("name", ["nowhere", "nowhere.jpg", "loop"])
def test_what_is_not_there_is_refused(world: Worlds, name: str) -> None:
    here = world({"loop": Link("loop")})
    with pytest.raises(UsageError, match=name):
        resolve_scopes([here.corpus / name], here.ledger)


def test_a_file_of_an_unknown_kind_is_refused(world: Worlds) -> None:
    here = world({"a.pdf": b"%PDF"})
    with pytest.raises(UsageError, match="kind"):
        resolve_scopes([here.corpus / "a.pdf"], here.ledger)


def test_a_linked_file_that_is_named_is_the_one_a_walk_finds(world: Worlds) -> None:
    """Data sets of annexed files are full of such links, to targets without a suffix."""
    here = world({"store": {"0a1b": picture(1)}, "cat.jpg": Link("store/0a1b")})
    assert here.ingest("cat.jpg").added == 1
    assert here.ingest().unchanged == 1
    assert here.documents().keys() == {"cat.jpg"}


def test_an_excluded_pattern_is_anchored_at_the_folder_named(world: Worlds) -> None:
    here = world({"in": {"drafts": {"a.txt": "a"}, "b.txt": "b", "deep": {"drafts": {"c.txt": "c"}}}})
    here.ingest("in", exclude=("/drafts",))
    assert here.documents().keys() == {"in/b.txt", "in/deep/drafts/c.txt"}
    here = world({"top.txt": "t"})
    here.ingest()


def test_an_excluded_pattern_means_the_same_below_a_known_root(world: Worlds) -> None:
    here = world({"in": {"drafts": {"a.txt": "a"}}, "top.txt": "t"})
    here.ingest("top.txt")
    here.ingest("in", exclude=("/drafts",))
    assert here.documents().keys() == {"top.txt"}


def test_the_doctor_counts_a_file_once_however_often_its_folder_was_named(world: Worlds) -> None:
    here = world(NESTED)
    here.ingest()
    here.ingest("a/b")
    here.lay({"a/b/new.txt": "new"})
    (finding,) = here.findings()
    assert (finding.check, finding.count) == ("files-new", 1)


def test_roots_with_odd_names_work(world: Worlds) -> None:
    here = world({"50% [of] _it_?#": {"a_b.txt": "x", "aXb.txt": "y"}})
    here.ingest("50% [of] _it_?#")
    assert here.ingest().unchanged == 2
