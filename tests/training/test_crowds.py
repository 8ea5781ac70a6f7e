"""Crowds out of training queries, with the heads that came with the package and made-up features."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.starter.heads import crowd_names, load_heads
from encoders.starter.steering import Turn, unit
from training.starter.choose import Trial, choose_uncommon
from training.starter.crowds import gathered
from training.starter.features import PictureFeatures, TextFeatures
from training.starter.pairs import Parts, RetrievalTask
from training.starter.spaces import ContentSpace
from uniir.documents import Modality
from uniir.protocols import Steering

TO_IMAGES, TO_TEXTS = Steering(Modality.TEXT, Modality.IMAGE), Steering(Modality.IMAGE, Modality.TEXT)
TURNS = {steering: Turn((1.0, 0.25, 0.0), (0.0, 0.0, 0.0)) for steering in (TO_IMAGES, TO_TEXTS)}
COUNT = 30
PICTURES = tuple(Parts(None, f"{number}.webp") for number in range(COUNT))
TEXTS = tuple(Parts(f"caption {number}", None) for number in range(COUNT))
EACH_ITS_OWN = tuple((number,) for number in range(COUNT))
CAPTIONS = (RetrievalTask("made", 0, TEXTS, PICTURES, EACH_ITS_OWN), RetrievalTask("made", 3, PICTURES, TEXTS, EACH_ITS_OWN))


@pytest.fixture(scope="module")
def space() -> ContentSpace:
    random = np.random.default_rng(0)
    pictures = PictureFeatures(
        {one.image or "": row for row, one in enumerate(PICTURES)},
        random.random((COUNT, 3232)).astype(np.float16),
        random.normal(size=(COUNT, 1000)).astype(np.float16),
    )
    vectors = unit(random.normal(size=(COUNT, 384)).astype(np.float32))
    texts = TextFeatures({one.text or "": row for row, one in enumerate(TEXTS)}, vectors)
    return ContentSpace(load_heads(), (pictures,), texts)


def test_both_crowds_are_gathered_and_tell_commonness_from_a_mean_of_zero(space: ContentSpace) -> None:
    arrays = gathered(CAPTIONS, space, TURNS)
    assert set(arrays) == {*crowd_names(Modality.TEXT), *crowd_names(Modality.IMAGE)}
    crowded = space.with_crowds(arrays)
    for documents in (PICTURES, TEXTS):
        common = crowded.stored(documents)[:, -2]
        assert common.mean() == pytest.approx(0, abs=1e-5)
        assert np.ptp(common) > 1e-3


def test_pools_that_the_crowds_know_have_no_say_in_how_much_commonness_weighs(space: ContentSpace) -> None:
    crowded = space.with_crowds(gathered(CAPTIONS, space, TURNS))
    trials = {TO_IMAGES: Trial(TO_IMAGES, TURNS[TO_IMAGES], {"made/0": (0.0, 0.0, 0.0)}, {})}
    unseen = choose_uncommon(trials, CAPTIONS, (), crowded)[TO_IMAGES]
    assert unseen.results["made/0"] != (0.0, 0.0, 0.0)
    known = choose_uncommon(trials, CAPTIONS, CAPTIONS, crowded)[TO_IMAGES]
    assert known == trials[TO_IMAGES]
