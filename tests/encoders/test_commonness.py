"""What is near to everything that is asked, on points worked out by hand and on the heads that came with the package."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.starter.commonness import Crowd
from encoders.starter.heads import ASKING, load_heads
from encoders.starter.steering import unit
from uniir.documents import Modality

TO_THE_RIGHT = Crowd(np.array([[1, 0], [0.8, 0.6], [0.8, -0.6]], np.float32), np.log(np.array([0.5, 0.25, 0.25], np.float32)))


def test_what_lies_amid_the_queries_is_more_common_than_what_lies_beside_or_far_from_them() -> None:
    amid, beside, far = TO_THE_RIGHT.commonness(np.array([[1, 0], [0, 1], [-1, 0]], np.float32))
    assert amid > beside > far


def test_one_query_makes_a_document_as_common_as_it_is_near() -> None:
    alone = Crowd(np.array([[0.6, 0.8]], np.float32), np.zeros(1, np.float32))
    assert alone.commonness(np.array([[1, 0], [0, 1]], np.float32)) == pytest.approx([0.6, 0.8])


def test_a_centre_counts_as_many_queries_as_stand_for_it() -> None:
    thinned = Crowd(np.array([[1, 0], [0, 1]], np.float32), np.log(np.array([0.75, 0.25], np.float32)))
    everybody = Crowd(np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32), np.log(np.full(4, 0.25, np.float32)))
    documents = unit(np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32))
    np.testing.assert_allclose(thinned.commonness(documents), everybody.commonness(documents), atol=1e-6)


def test_commonness_is_told_from_a_mean_of_zero() -> None:
    documents = unit(np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32))
    centred = TO_THE_RIGHT.centred_on(documents).commonness(documents)
    assert centred.mean() == pytest.approx(0, abs=1e-6)
    assert np.ptp(centred) == pytest.approx(np.ptp(TO_THE_RIGHT.commonness(documents)), abs=1e-5)


def test_pictures_and_texts_are_common_to_each_other_and_pairs_to_nobody() -> None:
    heads = load_heads()
    content = unit(np.random.default_rng(0).normal(size=(3, heads.choices.layout.content)).astype(np.float32))
    common = heads.commonness(content, [Modality.IMAGE, Modality.TEXT, Modality.IMAGE_TEXT])
    assert common[2] == 0
    for place, modality in enumerate((Modality.IMAGE, Modality.TEXT)):
        assert common[place] == heads.crowd(ASKING[modality]).commonness(content[place : place + 1])[0]
