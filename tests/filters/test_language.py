"""What people write as a filter, and what they are told where it can't be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.filters.oracle import WORDS, Chance
from uniir.documents import Modality
from uniir.errors import QueryError
from uniir.filter_language import read_filter, written
from uniir.filter_language.tree import (
    Among,
    Compared,
    Differs,
    Either,
    Every,
    Fits,
    Has,
    Key,
    Marked,
    Not,
    OfModality,
    Order,
    PathFits,
    PathIs,
    Pattern,
    Value,
)
from uniir.filter_language.writing import quoted

_TAG, _SHOES = Key(("tag",)), Value("shoes", quoted=True)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("tag=shoes", Among(_TAG, (_SHOES,))),
        ("tag = 'shoes'", Among(_TAG, (_SHOES,))),
        ("tag:shoes", Among(_TAG, (_SHOES,))),
        ("tag!=shoes", Differs(_TAG, _SHOES)),
        ("tag:sh*", Fits(_TAG, Pattern("sh*"))),
        ('tag="sh*"', Among(_TAG, (Value("sh*", quoted=True),))),
        ("tag in (shoes, 7)", Among(_TAG, (_SHOES, Value("7")))),
        ("year>=2020", Compared(Key(("year",)), Order.AT_LEAST, Value("2020"))),
        ("t>-5.5", Compared(Key(("t",)), Order.ABOVE, Value("-5.5"))),
        ("at<2024-05-17T10:30", Compared(Key(("at",)), Order.BELOW, Value("2024-05-17T10:30"))),
        ("url=http://x/?a=b,c", Among(Key(("url",)), (Value("http://x/?a=b,c", quoted=True),))),
        ('camera."lens model"=x', Among(Key(("camera", "lens model")), (Value("x", quoted=True),))),
        ('has:"a.b"', Has(Key(("a.b",)))),
        ("-draft", Not(Marked("draft"))),
        ("NOT draft", Not(Marked("draft"))),
        ("wide-angle", Marked("wide-angle")),
        ('"or"', Marked("or")),
        ("a b or c", Either((Every((Marked("a"), Marked("b"))), Marked("c")))),
        ("a AND (b OR c)", Every((Marked("a"), Either((Marked("b"), Marked("c")))))),
        ("modality:image", OfModality(frozenset({Modality.IMAGE}))),
        ("modality in (text, pair)", OfModality(frozenset({Modality.TEXT, Modality.IMAGE_TEXT}))),
        ("modality=image,text", OfModality(frozenset({Modality.IMAGE_TEXT}))),
        ('path:"slides/*"', PathFits(Pattern("slides/*"))),
        ("path!=a.md", Not(PathIs(("a.md",)))),
        ('"path"=a', Among(Key(("path",)), (Value("a", quoted=True),))),
        (r'a="say \"x\" \\ C:\dir"', Among(Key(("a",)), (Value(r'say "x" \ C:\dir', quoted=True),))),
        (" ", None),
    ],
)
def test_a_filter_means(text: str, meant: object) -> None:
    assert read_filter(text) == meant


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("a=", "its end", "a value is missing"),
        ("a or", "its end", "a key or a word is missing"),
        ("or a", "character 1,", "connects"),
        ("a=>3", "character 3,", "`>` stands where a value should"),
        ("x (a", "character 3,", "never closed"),
        ("a)", "character 2,", "nothing was opened"),
        ('tag="x', "character 5,", "never closed"),
        ('a="b"c', "character 6,", "can't stand after a value"),
        ("a=b(c)", "character 4,", "can't stand after a value"),
        ("a,b", "character 2,", "can't stand after a word"),
        ("a in b", "character 6,", "a list in parentheses is missing"),
        ("a in (b c)", "character 9,", "a comma is missing"),
        ("a in (b,", "its end", "a value is missing"),
        ("modality:video", "character 10,", "no modality"),
        ("path>3", "character 1,", "no greater and smaller"),
        ("path", "character 1,", "says nothing by itself"),
        ("has=x", "character 1,", "takes a colon"),
        ("a..b=1", "character 3,", "stands where a key"),
        ("x=1e999", "character 3,", "too large a number"),
        ("(" * 12 + "a", "character 12,", "nested too deeply"),
        ("a " * 101, "character 201,", "more than 100 conditions"),
        ("a.b.c.d.e=1", "character 1,", "too many levels"),
        ("a:*\uffff", "character 3,", "no characters"),
    ],
)
def test_what_can_not_be_read_is_refused_with_its_place(text: str, place: str, what: str) -> None:
    with pytest.raises(QueryError) as refused:
        read_filter(text)
    assert place in refused.value.what
    assert what in refused.value.what
    assert refused.value.way_out


@pytest.mark.parametrize("text", ["a=\0", "a=\ud800"])
def test_what_no_catalog_holds_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        read_filter(text)


_DEEP = ("(" * 10 + "a!=b or path!=c" + ")" * 10, "-" * 10 + "modality!=text", "(a or (b and " * 5 + "c or d" + "))" * 5)


@pytest.mark.parametrize("text", _DEEP)
def test_what_is_read_at_the_limits_is_read_again_when_written(text: str) -> None:
    condition = read_filter(text)
    assert condition is not None
    assert read_filter(written(condition)) == condition


@given(
    st.text(max_size=60) | st.lists(st.sampled_from([*'()=!<>:,".-* ', "a", "or", "not", "in", "has:", "path"]), max_size=25).map("".join)
)
def test_any_text_is_read_or_refused_and_reads_the_same_when_written(text: str) -> None:
    try:
        condition = read_filter(text)
    except QueryError:
        return
    if condition is not None:
        assert read_filter(written(condition)) == condition


@pytest.mark.parametrize("seed", range(200))
def test_a_condition_that_is_written_reads_the_same(seed: int) -> None:
    condition = Chance(seed).condition(2)
    assert read_filter(written(condition)) == condition


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50) | st.sampled_from(WORDS))
def test_a_quoted_value_is_never_syntax(text: str) -> None:
    assert read_filter(f"tag={quoted(text)} a") == Every((Among(_TAG, (Value(text, quoted=True),)), Marked("a")))
