"""Cut points where enough of what scored so well was right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.metrics.bands import lowest_with_precision


def test_the_cut_is_where_the_share_of_right_ones_reaches_the_level() -> None:
    scores = np.linspace(0, 1, 1001)
    right = np.array([number % 4 == 0 for number in range(1001)]) & (scores >= 0.3) | (scores >= 0.7)
    strong, good = lowest_with_precision([scores], [right], (0.9, 0.2))
    assert strong == pytest.approx(0.7, abs=0.01)
    assert good == pytest.approx(0.3, abs=0.01)


def test_a_level_that_no_score_reaches_has_no_cut() -> None:
    scores = np.linspace(0, 1, 1000)
    right = np.array([number % 4 == 0 for number in range(1000)])
    strong, good = lowest_with_precision([scores], [right], (0.9, 0.2))
    assert strong is None
    assert good is not None


def test_a_few_judged_hits_are_too_few() -> None:
    assert lowest_with_precision([np.linspace(0, 1, 50)], [np.ones(50, bool)], (0.5, 0.2)) == (None, None)
    assert lowest_with_precision([], [], (0.5, 0.2)) == (None, None)


def test_every_set_counts_alike_however_large() -> None:
    small, large = np.full(300, 0.5), np.full(30_000, 0.5)
    cuts = lowest_with_precision([small, large], [np.ones(300, bool), np.zeros(30_000, bool)], (0.4, 0.6))
    assert cuts == (0.5, None)
    assert lowest_with_precision([large, small], [np.zeros(30_000, bool), np.ones(300, bool)], (0.4, 0.6)) == (0.5, None)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=300, max_size=400))
def test_a_higher_level_never_has_a_lower_cut(hits: list[tuple[int, bool]]) -> None:
    scores, right = np.array([score / 20 for score, _ in hits]), np.array([one for _, one in hits])
    cuts = [cut for cut in lowest_with_precision([scores], [right], (0.1, 0.3, 0.5, 0.9)) if cut is not None]
    assert cuts == sorted(cuts)
