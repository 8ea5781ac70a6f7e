"""Steering, on vectors small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.starter.steering import Layout, Turn, turn, with_axis
from uniir.documents import Modality
from uniir.protocols import Steering

LAYOUT = Layout(head=2, vocabulary=1, picture=1)
TO_IMAGES = Steering(Modality.TEXT, Modality.IMAGE)
OPEN = Steering(Modality.TEXT, None)
TURNS = {TO_IMAGES: Turn((1.0, 0.5, 0.0), (1.0, 0.0, 0.0)), OPEN: Turn((1.0, 1.0, 1.0), (0.2, 0.0, 0.1))}
NOTHING_COMMON = np.zeros(1, np.float32)
LONG = np.sqrt(2 + 0.4**2)  # a document before it is brought to unit length, however common it is


def test_a_push_adds_the_same_to_every_document_of_the_wanted_modality() -> None:
    content = np.array([[1, 0, 0, 0], [0.6, 0.8, 0, 0], [1, 0, 0, 0]], np.float32)
    documents = with_axis(content, [Modality.IMAGE, Modality.IMAGE, Modality.TEXT], 1.0, NOTHING_COMMON)
    query = np.zeros((1, LAYOUT.dimension), np.float32)
    query[0, 0] = 1
    steered = turn(query, [TO_IMAGES], LAYOUT, TURNS, height=1.0)
    # Cosines 1, 0.6 and 1; plus 1 for images; over the lengths of both vectors, root 2 of the query.
    assert (steered @ documents.T)[0] * np.sqrt(2) * LONG == pytest.approx([2, 1.6, 1])


def test_blocks_are_rescaled_and_the_content_has_length_one_again() -> None:
    query = np.array([[0.6, 0, 0.8, 0, 0, 0, 0, 0, 0]], np.float32)
    steered = turn(query, [TO_IMAGES], LAYOUT, TURNS, height=1.0)[0]
    length = np.hypot(0.6, 0.4)
    assert steered == pytest.approx(np.array([0.6 / length, 0, 0.4 / length, 0, 1, 0, 0, 0, 0]) / np.sqrt(2))


def test_what_stood_on_the_axes_is_dropped() -> None:
    query = np.array([[1, 0, 0, 0, 0, 0, 0, 0, 0]], np.float32)
    document = with_axis(query[:, :4], [Modality.IMAGE_TEXT], 1.0, np.array([0.1], np.float32))
    for steering in (TO_IMAGES, OPEN):
        assert turn(document, [steering], LAYOUT, TURNS, 1.0) == pytest.approx(turn(query, [steering], LAYOUT, TURNS, 1.0))


def test_what_is_common_is_weighed_down_by_queries_that_ask_for_it() -> None:
    content = np.array([[1, 0, 0, 0], [1, 0, 0, 0]], np.float32)
    documents = with_axis(content, [Modality.IMAGE, Modality.IMAGE], 1.0, np.array([0.1, 0.0], np.float32))
    query = np.zeros((1, LAYOUT.dimension), np.float32)
    query[0, 0] = 1
    indifferent, wary = Turn((1.0, 1.0, 1.0), (1.0, 0.0, 0.0)), Turn((1.0, 1.0, 1.0), (1.0, 0.0, 0.0), uncommon=0.5)
    for one, less, length in ((indifferent, 0.0, np.sqrt(2)), (wary, 0.05, np.sqrt(2 + 0.25**2))):
        scores = (turn(query, [TO_IMAGES], LAYOUT, {TO_IMAGES: one}, 1.0) @ documents.T)[0]
        assert scores * length * LONG == pytest.approx([2 - less, 2])


def test_a_query_without_content_still_steers() -> None:
    nothing = np.zeros((1, LAYOUT.dimension), np.float32)
    assert turn(nothing, [TO_IMAGES], LAYOUT, TURNS, 1.0)[0].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
