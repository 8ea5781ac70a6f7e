"""What scores mean in words: the cut points that came with the starter encoder."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from encoders.bands import band_cuts
from encoders.starter.heads import load_heads
from uniir.documents import Modality
from uniir.hits import Band


@pytest.mark.parametrize("target", [None, Modality.TEXT, Modality.IMAGE])
@pytest.mark.parametrize("query", Modality)
def test_common_searches_have_cut_points_in_order(query: Modality, target: Modality | None) -> None:
    cuts = band_cuts("starter", query, target)
    assert cuts is not None
    assert 0 < cuts.good <= cuts.strong
    assert cuts.of(cuts.good - 0.01) is Band.WEAK
    assert cuts.of(cuts.strong) is Band.STRONG


def test_what_was_not_measured_has_none() -> None:
    assert band_cuts("starter", Modality.IMAGE, Modality.IMAGE_TEXT) is None
    assert band_cuts("arithmetic", Modality.TEXT, None) is None


def test_the_cut_points_belong_to_the_heads() -> None:
    """New heads give other scores: run `python -m training.reranker` after `python -m training.starter`."""
    described = json.loads((files("encoders.starter") / "data" / "bands.json").read_text("utf-8"))
    assert described["heads"] == load_heads().digest
