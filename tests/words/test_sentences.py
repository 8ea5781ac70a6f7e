"""Sentences and their places."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniir.sentences import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   \n", []),
        ("one", ["one"]),
        ("One. Two? Three!", ["One.", "Two?", "Three!"]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("A title\n\nA line\nand another", ["A title", "A line", "and another"]),
        ("It costs 3.50 in all... or more. Yes", ["It costs 3.50 in all...", "or more.", "Yes"]),
        ("犬が走る。猫が寝る。", ["犬が走る。", "猫が寝る。"]),
        ("--- One. --- ***", ["--- One."]),
    ],
)
def test_sentences_are_told_apart(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected


@given(st.text(st.sampled_from("ab .!?\n\"'。é")))
def test_spans_are_in_order_apart_and_hold_every_letter(text: str) -> None:
    spans = sentences(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    kept = "".join(text[start:end] for start, end in spans)
    assert [one for one in kept if one.isalnum()] == [one for one in text if one.isalnum()]
