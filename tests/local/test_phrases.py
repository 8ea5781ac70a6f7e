"""Short names for what documents say or show."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.local.phrases import opening, subject
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
