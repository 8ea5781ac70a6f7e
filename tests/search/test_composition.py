"""The query vector: a weighted sum whose parts can be told apart in every score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from encoders.arithmetic import ArithmeticEncoder
from search.composition import QueryVector, Term, compose
from search.embedding import EncodeAtOnce, Row
from tests.search.scenes import Scene
from uniir.documents import Modality
from uniir.errors import ItemFailure, QueryError
from uniir.ids import format_id
from uniir.protocols import Steering
from uniir.queries import Query, Weights


def vector_of(scene: Scene, query: Query, target: Modality | None = None) -> NDArray[np.float32]:
    world = scene.world
    return compose(query, target, world.encoder, EncodeAtOnce(world.encoder, world.images), world.library).vector


def content(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without the axes of modality, at unit length."""
    return vector[:-3] / np.linalg.norm(vector[:-3])


def test_a_text_alone_is_its_own_vector(scene: Scene) -> None:
    encoder, query = scene.world.encoder, Query(text="a cat")
    (alone,) = encoder.encode(encoder.prepare([query], scene.world.images))
    np.testing.assert_allclose(vector_of(scene, query), alone, atol=1e-6)


def test_parts_are_summed_by_their_weights(scene: Scene) -> None:
    text, image = Query(text="a cat"), Query(image=scene.image("red.png"))
    one, other = vector_of(scene, text), vector_of(scene, image)
    both = vector_of(scene, Query(text="a cat", image=scene.image("red.png"), weights=Weights(text=3.0, image=0.5)))
    total = 3.0 * one + 0.5 * other
    np.testing.assert_allclose(both, total / np.linalg.norm(total), atol=1e-6)


def test_a_weight_of_zero_leaves_a_part_out(scene: Scene) -> None:
    both = vector_of(scene, Query(text="a cat", image=scene.image("red.png"), weights=Weights(image=0.0)))
    np.testing.assert_allclose(both, vector_of(scene, Query(text="a cat")), atol=1e-6)


def test_not_takes_away(scene: Scene) -> None:
    plain = vector_of(scene, Query(text="a cat sleeps"))
    without = vector_of(scene, Query(text="a cat sleeps", negatives=("sleeps",), weights=Weights(negative=0.5)))
    sleeps = vector_of(scene, Query(text="sleeps"))
    assert without @ sleeps < plain @ sleeps
    total = plain - 0.5 * sleeps
    np.testing.assert_allclose(without, total / np.linalg.norm(total), atol=1e-6)


def test_like_adds_the_stored_vector(scene: Scene) -> None:
    number = scene.ids["cat.md"]
    stored = scene.world.library.vectors([number])[number].astype(np.float32)
    np.testing.assert_allclose(content(vector_of(scene, Query(like=(number,)))), content(stored), atol=1e-3)


@pytest.mark.parametrize("target", [None, *Modality])
def test_the_vector_has_unit_length_whatever_the_target(scene: Scene, target: Modality | None) -> None:
    query = Query(text="a cat", image=scene.image("red.png"), negatives=("dog",), like=(scene.ids["boat.png"],))
    assert np.linalg.norm(vector_of(scene, query, target)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (Query(text="a cat", weights=Weights(text=0.0)), "No part of the query has a weight. Give its words or its picture a weight"),
        (Query(text="a cat", negatives=("a cat",), weights=Weights(negative=1.0)), "cancel each other out"),
    ],
)
def test_parts_of_which_nothing_is_left_are_refused(scene: Scene, query: Query, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        vector_of(scene, query)


def test_an_id_of_no_document_is_refused_by_name(scene: Scene) -> None:
    with pytest.raises(QueryError, match=format_id(5)):
        vector_of(scene, Query(like=(5,)))


def test_contributions_sum_to_the_score(scene: Scene) -> None:
    query = Query(
        text="a blue boat", image=scene.image("red.png"), negatives=("dog", "fish"), like=(scene.ids["cat.md"], scene.ids["green.png"])
    )
    for target in (None, Modality.IMAGE):
        world = scene.world
        composed = compose(query, target, world.encoder, EncodeAtOnce(world.encoder, world.images), world.library)
        for document, vector in world.library.vectors(list(scene.ids.values())).items():
            (parts,) = composed.contributions(vector.astype(np.float32)[None])
            assert parts.keys() == {"text", "image", "like", "not", "modality"}
            assert sum(parts.values()) == pytest.approx(float(composed.vector @ vector.astype(np.float32)), abs=1e-4), document


_rows = st.lists(st.floats(-1, 1, width=32), min_size=6, max_size=6).map(lambda row: np.array(row, np.float32))


@given(st.lists(st.tuples(st.sampled_from(["text", "image", "not", "like"]), _rows), min_size=1, max_size=5), _rows, _rows)
def test_whatever_steering_did_contributions_sum_to_the_score(
    terms: list[tuple[str, NDArray[np.float32]]], steered: NDArray[np.float32], document: NDArray[np.float32]
) -> None:
    query = QueryVector(steered, tuple(Term(name, row) for name, row in terms), Steering(Modality.TEXT, None))
    (parts,) = query.contributions(document[None])
    assert parts.keys() == {name for name, _ in terms} | {"modality"}
    assert all(np.isfinite(list(parts.values())))
    largest = max(1.0, *(abs(value) for value in parts.values()))
    assert sum(parts.values()) == pytest.approx(float(steered @ document), abs=1e-4 * largest)


class OfAPiece(ArithmeticEncoder):
    """Says of itself that a text and a picture are one item."""

    reads_parts_together = True


def test_an_encoder_that_reads_text_and_picture_together_is_given_both_at_once(scene: Scene) -> None:
    world = scene.world
    given: list[Query] = []

    def embed(items: Sequence[Query]) -> Sequence[Row | ItemFailure]:
        given.extend(items)
        return EncodeAtOnce(world.encoder, world.images)(items)

    query = Query(text="a cat", image=scene.question("red"), negatives=("fish",), weights=Weights(text=2), like=(scene.ids["dog.md"],))
    composed = compose(query, None, OfAPiece(), embed, world.library)
    assert [term.name for term in composed.terms] == ["query", "not", "like"]
    assert (given[0].text, given[0].image, given[0].weights) == (query.text, query.image, query.weights)
    alone = compose(Query(text="a cat"), None, OfAPiece(), embed, world.library)
    assert [term.name for term in alone.terms] == ["text"]
