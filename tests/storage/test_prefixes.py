"""Beginnings of paths as ranges."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.sql.conditions.prefixes import after_all_with, prefixes_below

_LETTERS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(["\ud7ff", "\U0010ffff", "a", "/"]), max_size=6)


@given(_LETTERS, _LETTERS)
def test_a_text_lies_in_the_range_exactly_when_it_starts_so(prefix: str, text: str) -> None:
    for one in (text, prefix + text):
        end = after_all_with(prefix)
        assert one.startswith(prefix) == (prefix <= one and (not end or one < end))


def test_nothing_follows_the_greatest_letter() -> None:
    assert after_all_with("a" + chr(sys.maxunicode) * 2) == "b"
    assert after_all_with(chr(sys.maxunicode)) == after_all_with("") == ""


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("/data/photos", "2024/", ["2024/"]),
        ("/data/photos", "/data/photos/2024", ["/data/photos/2024", "2024"]),
        ("/data/photos", "/data/photos", [""]),
        ("/data/photos", "/data/ph", [""]),
        ("/data/photos", "/data/photos2", ["/data/photos2"]),
        ("/", "/etc", ["/etc", "etc"]),
        ("/", "/", [""]),
        ("/data/photos", "", [""]),
    ],
)
def test_a_path_is_below_its_root_or_in_full(root: str, path: str, expected: list[str]) -> None:
    assert list(prefixes_below(root, path)) == expected
