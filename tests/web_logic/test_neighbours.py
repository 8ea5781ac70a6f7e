from __future__ import annotations

from app.web.document.dialog import place_of_neighbours
from tests.web_logic.test_marking import document
from uniir.documents import Modality
from uniir.wire import Neighbour


def beside(path: str) -> Neighbour:
    return Neighbour(id="0000000000002", modality=Modality.TEXT, text="x", path=path, locator=None, image=None, metadata={})


def test_lines_of_a_manifest_stand_beside_each_other_in_it() -> None:
    known = document("x", path="shop/catalogue.jsonl", neighbours=[beside("shop/catalogue.jsonl")])
    assert place_of_neighbours(known) == "catalogue.jsonl"


def test_files_stand_beside_each_other_in_their_folder() -> None:
    assert place_of_neighbours(document("x", path="sky/hubble.jpg", neighbours=[beside("sky/moon.jpg")])) == "sky"
    assert place_of_neighbours(document("x", path="hubble.jpg", neighbours=[beside("moon.jpg")])) == "corpus"
