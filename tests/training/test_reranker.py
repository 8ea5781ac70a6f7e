"""Fitting and measuring a reranker on lists whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rerank.text import Regression
from training.reranker.fitting import fit
from training.reranker.lists import FirstLists
from training.reranker.measure import effect, gains, kind_effects
from training.starter.pairs import Parts
from uniir.documents import Modality
from uniir.protocols import Steering


def lists(relevant: NDArray[np.bool_], name: str = "made/1") -> FirstLists:
    queries, places = relevant.shape
    return FirstLists(
        name,
        Steering(Modality.TEXT, Modality.TEXT),
        (Parts("a question", None),) * queries,
        ((Parts("an answer", None),) * places,) * queries,
        np.tile(np.linspace(1, 0, places, dtype=np.float32), (queries, 1)),
        relevant,
        tuple(max(1, int(row.sum())) for row in relevant),
    )


@pytest.fixture
def known() -> tuple[FirstLists, NDArray[np.float32]]:
    """One right answer a query, anywhere; the second feature gives it away, the first is noise."""
    random = np.random.default_rng(0)
    relevant = np.zeros((80, 10), bool)
    relevant[np.arange(80), random.integers(0, 10, 80)] = True
    rows = np.stack([random.normal(size=(80, 10)), relevant + 0.3 * random.normal(size=(80, 10))], axis=2)
    return lists(relevant), rows.astype(np.float32)


def test_the_feature_that_tells_gets_the_weight_and_lifts_ndcg(known: tuple[FirstLists, NDArray[np.float32]]) -> None:
    one, rows = known
    regression = fit([one], [rows], (0, 1))
    assert regression.weights[1] > 20 * abs(regression.weights[0])
    before, after = gains(one, rows, regression)
    assert before.mean() < 0.6
    assert after.mean() > 0.9
    measured = effect(one, before, after)
    assert measured.low > 0
    assert kind_effects([(measured, after - before)])[0].difference == pytest.approx(measured.difference)


def test_features_that_are_not_used_weigh_nothing(known: tuple[FirstLists, NDArray[np.float32]]) -> None:
    one, rows = known
    assert fit([one], [rows], (0,)).weights[1] == 0


def test_every_set_counts_alike(known: tuple[FirstLists, NDArray[np.float32]]) -> None:
    """A small set in which the feature speaks for what is wrong holds its own against a larger one."""
    one, rows = known
    few = lists(~one.relevant[:8], "other/1")
    against = fit([one, few], [rows, rows[:8]], (0, 1))
    assert abs(against.weights[1]) < abs(fit([one], [rows], (0, 1)).weights[1]) / 3


def test_what_can_not_be_read_keeps_its_place() -> None:
    relevant = np.array([[False, False, True, False]])
    rows = np.array([[[0.0], [np.nan], [0.9], [0.5]]], np.float32)
    before, after = gains(lists(relevant), rows, Regression((5.0,), 0.0))
    assert before[0] == pytest.approx(1 / np.log2(4))
    assert after[0] == 1
    rows[0, 2] = np.nan
    assert gains(lists(relevant), rows, Regression((5.0,), 0.0))[1][0] == before[0]


def test_a_difference_by_chance_is_not_told_from_none(known: tuple[FirstLists, NDArray[np.float32]]) -> None:
    one, rows = known
    measured = effect(one, *gains(one, rows, Regression((1.0, 0.0), 0.0)))
    assert measured.low < 0 or measured.difference < 0
