from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.web.document.marking import marked_html
from uniir.documents import Modality
from uniir.wire import DocumentAnswer


def document(text: str, **parts: Any) -> DocumentAnswer:
    values: dict[str, Any] = {
        "id": "0000000000001",
        "modality": Modality.TEXT,
        "text": text,
        "path": "a.txt",
        "locator": None,
        "image": None,
        "metadata": {},
        "collection": "default",
        "root": "/corpus",
        "external_id": None,
        "picture": None,
        "whole_text": None,
        "passage": None,
        "neighbours": [],
    }
    return DocumentAnswer(**(values | parts))


def test_the_best_sentence_is_marked_in_the_passage_s_place_in_the_whole_text() -> None:
    known = document("Two. Three.", whole_text="One. Two. Three. Four.", passage=(5, 16))
    assert marked_html(known, (5, 11)) == ("One. Two. <mark>Three.</mark> Four.", True, False)


def test_without_a_best_sentence_the_passage_is_marked() -> None:
    known = document("Two.", whole_text="One. Two. Three.", passage=(5, 9))
    assert marked_html(known, None) == ("One. <mark>Two.</mark> Three.", False, True)


def test_what_is_all_of_the_text_is_not_marked() -> None:
    assert marked_html(document("One."), (0, 4)) == ("One.", False, False)


def test_text_is_never_markup() -> None:
    assert marked_html(document("<b>x</b> & y"), (0, 8))[0] == "<mark>&lt;b&gt;x&lt;/b&gt;</mark> &amp; y"


def test_a_very_long_text_is_shown_around_the_passage() -> None:
    whole = "a" * 100_000 + "HERE" + "b" * 100_000
    shown, _, _ = marked_html(document("HERE", whole_text=whole, passage=(100_000, 100_004)), None)
    assert "<mark>HERE</mark>" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < 21_000


@given(st.text(max_size=60), st.tuples(st.integers(-5, 70), st.integers(-5, 70)), st.tuples(st.integers(0, 70), st.integers(0, 70)))
def test_no_place_whatever_breaks_the_text(text: str, sentence: tuple[int, int], passage: tuple[int, int]) -> None:
    shown, _, _ = marked_html(document(text[:20], whole_text=text or None, passage=passage if text else None), sentence)
    assert shown.count("<mark>") == shown.count("</mark>") <= 1
