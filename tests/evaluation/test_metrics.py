"""Metrics, with every number worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics.metrics import best_places, chance, hit_rates, ndcg, top_by_score


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


def test_ndcg_counts_places_and_knows_how_much_there_was_to_find() -> None:
    relevant = np.array([[True, False, True, False], [False, False, False, True], [True, True, False, False], [False] * 4])
    gained = ndcg(relevant, [2, 1, 5, 0], 3)
    whole = 1 + 1 / np.log2(3)
    assert gained[0] == pytest.approx((1 + 1 / np.log2(4)) / whole)
    assert gained[1] == 0  # found behind the third place
    assert gained[2] == pytest.approx(whole / (whole + 1 / np.log2(4)))  # no more than three could be shown
    assert gained[3] == 0


@given(st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=1, max_size=5), st.integers(1, 15))
def test_ndcg_is_between_nought_and_one_and_best_when_sorted(rows: list[list[bool]], k: int) -> None:
    relevant = np.array(rows)
    positives = relevant.sum(axis=1).tolist()
    found = ndcg(relevant, positives, k)
    best = ndcg(-np.sort(-relevant.astype(int), axis=1) > 0, positives, k)
    assert ((found >= 0) & (found <= best + 1e-9)).all()
    assert best == pytest.approx([float(count > 0) for count in positives])
