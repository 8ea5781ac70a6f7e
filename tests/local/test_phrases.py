"""Short names for what documents say or show."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.local.searches.phrases import fragment, opening, query, subject
from uniir.documents import Document, ImageReference, Json, Modality, Source


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# About sailing\n\nSails need wind.", "About sailing"),
        ("A dog runs. It barks.", "A dog runs"),
        ("Put the kettle and the pot of tea on the stove again today", "Put the kettle and the pot of tea"),
        ("When the water has boiled, pour it over the ground coffee beans slowly", "When the water has boiled"),
        ("word", ""),
        ("", ""),
        ("***\n- one item", "one item"),
    ],
)
def test_a_phrase_is_whole_and_short(text: str, said: str) -> None:
    assert opening(text) == said


@pytest.mark.parametrize(
    ("metadata", "text", "said"),
    [
        ({"title": "The harbour at night"}, "something else here", "The harbour at night"),
        ({"src_content": {"class": "squat"}}, None, "squat"),
        ({"year": 1999}, "a blue boat", "a blue boat"),
        ({}, None, "blue boat"),
    ],
)
def test_a_picture_is_named_by_what_is_known_of_it(metadata: dict[str, Json], text: str | None, said: str) -> None:
    document = Document(
        id=1,
        modality=Modality.of(text=text is not None, image=True),
        text=text,
        image=ImageReference(Path("/corpus/blue_boat.jpg")),
        source=Source("/corpus", "list.jsonl", "did=1"),
        metadata=metadata,
    )
    assert subject(document) == said


@pytest.mark.parametrize(
    ("text", "metadata", "asked"),
    [
        ("# Why the moon changes\n\nThe sun lights one half of it, always.", {}, "Why the moon changes"),
        ("A dog runs on the beach.", {}, "A dog runs on the beach"),
        ("Prep time: 10 minutes", {}, ""),
        ("<h1>Boats</h1> are nice", {}, ""),
        ("A dog **runs** on the beach", {}, ""),
        ("When the water has boiled, pour it slowly over the beans and wait for four minutes", {}, ""),
        ("When the water has boiled, pour it slowly over the beans and wait for four minutes", {"title": "Filter coffee"}, "Filter coffee"),
        ("", {"title": "squat"}, ""),
    ],
)
def test_what_one_asks_for_is_a_whole_phrase_without_markup(text: str, metadata: dict[str, Json], asked: str) -> None:
    assert query(_text(text, metadata)) == asked


def test_a_fragment_is_the_last_resort_and_never_markup() -> None:
    assert fragment(_text("When the water has boiled, pour it slowly over the beans and wait for a while")) == "When the water has boiled"
    assert fragment(_text("Click [here](https://example.org) to read on, if you like, about the boats of this bay")) == ""


def _text(text: str, metadata: dict[str, Json] | None = None) -> Document:
    return Document(id=1, modality=Modality.TEXT, text=text, image=None, source=Source("/corpus", "note.md", ""), metadata=metadata or {})
