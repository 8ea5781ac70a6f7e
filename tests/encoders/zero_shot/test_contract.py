"""The contract of encoders, as far as it holds for models that know no instruction and no steering."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from encoders.zero_shot.encoder import ZeroShotEncoder
from models.batching import Batches
from models.devices import Device
from tests.contracts.encoder_contract import IMAGES, EncoderContract, ScoreFusingContract, encoded, image, pair, text
from uniir.documents import Document, ImageReference, Modality
from uniir.instructions import Instruction
from uniir.protocols import Encoder, Steering
from uniir.queries import Query


@pytest.fixture(scope="module")
def loaded(saved: Callable[[str], Path]) -> Callable[[str], ZeroShotEncoder]:
    encoders: dict[str, ZeroShotEncoder] = {}

    def load(name: str) -> ZeroShotEncoder:
        if name not in encoders:
            encoders[name] = ZeroShotEncoder.load(saved(name), name, Device(threads=1))
        return encoders[name]

    return load


@pytest.mark.parametrize("name", ["clip", "siglip2", "blip"])
class TestZeroShot(EncoderContract):
    @pytest.fixture
    def encoder(self, loaded: Callable[[str], ZeroShotEncoder], name: str) -> ZeroShotEncoder:
        return loaded(name)

    test_steering_alone_brings_the_wanted_modality_first = None  # type: ignore[assignment]

    def test_steering_and_instructions_change_nothing(self, encoder: Encoder) -> None:
        instruction = Instruction("x", Modality.TEXT, Modality.IMAGE, "find a picture")
        told, untold = encoded(encoder, Query(text="a dog", instruction=instruction), Query(text="a dog"))
        np.testing.assert_array_equal(told, untold)
        np.testing.assert_array_equal(encoder.steer(told[None], [Steering(Modality.TEXT, Modality.IMAGE)]), told[None])


@pytest.mark.parametrize("name", ["siglip", "blip2"])
class TestOtherArchitectures:
    def test_a_pair_depends_on_both_parts(self, loaded: Callable[[str], ZeroShotEncoder], name: str, tmp_path: Path) -> None:
        from PIL import Image

        for colour in ("red", "blue"):
            Image.new("RGB", (40, 30), colour).save(tmp_path / f"{colour}.png")
        pairs = [pair(words, tmp_path / f"{colour}.png") for words in ("a dog", "a train") for colour in ("red", "blue")]
        vectors = encoded(loaded(name), *pairs)
        assert np.abs(vectors @ vectors.T - np.eye(4)).max() < 1 + 1e-5
        assert len({tuple(np.round(vector, 4)) for vector in vectors}) == 4


@pytest.mark.parametrize("name", ["clip", "blip2"])
class TestHalves(ScoreFusingContract):
    @pytest.fixture
    def encoder(self, loaded: Callable[[str], ZeroShotEncoder], name: str) -> ZeroShotEncoder:
        return loaded(name)

    def test_the_halves_of_a_pair_sum_to_its_vector_but_for_the_axes(self, encoder: Encoder, picture: Path) -> None:
        """There are no axes."""
        document = pair("two dogs run in the snow", picture)
        halves = self.halves(encoder, document)
        np.testing.assert_allclose(halves.sum(axis=0), encoded(encoder, document)[0], atol=1e-5)
        assert np.linalg.norm(halves, axis=1) == pytest.approx([np.linalg.norm(halves[0])] * 2, abs=1e-5)

    def test_a_part_that_is_not_there_gives_nothing(self, encoder: Encoder, picture: Path) -> None:
        for document, absent in ((text("a dog runs"), 1), (image(picture), 0)):
            halves = self.halves(encoder, document)
            assert not halves[absent].any()
            np.testing.assert_allclose(halves.sum(axis=0), encoded(encoder, document)[0], atol=1e-5)


@pytest.mark.parametrize(("name", "accepted"), [("clip_text", frozenset({Modality.TEXT})), ("clip_vision", frozenset({Modality.IMAGE}))])
def test_a_model_of_one_side_says_so_and_refuses_the_rest_before_reading_it(
    loaded: Callable[[str], ZeroShotEncoder], name: str, accepted: frozenset[Modality], tmp_path: Path
) -> None:
    encoder = loaded(name)
    assert encoder.accepts == accepted
    nowhere = tmp_path / "gone.png"
    items: list[Document | Query] = [text("a dog"), image(nowhere), pair("a dog", nowhere), Query(text="a", image=ImageReference(nowhere))]
    refused = {failure.position for failure in encoder.prepare(items, IMAGES).failures if failure.code == "not-accepted"}
    assert refused == {number for number, item in enumerate(items) if item.modality not in accepted}


def test_a_side_alone_gives_what_the_whole_model_gives(saved: Callable[[str], Path], tmp_path: Path) -> None:
    from transformers import AutoTokenizer, CLIPTextModelWithProjection

    CLIPTextModelWithProjection.from_pretrained(saved("clip")).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(saved("clip")).save_pretrained(tmp_path)
    whole, alone = (ZeroShotEncoder.load(place, "clip", Device(threads=1)) for place in (saved("clip"), tmp_path))
    np.testing.assert_allclose(encoded(alone, text("a dog")), encoded(whole, text("a dog")), atol=1e-6)


def test_what_does_not_fit_into_memory_is_computed_in_halves(saved: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = ZeroShotEncoder.load(saved("clip"), "clip", Device(threads=1))
    items = [text(f"{word} dog") for word in ("a", "one", "two", "the", "an")]
    expected = encoded(encoder, *items)
    side = encoder._model.text
    assert side is not None
    sizes: list[int] = []
    batch = type(side).batch

    def limited(self: object, texts: object, on: object) -> object:
        sizes.append(len(texts))  # type: ignore[arg-type]
        if len(texts) > 2:  # type: ignore[arg-type]
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")
        return batch(side, texts, on)  # type: ignore[arg-type]

    monkeypatch.setattr(type(side), "batch", limited)
    encoder._batches = Batches(10_000)
    np.testing.assert_allclose(encoded(encoder, *items), expected, atol=1e-6)
    assert sizes[0] == 5
    assert max(sizes[1:]) <= 3


def test_a_picture_of_a_hair_s_breadth_has_a_vector(loaded: Callable[[str], ZeroShotEncoder], tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (20_000, 2), "red").save(tmp_path / "thread.png")
    Image.new("RGB", (40, 40), "red").save(tmp_path / "square.png")
    thread, square = encoded(loaded("clip"), image(tmp_path / "thread.png"), image(tmp_path / "square.png"))
    np.testing.assert_allclose(thread, square, atol=1e-5)
