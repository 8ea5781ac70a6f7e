from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.query.address import NORMAL, RESULTS, Address, Ask, read
from uniir.documents import Modality
from uniir.queries import MAX_RESULTS, Reranking, WordSearch

_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
_DOCUMENTS = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=13, max_size=13)
_WEIGHTS = st.integers(0, 20).map(lambda tenths: tenths / 10)
ASKS = st.builds(
    Ask,
    text=_TEXTS,
    picture=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    like=st.lists(_DOCUMENTS, max_size=3).map(tuple),
    instruction=st.none() | st.just("find-texts"),
    kind=st.none() | st.sampled_from(Modality),
    collection=st.none() | st.just("pantry"),
    text_weight=_WEIGHTS,
    picture_weight=_WEIGHTS,
    negatives=st.lists(_TEXTS.filter(lambda text: bool(text.strip())), max_size=3).map(tuple),
    path=_TEXTS,
    where=_TEXTS,
    results=st.integers(1, MAX_RESULTS),
    rerank=st.sampled_from(Reranking),
    words=st.sampled_from(WordSearch),
    guess=st.booleans(),
    halves=st.booleans(),
)


@given(ASKS, st.none() | _DOCUMENTS)
def test_a_link_holds_the_whole_search(ask: Ask, document: str | None) -> None:
    address = Address(ask, document)
    assert read(address.as_parameters()) == address


@given(
    st.dictionaries(
        st.sampled_from(sorted(Address(Ask()).as_parameters()) or ["text"]) | st.text(max_size=12),
        st.lists(st.text(max_size=80), max_size=3),
    )
)
def test_any_address_can_be_read_and_makes_a_request_the_service_takes(parameters: dict[str, list[str]]) -> None:
    ask = read(parameters).ask
    ask.as_request()


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.lists(st.text(max_size=70) | st.sampled_from(["nan", "inf", "-1", "1e9", "0", "2", "text", "on"]), max_size=3)
            for name in (
                "text",
                "picture",
                "like",
                "instruction",
                "kind",
                "collection",
                "text_weight",
                "not",
                "path",
                "where",
                "results",
                "rerank",
                "document",
            )
        },
    )
)
def test_parts_that_make_no_sense_are_left_out(parameters: dict[str, list[str]]) -> None:
    ask = read(parameters).ask
    ask.as_request()
    assert 0 <= ask.text_weight <= 2
    assert 1 <= ask.results <= MAX_RESULTS


def test_what_is_as_always_is_not_in_the_address() -> None:
    assert Address().as_parameters() == {}
    assert Address(Ask(text="pear", results=RESULTS)).as_parameters() == {"text": ["pear"]}


def test_a_blank_search_asks_for_nothing() -> None:
    assert Ask(text="  ").is_empty
    assert not Ask(like=("38FWXRWZCQJHA",)).is_empty


@pytest.mark.parametrize(
    ("ask", "modality"),
    [
        (Ask(), None),
        (Ask(text="pear"), Modality.TEXT),
        (Ask(picture="0" * 64), Modality.IMAGE),
        (Ask(text="pear", picture="0" * 64), Modality.IMAGE_TEXT),
        (Ask(like=("38FWXRWZCQJHA",)), Modality.IMAGE_TEXT),
    ],
)
def test_what_is_given_decides_which_instructions_fit(ask: Ask, modality: Modality | None) -> None:
    assert ask.modality is modality


def test_options_count_what_is_unusual_and_go_back_to_normal() -> None:
    ask = Ask(text="pear", text_weight=0.4, negatives=("juice",), results=12)
    assert ask.unusual == 3
    assert replace(ask, **NORMAL) == Ask(text="pear")
    assert replace(ask, kind=Modality.TEXT).unusual == 3, "the kind has a place of its own in the bar"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Ask(text="a cat"), Ask(text="a dog"), True),
        (Ask(text="a cat"), Ask(text="a cat", rerank=Reranking.ON), True),
        (Ask(text="a cat"), Ask(text=" "), False),
        (Ask(text="a cat"), Ask(text="a dog", kind=Modality.TEXT), False),
        (Ask(text="a cat"), Ask(text="a dog", picture="0" * 64), False),
    ],
)
def test_the_bar_stays_as_it_is_for_other_words(one: Ask, other: Ask, same: bool) -> None:
    assert one.has_the_bar_of(other) is same
