"""Measures, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.metrics.scoring import depth_of, headline_of, measured


def test_every_measure_of_one_ranking_is_as_worked_out_by_hand() -> None:
    # Positives a, b, c; a stands second, b sixth, c is not found.
    values = measured([["x", "a", "y", "z", "v", "b"]], [{"a", "b", "c"}], 10)
    got = {name: float(one[0]) for name, one in values.items()}
    assert got["hit@1"] == 0
    assert got["hit@5"] == got["hit@10"] == 1
    assert got["recall@5"] == pytest.approx(1 / 3)
    assert got["recall@10"] == pytest.approx(2 / 3)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert got["ndcg@10"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(7)) / ideal)
    assert got["map@5"] == pytest.approx((1 / 2) / 3)
    assert got["mrr@10"] == pytest.approx(1 / 2)


def test_a_query_that_found_nothing_counts_as_missed() -> None:
    values = measured([["a"], []], [{"a"}, {"a"}], 10)
    assert all(one.tolist() == [1.0, 0.0] for one in values.values())


def test_places_decide_and_not_names_of_documents() -> None:
    for first, second in (("a", "b"), ("b", "a")):
        assert measured([[first, second]], [{"a"}], 10)["hit@1"][0] == (first == "a")


def test_fashion_sets_are_searched_deeper_and_reported_at_ten() -> None:
    assert (depth_of("fashioniq"), headline_of("fashioniq")) == (50, "hit@10")
    assert (depth_of("cirr"), headline_of("cirr")) == (10, "hit@5")
    ranked = [str(number) for number in range(50)]
    values = measured([ranked], [{"30"}], 50)
    assert (values["hit@20"][0], values["hit@50"][0]) == (0, 1)


def test_values_stay_beside_their_queries() -> None:
    ranked = [["a"] if number % 3 else ["b"] for number in range(12)]
    assert measured(ranked, [{"a"}] * 12, 10)["hit@1"].tolist() == np.sign(np.arange(12) % 3).tolist()


def test_grades_count_in_the_discounted_gain_alone_and_nought_is_wrong() -> None:
    graded = measured([["a", "b", "c"]], [{"a": 1, "b": 3, "c": 0}], 10)
    plain = measured([["a", "b", "c"]], [{"a", "b"}], 10)
    best = 3 / np.log2(2) + 1 / np.log2(3)
    assert graded["ndcg@10"][0] == pytest.approx((1 / np.log2(2) + 3 / np.log2(3)) / best)
    assert all(np.array_equal(graded[name], plain[name]) for name in plain if name != "ndcg@10")
