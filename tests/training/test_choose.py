"""Choosing offsets for a mixed list, on numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.starter.choose import MixedTask, axes_for, choose_offsets, choose_push, fairness
from uniir.documents import Modality

NOWHERE = -np.inf


def task(target: Modality, positive: float, *, images: float = NOWHERE, texts: float = NOWHERE) -> MixedTask:
    """One query: the best cosines of each modality are all alike, and its positive stands at `positive`."""
    best = np.full((1, 3, 10), NOWHERE, np.float32)
    best[0, 0], best[0, 1] = images, texts
    return MixedTask("a task", target, best, np.array([positive], np.float32))


def test_offsets_bring_back_a_modality_that_the_other_crowds_out() -> None:
    mixed = [task(Modality.IMAGE, 0.5, texts=0.6), task(Modality.TEXT, 0.9, images=0.5)]
    assert fairness(mixed, (0.0, 0.0, 0.0)) == {Modality.IMAGE: 0.0, Modality.TEXT: 100.0}
    offsets = choose_offsets(mixed)
    assert fairness(mixed, offsets) == {Modality.IMAGE: 100.0, Modality.TEXT: 100.0}
    assert offsets[0] == pytest.approx(0.1, abs=0.051)  # the smallest that is enough


def test_the_smallest_push_that_leaves_no_wrong_modality_is_taken() -> None:
    assert choose_push([task(Modality.IMAGE, 0.5, images=0.5, texts=1.1)]) == 0.75
    assert axes_for(Modality.TEXT, 0.75) == (0.0, 0.75, 0.0)


def test_wrong_results_are_counted_among_the_first() -> None:
    one = task(Modality.IMAGE, 0.5, images=0.5, texts=0.6)
    assert one.wrong_share((0.0, 0.0, 0.0), 5) == 1.0
    assert one.wrong_share((0.2, 0.0, 0.0), 5) == 0.0
