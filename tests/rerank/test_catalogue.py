"""Where reranking is on by default is what the measurement says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rerank.catalogue import by_default
from uniir.documents import Modality

REPORT = Path(__file__).parents[2] / "docs" / "results" / "rerank.json"


def measured(side: str, query: Modality, target: str) -> dict[str, float] | None:
    kinds = json.loads(REPORT.read_text("utf-8"))["sides"][side]["kinds"]
    return next((one for one in kinds if (one["query"], one["target"]) == (str(query), target)), None)


@pytest.mark.parametrize("target", [None, *Modality])
@pytest.mark.parametrize("query", Modality)
def test_it_is_on_exactly_where_validation_and_evaluation_agree_that_it_helps(query: Modality, target: Modality | None) -> None:
    found = [measured(side, query, "any" if target is None else str(target)) for side in ("validation", "local", "union")]
    helps = all(one is not None and one["low"] > 0 for one in found)
    assert by_default("starter", query, target) is helps


def test_lists_of_an_encoder_that_was_not_measured_stay_as_they_are() -> None:
    assert not by_default("arithmetic", Modality.TEXT, Modality.TEXT)
