"""What every encoder promises. Inherit from a contract that fits and give it a fixture `encoder`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from uniir.documents import Document, ImageReference, Modality, Source
from uniir.errors import InputFailure
from uniir.images import FileImages
from uniir.protocols import Encoder, ScoreFusing, Steering
from uniir.queries import Query, Weights

IMAGES = FileImages()
SOURCE = Source(root="/", path="somewhere")
TOLERANCE = 1e-5
STRANGE_TEXTS = ("été à Paris 🐕", "犬が走る", "\u202eright to left\u202c", "a", "?!", "word " * 20_000, "x" * 50_000)


def text(content: str) -> Document:
    return Document(id=1, modality=Modality.TEXT, text=content, source=SOURCE)


def image(file: Path) -> Document:
    return Document(id=2, modality=Modality.IMAGE, image=ImageReference(file), source=SOURCE)


def pair(content: str, file: Path) -> Document:
    return Document(id=3, modality=Modality.IMAGE_TEXT, text=content, image=ImageReference(file), source=SOURCE)


def encoded(encoder: Encoder, *items: Document | Query) -> NDArray[np.float32]:
    """Vectors of items that must all be usable."""
    prepared = encoder.prepare(items, IMAGES)
    assert not prepared.failures
    return encoder.encode(prepared)


def lengths(vectors: NDArray[np.float32]) -> list[float]:
    return np.linalg.norm(vectors, axis=1).tolist()


class AnyEncoderContract:
    """What holds also for an encoder that reads text and picture as one and is steered by nothing but its instruction."""

    @pytest.fixture
    def pictures(self, tmp_path: Path) -> list[Path]:
        """A noisy one, a red one, a black one, and one of a single pixel."""
        noise = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
        made = {
            "noise.png": Image.fromarray(noise),
            "red.png": Image.new("RGB", (40, 40), "red"),
            "black.png": Image.new("RGB", (300, 20)),
            "dot.png": Image.new("RGB", (1, 1), "blue"),
        }
        for name, picture in made.items():
            picture.save(tmp_path / name)
        return [tmp_path / name for name in made]

    @pytest.fixture
    def items(self, pictures: Sequence[Path]) -> list[Document | Query]:
        """One of each kind of document and query."""
        return [
            text("a dog runs"),
            image(pictures[0]),
            pair("a dog runs", pictures[0]),
            Query(text="a dog runs"),
            Query(image=ImageReference(pictures[1])),
            Query(text="a dog runs", image=ImageReference(pictures[1])),
            image(pictures[3]),
        ]

    def test_vectors_have_the_dimension_of_the_space_and_unit_length(self, encoder: Encoder, items: list[Document | Query]) -> None:
        vectors = encoded(encoder, *items)
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(items), encoder.space.dimension)
        assert lengths(vectors) == pytest.approx([1] * len(items), abs=TOLERANCE)

    def test_what_stands_beside_it_does_not_change_a_vector_and_order_is_kept(
        self, encoder: Encoder, items: list[Document | Query]
    ) -> None:
        together = encoded(encoder, *items, text("a much longer text that would pad every other one in its batch, " * 8))
        for row, item in zip(together, items, strict=False):
            np.testing.assert_allclose(row, encoded(encoder, item)[0], atol=TOLERANCE)
        backwards = encoded(encoder, *reversed(items))
        np.testing.assert_allclose(backwards[::-1], together[: len(items)], atol=TOLERANCE)

    def test_failures_are_data_and_the_rest_goes_on(self, encoder: Encoder, tmp_path: Path, pictures: Sequence[Path]) -> None:
        broken = tmp_path / "broken.png"
        broken.write_bytes(pictures[0].read_bytes()[:200])
        prepared = encoder.prepare([text("one"), image(broken), text(" "), image(tmp_path / "gone.png"), text("two")], IMAGES)
        assert prepared.positions == (0, 4)
        assert [failure.position for failure in prepared.failures] == [1, 2, 3]
        assert all(failure.code and failure.reason for failure in prepared.failures)
        np.testing.assert_allclose(encoder.encode(prepared), encoded(encoder, text("one"), text("two")), atol=TOLERANCE)

    def test_a_query_of_nothing_is_a_failure(self, encoder: Encoder) -> None:
        assert [failure.position for failure in encoder.prepare([Query(like=(1,))], IMAGES).failures] == [0]

    def test_nothing_in_gives_nothing_out(self, encoder: Encoder) -> None:
        assert encoded(encoder).shape == (0, encoder.space.dimension)
        assert encoder.steer(np.empty((0, encoder.space.dimension), np.float32), ()).shape == (0, encoder.space.dimension)

    @pytest.mark.parametrize("content", STRANGE_TEXTS, ids=range(len(STRANGE_TEXTS)))
    def test_any_text_has_a_vector(self, encoder: Encoder, content: str) -> None:
        assert lengths(encoded(encoder, text(content))) == pytest.approx([1], abs=TOLERANCE)

    def test_preparing_in_many_threads_gives_what_one_gives(self, encoder: Encoder, items: list[Document | Query]) -> None:
        alone = encoded(encoder, *items)
        with ThreadPoolExecutor(8) as pool:
            prepared = list(pool.map(lambda _: encoder.prepare(items, IMAGES), range(16)))
        for one in prepared[::5]:
            np.testing.assert_allclose(encoder.encode(one), alone, atol=TOLERANCE)

    @pytest.mark.parametrize("target", [None, *Modality])
    def test_steered_vectors_have_unit_length(self, encoder: Encoder, items: list[Document | Query], target: Modality | None) -> None:
        steering = [Steering(Modality.TEXT, target)] * len(items)
        steered = encoder.steer(encoded(encoder, *items), steering)
        assert lengths(steered) == pytest.approx([1] * len(items), abs=TOLERANCE)

    def test_steering_leaves_its_input_alone(self, encoder: Encoder) -> None:
        vectors = encoded(encoder, Query(text="a dog"))
        before = vectors.copy()
        encoder.steer(vectors, [Steering(Modality.TEXT, Modality.IMAGE)])
        np.testing.assert_array_equal(vectors, before)

    def test_it_says_what_it_accepts(self, encoder: Encoder) -> None:
        assert encoder.accepts
        assert encoder.accepts <= frozenset(Modality)


class EncoderContract(AnyEncoderContract):
    """What holds for an encoder that adds parts up and turns vectors towards a modality."""

    def test_a_pair_is_the_normalised_sum_of_its_parts(self, encoder: Encoder, pictures: Sequence[Path]) -> None:
        here = ImageReference(pictures[0])
        both, of_text, of_image = encoded(encoder, Query(text="a dog", image=here), Query(text="a dog"), Query(image=here))
        total = of_text + of_image
        np.testing.assert_allclose(both, total / np.linalg.norm(total), atol=TOLERANCE)

    def test_weights_of_the_parts_count(self, encoder: Encoder, pictures: Sequence[Path]) -> None:
        here = ImageReference(pictures[0])
        weights = Weights(text=2.0, image=0.5)
        both, of_text, of_image = encoded(encoder, Query(text="a dog", image=here, weights=weights), Query(text="a dog"), Query(image=here))
        total = 2.0 * of_text + 0.5 * of_image
        np.testing.assert_allclose(both, total / np.linalg.norm(total), atol=TOLERANCE)

    def test_a_stored_pair_depends_on_its_parts_alone(self, encoder: Encoder, pictures: Sequence[Path]) -> None:
        """What a document's pair is made of is up to the encoder; that both parts are in it, and nothing else, is not."""
        parts = encoded(encoder, text("a dog"), text("a train"), image(pictures[0]), image(pictures[1]))
        pairs = encoded(encoder, *(pair(words, file) for words in ("a dog", "a train") for file in pictures[:2]))
        for number, (of_text, of_image) in enumerate(((0, 2), (0, 3), (1, 2), (1, 3))):
            assert (pairs @ parts[of_text]).argmax() // 2 == number // 2
            assert pairs[number] @ parts[of_image] > pairs[number ^ 1] @ parts[of_image]

    @pytest.mark.parametrize("target", Modality)
    def test_steering_alone_brings_the_wanted_modality_first(self, encoder: Encoder, pictures: Sequence[Path], target: Modality) -> None:
        documents = [text("a dog runs"), image(pictures[0]), pair("a dog runs", pictures[0]), text("a train"), pair("a train", pictures[2])]
        queries = encoded(encoder, Query(text="a dog runs"), Query(image=ImageReference(pictures[0])))
        steered = encoder.steer(queries, [Steering(Modality.TEXT, target), Steering(Modality.IMAGE, target)])
        best = (steered @ encoded(encoder, *documents).T).argmax(axis=1)
        assert [documents[place].modality for place in best] == [target, target]

    def test_a_documents_own_modality_is_forgotten_when_it_is_steered(self, encoder: Encoder, pictures: Sequence[Path]) -> None:
        document, query = encoded(encoder, image(pictures[0]), Query(image=ImageReference(pictures[0])))
        steering = [Steering(Modality.IMAGE, Modality.TEXT)]
        np.testing.assert_allclose(encoder.steer(document[None], steering), encoder.steer(query[None], steering), atol=TOLERANCE)


