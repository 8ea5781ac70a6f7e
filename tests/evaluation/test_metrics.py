"""Metrics, with every number worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.metrics import best_places, chance, hit_rates, top_by_score


def test_one_positive_among_the_first_k_is_a_hit() -> None:
    ranked = [["a", "b", "c"], ["a", "b", "c"], ["a", "b", "c"], ["a", "b", "c"]]
    positives = [{"a"}, {"c", "b"}, {"c"}, {"z"}]
    assert hit_rates(ranked, positives, (1, 2, 3)) == (0.25, 0.5, 0.75)


def test_a_query_without_positives_is_missed() -> None:
    assert hit_rates([["a"]], [set()], (1,)) == (0.0,)


def test_no_queries_have_no_hit_rate() -> None:
    with pytest.raises(ValueError, match="0 rankings"):
        hit_rates([], [], (1,))


def test_ties_are_broken_by_id() -> None:
    scores = np.array([[0.5, 0.9, 0.5, 0.9]], np.float32)
    assert top_by_score(scores, 3).tolist() == [[1, 3, 0]]


def test_the_best_positives_place_counts_what_is_better_and_equals_with_smaller_ids() -> None:
    scores = np.array([[0.5, 0.9, 0.5, 0.9], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]], np.float32)
    assert best_places(scores, [{2}, {0, 2}, set()]).tolist() == [3, 1, 4]


def test_places_agree_with_rankings() -> None:
    random = np.random.default_rng(0)
    scores = random.integers(0, 5, (50, 12)).astype(np.float32)
    positives = [set(random.choice(12, 2, replace=False).tolist()) for _ in scores]
    order = top_by_score(scores, 12)
    expected = [
        next(place for place, column in enumerate(row) if column in wanted) for row, wanted in zip(order.tolist(), positives, strict=True)
    ]
    assert best_places(scores, positives).tolist() == expected


def test_chance_is_hypergeometric() -> None:
    assert chance([1], 10, 1) == pytest.approx(0.1)
    assert chance([2], 4, 2) == pytest.approx(1 - (2 / 4) * (1 / 3))
    assert chance([1, 3], 3, 5) == 1.0
