"""Models of UniIR in eight bits: the same directions, another space, and no use of a model that eight bits turn too far."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from encoders.uniir_family import eight_bits
from encoders.uniir_family.encoder import UniirEncoder
from models.eight_bits import _has_units
from tests.encoders.uniir_family.golden import IMAGES, MODELS, converted, expected, inputs, loaded, raw, unit
from uniir.errors import ModelUnavailable

Golden = Callable[..., UniirEncoder]
pytestmark = pytest.mark.skipif(not _has_units(), reason="this processor has no units for eight bits")


@pytest.mark.parametrize("model", MODELS)
def test_eight_bits_point_the_same_way(golden: Golden, model: str) -> None:
    for kind in ("query", "query_noinst", "cand"):
        found = raw(golden(model, "int8"), inputs(kind))
        cosines = (unit(found) * unit(expected(model)[f"{kind}_emb_batch"])).sum(axis=1)
        assert cosines.min() > 0.999
        assert cosines.min() < 0.9999999, "computed in float32 after all"


def test_vectors_of_eight_bits_are_a_space_of_their_own(golden: Golden) -> None:
    assert golden("clip_sf", "int8").space.dtype == "int8"
    assert golden("clip_sf", "int8").space != golden("clip_sf").space


def test_a_vector_does_not_depend_on_what_is_computed_with_it(golden: Golden) -> None:
    encoder, items = golden("clip_sf", "int8"), inputs("cand")
    together = encoder.encode(encoder.prepare(items, IMAGES))
    alone = np.concatenate([encoder.encode(encoder.prepare([item], IMAGES)) for item in items])
    assert (together * alone).sum(axis=1).min() > 0.9999


def test_a_model_that_eight_bits_turn_too_far_is_refused_with_the_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = converted("clip_sf", tmp_path)
    monkeypatch.setattr(eight_bits, "LEAST_COSINE", 0.9999999)
    with pytest.raises(ModelUnavailable, match=r"cosine of [01]\.\d{4} ") as refused:
        loaded(directory, "int8")
    assert "bfloat16" in str(refused.value)
