"""Where reranking is on by default is what the measurement says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rerank.catalogue import by_default, wanted
from uniir.documents import Modality
from uniir.errors import UsageError

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


def test_how_much_a_probability_counts_belongs_to_the_model_and_can_be_said(tmp_path: Path) -> None:
    assert wanted("lamra-rank").spec.weight == wanted(f"lamra-rank:{tmp_path}").spec.weight == 1.0
    assert wanted("qwen3-vl-reranker-2b").spec.weight is None
    asked = wanted(f"lamra-rank:{tmp_path},weight=0.1,adapter={tmp_path}")
    assert (asked.spec.weight, asked.place, asked.adapter) == (0.1, str(tmp_path), tmp_path)
    assert wanted("text,weight=0").spec.weight == 0.0
    for nonsense in ("", "much", "-1", "nan", "inf"):
        with pytest.raises(UsageError, match="weight"):
            wanted(f"lamra-rank,weight={nonsense}")


@pytest.mark.parametrize("name", ["llava-true-false", "true-false:somewhere", "yes-no:somewhere", "chat:somewhere"])
def test_a_judge_without_training_is_on_for_questions_about_a_picture_alone(name: str) -> None:
    on = {(query, target) for query in Modality for target in (None, *Modality) if by_default("any encoder", query, target, name)}
    assert on == {(Modality.IMAGE_TEXT, Modality.TEXT), (Modality.IMAGE_TEXT, Modality.IMAGE_TEXT)}


@pytest.mark.parametrize("name", ["qwen3-vl-reranker-2b", "lamra-rank", "lamra-rank:somewhere"])
def test_one_that_was_trained_for_it_is_always_on(name: str) -> None:
    assert all(by_default("any encoder", query, target, name) for query in Modality for target in (None, *Modality))
