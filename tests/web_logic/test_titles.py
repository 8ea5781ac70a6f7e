from __future__ import annotations

import json
from typing import Any

import pytest

from app.web.titles import alternative_text, file_of, flat, in_words, place_below, place_in_file, title_of
from tests.web_logic.hits import hit
from tests.web_logic.test_marking import document
from uniir.documents import Modality


@pytest.mark.parametrize(
    ("metadata", "title"),
    [
        ({"title": "Conference pear"}, "Conference pear"),
        ({"Class": "Yellow-Onion"}, "Yellow Onion"),
        ({"src_content": json.dumps({"class": "Granny_Smith"})}, "Granny Smith"),
        ({"id": "apple-pie"}, "Apple pie"),
        ({"id": "9f-31"}, "A sour apple."),
        ({"title": "  "}, "A sour apple."),
        ({"src_content": "{not json"}, "A sour apple."),
    ],
)
def test_a_document_is_called_what_its_makers_called_it_else_by_its_first_words(metadata: dict[str, Any], title: str) -> None:
    assert title_of(hit(metadata=metadata)) == title


def test_a_picture_without_words_is_called_by_its_file() -> None:
    picture = hit(modality=Modality.IMAGE)
    assert title_of(picture) == file_of(picture) == "apple.webp"
    assert alternative_text(picture) == "Picture, apple.webp"


def test_a_pair_stands_in_the_file_of_its_text() -> None:
    pair = hit(modality=Modality.IMAGE_TEXT)
    assert file_of(pair) == "catalogue.jsonl"
    assert alternative_text(pair) == "A sour apple."


def test_long_titles_end_between_words() -> None:
    title = title_of(hit(text="word " * 100))
    assert len(title) < 90
    assert title.endswith("word…")


def test_the_mark_of_a_heading_is_no_part_of_a_title() -> None:
    assert title_of(hit(text="\n# Pears\n\nAll of them")) == "Pears"


def test_places_are_said_in_words() -> None:
    assert place_in_file("/corpus/catalogue.jsonl", "line=28") == "catalogue.jsonl, line 28"
    assert place_in_file("/corpus/a.txt", None) == "a.txt"
    assert place_in_file("/corpus/a.txt", "chars=1200-1800") == "a.txt, characters 1,200 to 1,800"


def test_a_source_is_told_with_the_folders_below_the_one_that_was_ingested() -> None:
    assert place_below(document("x", path="/corpus/notes/a.txt", root="/corpus", locator=None)) == "notes/a.txt"
    assert place_below(document("x", path="/corpus/a.txt", root="/corpus/a.txt", locator="chars=0-9")) == "a.txt, characters 0 to 9"
    assert place_below(document("x", path="/elsewhere/a.txt", root="/corpus", locator=None)) == "/elsewhere/a.txt"


def test_objects_in_metadata_are_opened_up() -> None:
    assert flat({"src_content": '{"class": "Pear", "deep": {"x": 1}}', "n": 3}) == {"class": "Pear", "deep": {"x": 1}, "n": 3}


def test_metadata_is_written_for_people() -> None:
    assert in_words(["boots", 2]) == "boots, 2"
    assert in_words(False) == "false"
    assert in_words({"maker": "Müller"}) == '{"maker": "Müller"}'