def assert_sums_but_for_axes(halves: NDArray[np.float32], vector: NDArray[np.float32]) -> None:
    """An encoder has some axes of its own, on which neither half stands."""
    differs = np.abs(halves.sum(axis=0) - vector) > TOLERANCE
    assert 1 <= differs.sum() <= len(Modality) + 1
    assert not halves[:, differs].any()


class ScoreFusingContract:
    """For an encoder that is `ScoreFusing` too: what the text and the picture give to a document's vector."""

    @pytest.fixture
    def picture(self, tmp_path: Path) -> Path:
        noise = np.random.default_rng(3).integers(0, 256, (50, 70, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "noise.png")
        return tmp_path / "noise.png"

    @staticmethod
    def halves(encoder: Encoder, document: Document) -> NDArray[np.float32]:
        assert isinstance(encoder, ScoreFusing)
        return encoder.halves(document, IMAGES)

    def test_the_halves_of_a_pair_sum_to_its_vector_but_for_the_axes(self, encoder: Encoder, picture: Path) -> None:
        document = pair("two dogs run in the snow", picture)
        halves, vector = self.halves(encoder, document), encoded(encoder, document)[0]
        assert halves.shape == (2, encoder.space.dimension)
        assert_sums_but_for_axes(halves, vector)
        assert all(np.linalg.norm(half) > 0.05 for half in halves)

    def test_a_part_that_is_not_there_gives_nothing(self, encoder: Encoder, picture: Path) -> None:
        for document, absent in ((text("a dog runs"), 1), (image(picture), 0)):
            halves, vector = self.halves(encoder, document), encoded(encoder, document)[0]
            assert not halves[absent].any()
            assert_sums_but_for_axes(halves, vector)

    def test_each_half_depends_on_its_part_alone_but_for_scale(self, encoder: Encoder, picture: Path) -> None:
        one, other = self.halves(encoder, pair("a dog runs", picture)), self.halves(encoder, pair("a train", picture))
        assert encoded(encoder, image(picture))[0] @ one[1] > 0
        assert np.abs(one[0] - other[0]).max() > np.abs(one[1] - other[1]).max()

    def test_a_document_that_can_not_be_used_is_a_failure(self, encoder: Encoder, tmp_path: Path) -> None:
        with pytest.raises(InputFailure):
            self.halves(encoder, pair("a dog", tmp_path / "gone.png"))
