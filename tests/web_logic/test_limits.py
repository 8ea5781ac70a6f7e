"""What narrows a search, and what is left of it when one part is lifted."""

from __future__ import annotations

from app.web.query.address import Ask
from app.web.query.limits import Limit, filters, limits, narrowed
from uniir.documents import Modality


def test_each_condition_of_a_filter_can_be_lifted_by_itself() -> None:
    found = filters(Ask(where="tag=shoes year>=2020 -draft"))
    assert [one.words for one in found] == ["tag=shoes", "year>=2020", "-draft"]
    assert [one.left for one in found] == ["year>=2020 -draft", "tag=shoes -draft", "tag=shoes year>=2020"]


def test_what_is_left_keeps_its_meaning() -> None:
    found = filters(Ask(where="(tag=shoes or tag=boots) year=2020"))
    assert [(one.words, one.left) for one in found] == [("tag=shoes or tag=boots", "year=2020"), ("year=2020", "tag=shoes or tag=boots")]


def test_alternatives_are_one_limit() -> None:
    assert filters(Ask(where="a=1 or b=2")) == [Limit("a=1 or b=2", "where", "")]


def test_a_filter_that_can_not_be_read_is_lifted_whole() -> None:
    assert filters(Ask(where="tag=(")) == [Limit("tag=(", "where", "")]


def test_kind_and_path_limit_as_well() -> None:
    found = limits(Ask(kind=Modality.IMAGE, path="photos/", where="x=1"))
    assert [(one.words, one.field, one.left) for one in found] == [
        ("Only pictures", "kind", None),
        ("Path starts with photos/", "path", ""),
        ("x=1", "where", ""),
    ]


def test_a_condition_is_added_to_what_was_there() -> None:
    assert narrowed("", "tag=shoes") == "tag=shoes"
    assert narrowed("a=1 or b=2", 'path:"odd/*"') == '(a=1 or b=2) path:"odd/*"'
