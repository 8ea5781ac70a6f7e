"""Models of sentence-transformers: what the library computes, with the library's own prompts, and nothing that it was not given."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoders.catalogue import load_encoder
from encoders.sentences.encoder import SentenceEncoder
from encoders.sentences.prompts import Prompts
from models.devices import Device
from tests.contracts.encoder_contract import IMAGES, EncoderContract, encoded, image, pair, text
from uniir.documents import Document, ImageReference, Modality
from uniir.errors import ModelUnavailable
from uniir.instructions import Instruction
from uniir.protocols import Encoder, ReadsInstructions, ReadsPartsTogether, ScoreFusing, Steering
from uniir.queries import Query

DEVICE = Device(threads=1)
ASK = Instruction("x", Modality.TEXT, Modality.TEXT, "find a cat.")


@pytest.fixture(scope="module")
def loaded(saved: Callable[[str], Path]) -> Callable[[str], SentenceEncoder]:
    encoders: dict[str, SentenceEncoder] = {}

    def load(name: str) -> SentenceEncoder:
        if name not in encoders:
            encoders[name] = SentenceEncoder.load(saved(name), name, DEVICE)
        return encoders[name]

    return load


class TestOfTextsAndPictures(EncoderContract):
    @pytest.fixture
    def encoder(self, loaded: Callable[[str], SentenceEncoder]) -> Encoder:
        return loaded("pictures")

    test_steering_alone_brings_the_wanted_modality_first = None  # type: ignore[assignment]

    def test_steering_changes_nothing(self, encoder: Encoder) -> None:
        vectors = encoded(encoder, Query(text="a dog"))
        np.testing.assert_array_equal(encoder.steer(vectors, [Steering(Modality.TEXT, Modality.IMAGE)]), vectors)

    def test_a_text_that_is_called_like_a_picture_stays_a_text(self, encoder: Encoder, pictures: list[Path]) -> None:
        named, seen = encoded(encoder, text(str(pictures[0])), image(pictures[0]))
        assert named @ seen < 0.99
        assert encoded(encoder, text("https://example.org/cat.jpg")).shape == (1, encoder.space.dimension)

    def test_halves_of_a_pair_sum_to_its_vector(self, encoder: Encoder, pictures: list[Path]) -> None:
        assert isinstance(encoder, ScoreFusing)
        assert not isinstance(encoder, ReadsPartsTogether)
        document = pair("a dog", pictures[0])
        halves = encoder.halves(document, IMAGES)
        np.testing.assert_allclose(halves.sum(axis=0), encoded(encoder, document)[0], atol=1e-5)


def library_says(directory: Path, inputs: list[object], prompt: str = "") -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(directory), device="cpu")
    model.max_seq_length = 20
    return np.asarray(model.encode(inputs, prompt=prompt, normalize_embeddings=True, show_progress_bar=False))


def test_vectors_are_those_of_the_library(loaded: Callable[[str], SentenceEncoder], saved: Callable[[str], Path], tmp_path: Path) -> None:
    Image.new("RGB", (50, 40), "red").save(tmp_path / "red.png")
    opened = Image.open(tmp_path / "red.png")
    theirs = np.concatenate([library_says(saved("pictures"), [one]) for one in ("a dog runs", opened)])
    np.testing.assert_allclose(encoded(loaded("pictures"), text("a dog runs"), image(tmp_path / "red.png")), theirs, atol=1e-5)
    np.testing.assert_allclose(encoded(loaded("texts"), text("a dog")), library_says(saved("texts"), ["a dog"]), atol=1e-5)


def test_queries_and_documents_get_the_models_own_prompts(loaded: Callable[[str], SentenceEncoder], saved: Callable[[str], Path]) -> None:
    vectors = encoded(loaded("prompted"), Query(text="a dog"), text("a dog"), Query(text="a dog", instruction=ASK))
    for vector, prompt in zip(vectors, ("one: ", "two: ", "one: "), strict=True):
        np.testing.assert_allclose(vector, library_says(saved("prompted"), ["a dog"], prompt)[0], atol=1e-5)


def test_an_instruction_stands_where_the_model_expects_it(loaded: Callable[[str], SentenceEncoder], saved: Callable[[str], Path]) -> None:
    for name, prompt in (("instructed", "Instruct: find a cat.\nQuery: "), ("texts", "")):
        told = encoded(loaded(name), Query(text="a dog", instruction=ASK))
        np.testing.assert_allclose(told, library_says(saved(name), ["a dog"], prompt), atol=1e-5)


def test_a_model_whose_queries_are_no_documents_says_so(loaded: Callable[[str], SentenceEncoder]) -> None:
    told = {name: isinstance(loaded(name), ReadsInstructions) for name in ("texts", "prompted", "instructed", "pictures")}
    assert told == {"texts": False, "prompted": True, "instructed": True, "pictures": False}


def test_what_a_model_is_told_is_data() -> None:
    assert Prompts.of("Qwen/Qwen3-VL-Embedding-2B", {"query": "Represent it."}).before(ASK) == "find a cat."
    assert Prompts.of("x", {"query": "Instruct: y\nQuery:"}).before(ASK) == "Instruct: find a cat.\nQuery:"
    assert Prompts.of("x", {"query": "Instruct: y\nQuery:"}).before(None) == "Instruct: y\nQuery:"
    assert Prompts.of("intfloat/multilingual-e5-large-instruct", {}).before(ASK) == "Instruct: find a cat.\nQuery: "
    assert Prompts.of("x", {}).before(ASK) == ""
    assert Prompts.of("x", {"passage": "passage: "}).document == "passage: "


def test_a_model_of_texts_says_so_and_refuses_pictures_before_reading_them(
    loaded: Callable[[str], SentenceEncoder], tmp_path: Path
) -> None:
    encoder = loaded("texts")
    assert encoder.accepts == {Modality.TEXT}
    nowhere = tmp_path / "gone.png"
    items: list[Document | Query] = [text("a"), image(nowhere), pair("a", nowhere), Query(image=ImageReference(nowhere))]
    assert [failure.code for failure in encoder.prepare(items, IMAGES).failures] == ["not-accepted"] * 3


def test_it_goes_by_its_directory_with_or_without_the_prefix(saved: Callable[[str], Path], tmp_path: Path) -> None:
    shutil.copytree(saved("texts"), tmp_path / "somebody--words")
    for name in ("somebody--words", "st:somebody--words", "st:somebody/words"):
        assert load_encoder(name, DEVICE, tmp_path).space.dimension == 32
    assert load_encoder(f"st:{saved('texts')}", DEVICE, tmp_path).space.encoder == f"st:{saved('texts')}"
    with pytest.raises(ModelUnavailable, match="uniir models pull somebody/else"):
        load_encoder("st:somebody/else", DEVICE, tmp_path)
    with pytest.raises(ModelUnavailable, match="uniir models pull st-minilm"):
        load_encoder("st-minilm", DEVICE, tmp_path)


def test_code_beside_the_weights_is_never_run(saved: Callable[[str], Path], tmp_path: Path) -> None:
    place = shutil.copytree(saved("texts"), tmp_path / "own")
    ran = tmp_path / "ran"
    (place / "own_part.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    parts = json.loads((place / "modules.json").read_text())
    parts[1]["type"] = "own_part.Pooling"
    (place / "modules.json").write_text(json.dumps(parts))
    with pytest.raises(ModelUnavailable, match=r"code of its own \(own_part\.Pooling\)"):
        load_encoder(str(place), DEVICE)
    assert not ran.exists()


def test_damaged_files_are_told(saved: Callable[[str], Path], tmp_path: Path) -> None:
    place = shutil.copytree(saved("texts"), tmp_path / "broken")
    (place / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ModelUnavailable, match="can't be read"):
        load_encoder(str(place), DEVICE)
    (place / "modules.json").write_text("{")
    with pytest.raises(ModelUnavailable, match=r"modules\.json can't be read"):
        load_encoder(str(place), DEVICE)


def test_half_precision_reaches_every_part(saved: Callable[[str], Path]) -> None:
    single, half = (
        encoded(SentenceEncoder.load(saved("instructed"), "x", Device(dtype=one, threads=1)), text("a dog"))
        for one in ("float32", "bfloat16")
    )
    assert (single * half).sum() > 0.99
