"""The contract of encoders, as far as it holds for models that read text and picture together and are told by instructions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from encoders.uniir_family.encoder import UniirEncoder
from tests.contracts.encoder_contract import IMAGES, EncoderContract, ScoreFusingContract, encoded, image, pair, text
from tests.encoders.uniir_family.golden import MODELS, raw
from tests.encoders.uniir_family.test_golden import Golden
from uniir.documents import ImageReference, Modality
from uniir.instructions import Instruction
from uniir.protocols import Encoder, ScoreFusing, Steering
from uniir.queries import Query, Weights


class UniirContract(EncoderContract):
    """Without steering, which these models have not, and with their own way of putting text and picture together."""

    test_steering_alone_brings_the_wanted_modality_first = None  # type: ignore[assignment]
    test_a_pair_is_the_normalised_sum_of_its_parts = None  # type: ignore[assignment]
    test_weights_of_the_parts_count = None  # type: ignore[assignment]
    test_a_stored_pair_depends_on_its_parts_alone = None  # type: ignore[assignment]

    def test_steering_changes_nothing(self, encoder: Encoder) -> None:
        vectors = encoded(encoder, Query(text="a dog"))
        for target in (None, *Modality):
            np.testing.assert_array_equal(encoder.steer(vectors, [Steering(Modality.TEXT, target)]), vectors)

    def test_a_document_and_a_query_without_an_instruction_are_one(self, encoder: Encoder, pictures: Sequence[Path]) -> None:
        here = ImageReference(pictures[0])
        documents = encoded(encoder, text("a dog"), image(pictures[0]), pair("a dog", pictures[0]))
        queries = encoded(encoder, Query(text="a dog"), Query(image=here), Query(text="a dog", image=here))
        np.testing.assert_allclose(documents, queries, atol=1e-6)

    def test_an_instruction_is_read_even_where_there_are_no_words(self, encoder: Encoder, pictures: Sequence[Path]) -> None:
        here = ImageReference(pictures[0])
        instruction = Instruction("x", Modality.IMAGE, Modality.TEXT, "find a caption")
        told, untold, spelt = encoded(
            encoder, Query(image=here, instruction=instruction), Query(image=here), Query(text="Find a caption.", image=here)
        )
        assert np.abs(told - untold).max() > 1e-3
        np.testing.assert_allclose(told, spelt, atol=1e-6)

    def test_a_pair_without_words_is_its_picture(self, encoder: Encoder, pictures: Sequence[Path]) -> None:
        alone, blank, quoted = encoded(encoder, image(pictures[0]), pair(" ", pictures[0]), pair('""', pictures[0]))
        np.testing.assert_allclose(blank, alone, atol=1e-6)
        np.testing.assert_allclose(quoted, alone, atol=1e-6)


@pytest.mark.parametrize("model", ["clip_sf", "blip_sf"])
class TestScoreFusion(UniirContract):
    @pytest.fixture
    def encoder(self, golden: Golden, model: str) -> UniirEncoder:
        return golden(model)

    def test_a_pair_is_the_weighted_sum_of_its_raw_parts(self, encoder: UniirEncoder, pictures: Sequence[Path]) -> None:
        here = ImageReference(pictures[0])
        of_text, of_image = raw(encoder, [Query(text="a dog"), Query(image=here)])
        both, weighed = raw(
            encoder, [Query(text="a dog", image=here), Query(text="a dog", image=here, weights=Weights(text=2.0, image=0.5))]
        )
        np.testing.assert_allclose(both, of_text + of_image, atol=1e-4)
        np.testing.assert_allclose(weighed, 2 * of_text + 0.5 * of_image, atol=1e-4)

    def test_a_text_of_quotation_marks_alone_is_a_failure(self, encoder: UniirEncoder) -> None:
        (failure,) = encoder.prepare([text('""')], IMAGES).failures
        assert failure.code == "text-empty"


@pytest.mark.parametrize("model", ["clip_sf", "blip_sf"])
class TestHalves(ScoreFusingContract):
    @pytest.fixture
    def encoder(self, golden: Golden, model: str) -> UniirEncoder:
        return golden(model)

    def test_the_halves_of_a_pair_sum_to_its_vector_but_for_the_axes(self, encoder: Encoder, picture: Path) -> None:
        """There are no axes."""
        document = pair("two dogs run in the snow", picture)
        halves = self.halves(encoder, document)
        np.testing.assert_allclose(halves.sum(axis=0), encoded(encoder, document)[0], atol=1e-5)
        assert all(np.linalg.norm(half) > 0.05 for half in halves)

    def test_a_part_that_is_not_there_gives_nothing(self, encoder: Encoder, picture: Path) -> None:
        for document, absent in ((text("a dog runs"), 1), (image(picture), 0), (pair('""', picture), 0)):
            halves = self.halves(encoder, document)
            assert not halves[absent].any()
            np.testing.assert_allclose(halves.sum(axis=0), encoded(encoder, document)[0], atol=1e-5)


@pytest.mark.parametrize("model", ["clip_ff", "blip_ff"])
def test_what_is_read_as_one_can_not_be_told_apart(golden: Golden, model: str) -> None:
    assert not isinstance(golden(model), ScoreFusing)


@pytest.mark.parametrize("model", ["clip_ff", "blip_ff"])
class TestFeatureFusion(UniirContract):
    @pytest.fixture
    def encoder(self, golden: Golden, model: str) -> UniirEncoder:
        return golden(model)

    def test_parts_that_are_read_as_one_are_not_weighed_apart(self, encoder: UniirEncoder, pictures: Sequence[Path]) -> None:
        query = Query(text="a dog", image=ImageReference(pictures[0]), weights=Weights(text=2.0))
        (failure,) = encoder.prepare([query], IMAGES).failures
        assert failure.code == "weights-unequal"


@pytest.mark.parametrize("model", MODELS)
def test_a_picture_of_a_hair_s_breadth_has_a_vector(golden: Golden, model: str, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (20_000, 2), "red").save(tmp_path / "thread.png")
    Image.new("RGB", (300, 300), "red").save(tmp_path / "square.png")
    thread, square = encoded(golden(model), image(tmp_path / "thread.png"), image(tmp_path / "square.png"))
    np.testing.assert_allclose(thread, square, atol=1e-5)


def test_the_middle_of_a_very_long_picture_is_what_resizing_all_of_it_would_give() -> None:
    from PIL import Image

    from encoders.uniir_family.pictures import cropped

    noise = np.random.default_rng(0).integers(0, 256, (20, 700, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    whole = picture.resize((700 * 224 // 20, 224), Image.Resampling.BICUBIC)
    left = round((whole.width - 224) / 2)
    expected = np.asarray(whole.crop((left, 0, left + 224, 224))).astype(int)
    assert np.abs(cropped(picture, 224).astype(int) - expected).max() <= 1
