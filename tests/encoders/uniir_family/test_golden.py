"""What our models compute is what the authors' code computes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.uniir_family.encoder import UniirEncoder
from encoders.uniir_family.inputs import Item
from encoders.uniir_family.pictures import DEVIATION, MEAN
from encoders.uniir_family.tokens import blip_ids, clip_ids
from models.wording import formatted, instructed
from tests.encoders.uniir_family.golden import IMAGES, MINI, MODELS, expected, inputs, raw, unit
from uniir.documents import ImageReference
from uniir.queries import Query

Golden = Callable[..., UniirEncoder]
Batched = Callable[[str, str], NDArray[np.float32]]
KINDS = ("query", "query_noinst", "cand")
COMPONENTS, SCORES = 1e-4, 1e-5


@pytest.fixture(scope="module")
def batched(golden: Golden) -> Batched:
    """The vectors of a model for all inputs of a kind at once, computed once."""
    return cache(lambda model, kind: raw(golden(model), inputs(kind)))


def test_texts_are_written_as_the_authors_write_them() -> None:
    cases = expected("clip_sf")
    assert [formatted(text) for text in cases["format_in"].tolist()] == cases["format_out"].tolist()


def test_no_text_is_an_empty_one_and_a_carriage_return_is_nothing() -> None:
    assert formatted(None) == ""
    assert formatted("one\rtwo") == "Onetwo."


def test_only_the_whole_of_instruction_and_words_gets_a_capital_and_an_end() -> None:
    assert instructed("find a picture", 'a "cat"') == 'Find a picture. a "cat.'
    assert instructed("Find a picture.", None) == "Find a picture."
    assert instructed(None, "a cat") == "A cat."


@pytest.mark.parametrize(("model", "ids", "length"), [("clip_sf", clip_ids, 77), ("blip_sf", blip_ids, 100)])
def test_texts_are_cut_into_the_authors_tokens(model: str, ids: Callable[[str, int], list[int]], length: int) -> None:
    cases = expected(model)
    for text, row in zip(cases["format_out"].tolist(), cases["format_input_ids"].tolist(), strict=True):
        assert _padded(ids(text, length), length) == row, text


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_queries_and_candidates_are_cut_into_the_authors_tokens(golden: Golden, model: str, kind: str) -> None:
    cases = expected(model)
    prepared: tuple[Item, ...] = golden(model).prepare(inputs(kind), IMAGES).inputs  # type: ignore[assignment]
    rows = cases[f"{kind}_input_ids"]
    assert [_padded(one.ids, rows.shape[1]) for one in prepared] == rows.tolist()
    assert [one.text_weight for one in prepared] == cases[f"{kind}_txt_mask"].tolist()
    assert [one.image_weight for one in prepared] == cases[f"{kind}_img_mask"].tolist()


@pytest.mark.parametrize("model", ["clip_sf", "blip_sf"])
def test_pictures_are_the_authors_to_the_rounding_of_half_precision(golden: Golden, model: str) -> None:
    cases = expected(model)
    files = [MINI / "mbeir_images" / name for name in cases["image_files"].tolist()]
    prepared: tuple[Item, ...] = golden(model).prepare([Query(image=ImageReference(file)) for file in files], IMAGES).inputs  # type: ignore[assignment]
    for one, pixels in zip(prepared, cases["pixels"], strict=True):
        assert one.pixels is not None
        ours = ((one.pixels / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)
        assert np.abs(ours - pixels.astype(np.float32)).max() < 1e-3  # half of the last digit of numbers up to 2.7


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_the_authors_in_a_mixed_batch(batched: Batched, model: str, kind: str) -> None:
    found = batched(model, kind)
    np.testing.assert_allclose(found, expected(model)[f"{kind}_emb_batch"], atol=COMPONENTS)
    np.testing.assert_allclose(unit(found), unit(expected(model)[f"{kind}_emb_batch"]), atol=COMPONENTS)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_the_authors_one_by_one(golden: Golden, model: str, kind: str) -> None:
    found = np.concatenate([raw(golden(model), [item]) for item in inputs(kind)])
    np.testing.assert_allclose(found, expected(model)[f"{kind}_emb_single"], atol=COMPONENTS)


@pytest.mark.parametrize("model", MODELS)
def test_scores_are_the_authors(golden: Golden, model: str) -> None:
    encoder, cases = golden(model), expected(model)
    queries, candidates = (encoder.encode(encoder.prepare(inputs(kind), IMAGES)) for kind in ("query", "cand"))
    authors = unit(cases["query_emb_batch"]) @ unit(cases["cand_emb_batch"]).T
    np.testing.assert_allclose(queries @ candidates.T, authors, atol=SCORES)


@pytest.mark.parametrize("model", MODELS)
def test_scores_of_raw_vectors_rounded_to_half_precision_are_those_of_the_authors_index(batched: Batched, model: str) -> None:
    rounded = [unit(batched(model, kind).astype(np.float16).astype(np.float32)) for kind in ("query", "cand")]
    # A difference in the seventh digit can round the other way, which moves one component by a thousandth of itself.
    np.testing.assert_allclose(rounded[0] @ rounded[1].T, expected(model)["scores"], atol=5e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("model", MODELS)
def test_half_precision_points_the_same_way(golden: Golden, model: str, dtype: str) -> None:
    for kind in KINDS:
        found = raw(golden(model, dtype), inputs(kind))
        cosines = (unit(found) * unit(expected(model)[f"{kind}_emb_batch"])).sum(axis=1)
        assert cosines.min() > 0.999


def _padded(ids: list[int] | tuple[int, ...], length: int) -> list[int]:
    return [*ids, *[0] * (length - len(ids))]
