"""Intervals and the paired test."""

from __future__ import annotations

import numpy as np

from evaluation.metrics.resampling import interval, paired_probability


def test_an_interval_holds_its_mean_and_is_as_wide_as_theory_says() -> None:
    values = np.repeat([0.0, 1.0], 200)
    found = interval([values])
    assert found.low < found.value == 0.5 < found.high
    assert abs((found.high - found.low) - 2 * 1.96 * 0.5 / np.sqrt(400)) < 0.01


def test_groups_count_alike_whatever_their_size() -> None:
    assert interval([np.ones(1000), np.zeros(10)]).value == 0.5


def test_what_never_differs_is_chance_and_what_always_differs_is_not() -> None:
    assert paired_probability([np.zeros(50)]) == 1
    assert paired_probability([np.full(50, 0.1)]) < 0.001


def test_a_difference_of_one_query_is_chance() -> None:
    one = np.zeros(50)
    one[3] = 1
    assert paired_probability([one]) == 1


def test_few_queries_are_counted_exactly_enough() -> None:
    # All of five alike: 2 of the 32 patterns of signs are as far from nothing.
    assert abs(paired_probability([np.ones(5)]) - 2 / 32) < 0.02
