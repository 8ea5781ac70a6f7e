"""Cutting texts into passages."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.passages import LONGEST, cut
from tests.conftest import Worlds
from tests.folders import rewrite

_TEXTS = st.text(st.one_of(st.sampled_from(" \n\t.!?;,ab\u3002\u00a0\u2028\x1c"), st.characters(codec="utf-8")), max_size=400)


@given(_TEXTS, st.integers(1, 60))
@example("a" * 500, 7)
@example(" \n" * 100, 5)
@example("one. two. " * 30, 25)
def test_passages_cover_a_text_in_order_and_are_never_too_long(text: str, longest: int) -> None:
    passages = list(cut(text, longest))
    end = 0
    for passage in passages:
        assert passage.text == text[passage.start : passage.end]
        assert 0 < len(passage.text) <= longest
        assert passage.text == passage.text.strip()
        assert passage.text
        assert text[end : passage.start].strip() == "", "something that is no space was left out"
        assert passage.start >= end
        end = passage.end
    assert text[end:].strip() == ""


@given(_TEXTS)
def test_a_text_that_is_short_enough_is_one_passage(text: str) -> None:
    assert [passage.text for passage in cut(text, 400)] == ([text.strip()] if text.strip() else [])


def test_paragraphs_are_cut_before_sentences_and_sentences_before_words() -> None:
    assert [one.text for one in cut("One two. Three.\n\nFour five six.", 20)] == ["One two. Three.", "Four five six."]
    assert [one.text for one in cut("One two three. Four five six.", 20)] == ["One two three.", "Four five six."]
    assert [one.text for one in cut("one two three four five", 10)] == ["one two", "three four", "five"]


@pytest.mark.parametrize(
    "quoted",
    [
        '"Yes."',
        "\u201cYes.\u201d",
        "\u201eJa.\u201c",
        "\u00bbJa.\u00ab",
        "\u00abOui.\u00bb",
        "(Yes.)",
    ],
)
def test_a_closing_quotation_mark_stays_with_its_sentence(quoted: str) -> None:
    assert [one.text for one in cut(f"She said {quoted} Then she left.", 18)] == [f"She said {quoted}", "Then she left."]


def test_neighbours_share_a_passage_while_they_fit() -> None:
    assert [one.text for one in cut("A.\n\nB.\n\nC.\n\nD.", 8)] == ["A.\n\nB.", "C.\n\nD."]


def test_a_long_text_becomes_documents_that_point_at_their_place(world: Worlds) -> None:
    text = "\n\n".join(f"Paragraph {number}. " + "word " * 60 for number in range(12))
    here = world({"long.md": text})
    counts = here.ingest()
    assert counts.added == 1
    documents = here.documents()
    assert counts.documents == len(documents) > 3
    for place, document in documents.items():
        start, end = map(int, place.removeprefix("long.md#chars=").split("-"))
        assert document.text == text[start:end]
        assert len(document.text or "") <= LONGEST


def test_offsets_count_characters_of_the_decoded_text_with_plain_line_ends(world: Worlds) -> None:
    text = "\r\n\r\n".join(["\u00e4\U0001f408 " * 250, "\u00f6 word. " * 100])
    here = world({"long.txt": b"\xef\xbb\xbf" + text.encode()})
    here.ingest()
    plain = text.replace("\r\n", "\n")
    for place, document in here.documents().items():
        start, end = map(int, place.removeprefix("long.txt#chars=").split("-"))
        assert document.text == plain[start:end]


def test_a_paragraph_that_changes_leaves_the_other_passages_their_ids_and_vectors(world: Worlds) -> None:
    paragraphs = [f"{word} " * 140 for word in ("alpha", "beta", "gamma", "delta")]
    here = world({"long.txt": "\n\n".join(paragraphs)})
    here.ingest()
    before = {document.text: document.id for document in here.documents().values()}
    rewrite(here.corpus / "long.txt", "\n\n".join([paragraphs[0], "quite other " * 70, *paragraphs[2:]]))
    counts = here.ingest()
    after = {document.text: document.id for document in here.documents().values()}
    assert (counts.changed, counts.documents) == (1, 1)
    assert {text: number for text, number in after.items() if text in before}.items() <= before.items()
    assert set(after.values()) == set(before.values())


def test_a_text_that_shrinks_drops_the_rest(world: Worlds) -> None:
    here = world({"long.txt": "alpha beta. " * 300})
    here.ingest()
    assert len(here.documents()) > 2
    rewrite(here.corpus / "long.txt", "alpha beta.")
    here.ingest()
    assert here.documents().keys() == {"long.txt"}
    assert here.stored().tolist() == here.indexed().tolist()
