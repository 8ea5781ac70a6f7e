"""The arithmetic encoder's vectors, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoders.arithmetic import COLOURS, ArithmeticEncoder
from tests.contracts.encoder_contract import encoded, image, pair, text
from uniir.documents import Modality
from uniir.protocols import Steering
from uniir.queries import Query

ENCODER = ArithmeticEncoder(words=1024)


def test_texts_are_as_alike_as_the_words_they_share() -> None:
    one, two, none = encoded(ENCODER, text("red dog"), text("red cat"), text("blue bird"))
    query = ENCODER.steer(encoded(ENCODER, Query(text="red dog")), [Steering(Modality.TEXT, None)])[0]
    # A document's content has length 1 beside an axis of 1, so a perfect match scores 1 / root 2.
    assert [query @ one, query @ two, query @ none] == pytest.approx([1 / 2**0.5, 0.5 / 2**0.5, 0], abs=1e-6)


def test_a_target_outranks_any_likeness(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    documents = encoded(ENCODER, text("red dog"), image(tmp_path / "red.png"), pair("blue bird", tmp_path / "red.png"))
    query = encoded(ENCODER, Query(text="red dog"))
    for place, target in enumerate((Modality.TEXT, Modality.IMAGE, Modality.IMAGE_TEXT)):
        assert (ENCODER.steer(query, [Steering(Modality.TEXT, target)])[0] @ documents.T).argmax() == place


def test_the_picture_block_holds_mean_colours(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), (9, 99, 199)).save(tmp_path / "plain.png")
    vector = encoded(ENCODER, image(tmp_path / "plain.png"))[0][1024 : 1024 + COLOURS].reshape(-1, 3)
    assert np.allclose(vector / vector[0, 0], [[1, 10, 20]] * 16)


def test_the_dimension_is_a_setting() -> None:
    assert ArithmeticEncoder(words=16).space.dimension == 16 + COLOURS + 3
    assert ArithmeticEncoder(words=16).space != ArithmeticEncoder(words=32).space
