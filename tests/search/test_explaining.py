"""Why a document has its score."""

from __future__ import annotations

import dataclasses

import pytest

from search.service import SearchService
from tests.conftest import Worlds
from tests.search.scenes import TREE, Scene, no_remarks
from uniir.documents import Modality
from uniir.errors import NotFound, QueryError
from uniir.hits import ScoreExplanation
from uniir.instructions import load_instructions
from uniir.queries import Query, Weights

PAIR = "described.png"


def sums_up(explanation: ScoreExplanation) -> bool:
    return abs(sum(term.value for term in explanation.terms) + explanation.modality - explanation.score) < 1e-4


def names(explanation: ScoreExplanation) -> set[tuple[str, str | None]]:
    return {(term.query, term.document) for term in explanation.terms}


@pytest.mark.parametrize("target", [None, *Modality])
def test_the_terms_of_every_hit_add_up_to_the_score_of_the_search(scene: Scene, target: Modality | None) -> None:
    query = Query(
        text="a yellow field",
        image=scene.question("red"),
        negatives=("fish",),
        like=(scene.ids["cat.md"],),
        target=target,
        weights=Weights(2, 1),
    )
    for hit in scene.service.search(query).hits:
        explanation = scene.service.explain(query, hit.document.id)
        assert explanation.separable
        assert explanation.score == pytest.approx(hit.score, abs=1e-6)
        assert sums_up(explanation)
        for part in ("text", "image", "like", "not"):
            given = sum(term.value for term in explanation.terms if term.query == part)
            assert given == pytest.approx(hit.parts[part], abs=2e-3)  # stored vectors have half precision


def test_a_pair_has_a_term_for_every_part_of_the_query_and_of_itself(scene: Scene) -> None:
    explanation = scene.service.explain(Query(text="a yellow field", image=scene.question("yellow")), scene.ids[PAIR])
    assert names(explanation) == {("text", "text"), ("text", "image"), ("image", "text"), ("image", "image")}
    values = {(term.query, term.document): term.value for term in explanation.terms}
    assert values["text", "text"] > 0.1
    assert values["image", "image"] > 0.1
    assert values["text", "image"] == values["image", "text"] == 0  # this encoder keeps words and colours apart


def test_what_is_unwanted_takes_away(scene: Scene) -> None:
    explanation = scene.service.explain(Query(text="a cat", negatives=("dog barks",)), scene.ids["dog.md"])
    assert {term.query: term.value < 0 for term in explanation.terms} == {"text": False, "not": True}


def test_documents_of_one_part_are_met_by_that_part(scene: Scene) -> None:
    assert names(scene.service.explain(Query(text="a cat"), scene.ids["cat.md"])) == {("text", "text")}
    assert names(scene.service.explain(Query(text="a cat"), scene.ids["red.png"])) == {("text", "image")}


def test_the_same_instruction_steers_search_and_explanation(scene: Scene) -> None:
    query = Query(text="a yellow field", instruction=load_instructions().named("find-pictures"))
    hits = {hit.document.id: hit.score for hit in scene.service.search(query).hits}
    assert scene.service.explain(query, scene.ids["red.png"]).score == hits[scene.ids["red.png"]]
    assert scene.service.explain(dataclasses.replace(query, instruction=None), scene.ids["red.png"]).score != hits[scene.ids["red.png"]]


def test_a_picture_that_is_gone_leaves_the_pair_whole(world: Worlds) -> None:
    here = Scene(world(TREE))
    (here.world.corpus / PAIR).unlink()
    explanation = here.service.explain(Query(text="a yellow field"), here.ids[PAIR])
    assert not explanation.separable
    assert names(explanation) == {("text", None)}
    assert sums_up(explanation)


def test_an_encoder_that_does_not_add_up_its_parts_is_not_separable(scene: Scene) -> None:
    class Opaque:
        """The scene's encoder without its halves."""

        def __init__(self) -> None:
            inner = scene.world.encoder
            self.space, self.accepts = inner.space, inner.accepts
            self.prepare, self.encode, self.steer = inner.prepare, inner.encode, inner.steer

    world = scene.world
    service = SearchService(Opaque(), world.store, world.library, world.images, load_instructions(), no_remarks)
    explanation = service.explain(Query(text="a yellow field"), scene.ids[PAIR])
    assert not explanation.separable
    assert sums_up(explanation)
    assert service.explain(Query(text="a yellow field"), scene.ids["cat.md"]).separable


def test_without_kept_vectors_the_document_is_read_again(world: Worlds) -> None:
    here = Scene(world(TREE, keep_vectors=False))
    for place in here.ids:
        assert sums_up(here.service.explain(Query(text="a yellow field"), here.ids[place]))


TEXT = "Boats lie in the harbour.  A cat sleeps\non the quay! Nobody wakes it. The end"


@pytest.mark.parametrize(
    ("words", "marked"), [("a cat sleeps", "A cat sleeps"), ("nobody", "Nobody wakes it."), ("boats harbour", "Boats lie in the harbour.")]
)
def test_the_sentence_that_fits_best_is_marked(world: Worlds, words: str, marked: str) -> None:
    here = Scene(world({"story.txt": TEXT}))
    explanation = here.service.explain(Query(text=words), here.ids["story.txt"])
    assert explanation.marked is not None
    assert TEXT[slice(*explanation.marked)] == marked


def test_nothing_is_marked_in_one_sentence_in_a_picture_or_without_words(scene: Scene) -> None:
    assert scene.service.explain(Query(text="a cat"), scene.ids["cat.md"]).marked is None
    assert scene.service.explain(Query(text="a cat"), scene.ids["red.png"]).marked is None
    assert scene.service.explain(Query(image=scene.question("red")), scene.ids["cat.md"]).marked is None


def test_a_document_that_is_not_there_is_not_found(world: Worlds) -> None:
    here = Scene(world(TREE))
    with pytest.raises(NotFound, match="no document"):
        here.service.explain(Query(text="a cat"), 12345)
    here.world.ledger.retire_documents([here.ids["cat.md"]])
    with pytest.raises(NotFound):
        here.service.explain(Query(text="a cat"), here.ids["cat.md"])
    with pytest.raises(QueryError):
        here.service.explain(Query(), here.ids["dog.md"])
