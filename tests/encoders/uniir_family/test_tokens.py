"""Tokens of texts that are not plain English, by what CLIP's and BERT's own code make of them."""

from __future__ import annotations

import pytest

from encoders.uniir_family.tokens import CLIP_END, CLIP_START, blip_ids, clip_ids


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("it\u2019s a \u201ccr\u00e8me\u201d", 'it\'s a "cr\u00e8me"'),
        ("cafÃ©", "café"),
        ("A &amp;lt; B", "a < b"),
        ("two\n\t lines\u00a0here ", "two lines here"),
        ("e\u0301", "\u00e9"),
    ],
    ids=["curly quotes", "wrongly decoded", "html twice", "blanks", "decomposed"],
)
def test_clip_mends_texts_before_it_cuts_them(text: str, like: str) -> None:
    assert clip_ids(text, 77) == clip_ids(like, 77)


def test_a_text_that_is_too_long_keeps_its_end_token() -> None:
    ids = clip_ids("word " * 200, 77)
    assert (len(ids), ids[0], ids[-1]) == (77, CLIP_START, CLIP_END)
    assert clip_ids("", 77) == [CLIP_START, CLIP_END]
    assert blip_ids("word " * 200, 100)[-1] == 102
    assert len(blip_ids("word " * 200, 100)) == 100


def test_berts_tokens_drop_accents_and_characters_without_a_name() -> None:
    assert blip_ids("Caf\u00e9\u200b", 100) == blip_ids("cafe", 100)
    assert blip_ids("a\U0003fffeb", 100) == blip_ids("ab", 100)


def test_names_of_special_tokens_in_a_text_are_those_tokens() -> None:
    assert 102 in blip_ids("one [SEP] two", 100)[1:-1]
    assert clip_ids("one <|endoftext|> two", 77).index(CLIP_END) == 2
