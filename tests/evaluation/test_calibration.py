"""What a reranker's values mean: a sigmoid for few judgments, a curve for many, chance for none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter

from evaluation.metrics.calibration import LEAST, MANY, against_chance, fitted, held_out, quality
from uniir.calibration import Calibration, Method
from uniir.hits import Band

RANDOM = np.random.default_rng(3)


def pairs(count: int, sharpness: float = 3.0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values of an overconfident reranker, and what is right."""
    truth = RANDOM.uniform(0.02, 0.98, count)
    said = 1 / (1 + np.exp(-sharpness * np.log(truth / (1 - truth)) - 1))
    return said, RANDOM.uniform(size=count) < truth


@pytest.mark.parametrize(("count", "method"), [(80, Method.PLATT), (MANY * 4, Method.ISOTONIC)])
def test_probabilities_come_nearer_to_the_truth_and_keep_the_order(count: int, method: Method) -> None:
    values, right = pairs(count)
    found = fitted(values, right)
    assert found is not None
    assert found.method is method
    fresh, truth = pairs(5000)
    assert quality(found.of(fresh), truth).brier < quality(fresh, truth).brier - 0.01
    assert quality(found.of(fresh), truth).error < quality(fresh, truth).error
    ordered = found.of(np.linspace(0, 1, 101))
    assert (np.diff(ordered) >= 0).all()
    assert ordered.min() >= 0
    assert ordered.max() <= 1


def test_platts_sigmoid_is_the_one_that_made_the_values() -> None:
    values, right = pairs(299, sharpness=2.0)
    many = [fitted(*pairs(299, sharpness=2.0)) for _ in range(10)]
    slopes = [one.slope for one in many if one is not None]
    assert np.mean(slopes) == pytest.approx(0.5, rel=0.15)
    assert fitted(values, right) is not None


@pytest.mark.parametrize("right", [np.zeros(100, bool), np.ones(100, bool), np.arange(100) < LEAST - 1])
def test_too_little_of_either_kind_fits_nothing(right: NDArray[np.bool_]) -> None:
    assert fitted(np.linspace(0, 1, 100), right) is None


@pytest.mark.parametrize("count", [60, MANY * 2])
def test_values_that_go_against_the_judgments_fit_nothing(count: int) -> None:
    values = np.linspace(0.01, 0.99, count)
    assert fitted(values, values < 0.5) is None


def test_certain_judgments_claim_no_certainty() -> None:
    values = np.repeat([0.1, 0.9], LEAST)
    found = fitted(values, values > 0.5)
    assert found is not None
    assert 0.8 < found.of(np.array([0.9]))[0] < 0.99
    assert 0.01 < found.of(np.array([0.1]))[0] < 0.2


def test_chance_leaves_the_values_and_says_from_where_on_a_pair_is_none() -> None:
    values = RANDOM.beta(1, 30, 10_000)
    found = against_chance(values)
    assert np.array_equal(found.of(values), values)
    assert (values >= found.cuts.good).mean() == pytest.approx(0.01, abs=0.001)
    assert (values >= found.cuts.strong).mean() == pytest.approx(0.001, abs=0.0005)


def test_a_pair_that_is_as_good_as_every_random_one_is_weak() -> None:
    found = against_chance(np.full(500, 0.25))
    assert found.cuts.of(0.25) is Band.WEAK
    assert found.cuts.of(0.26) is Band.STRONG


def test_pairs_are_judged_by_fits_that_saw_nothing_of_their_query() -> None:
    values, right = pairs(200)
    names = [f"q{number % 20}" for number in range(200)]
    apart = held_out(values, right, names)
    assert apart is not None
    assert apart.shape == values.shape
    assert held_out(values, right, ["one"] * 200) is None


def test_a_calibration_comes_back_from_json_as_it_was() -> None:
    for count in (80, MANY):
        found = fitted(*pairs(count))
        assert found is not None
        written = TypeAdapter(dict[str, object]).dump_json(found.as_json())
        back = Calibration.from_json(TypeAdapter(dict[str, object]).validate_json(written))
        probes = np.linspace(0, 1, 11)
        assert np.array_equal(back.of(probes), found.of(probes))
        assert back == found
