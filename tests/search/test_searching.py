"""Searching a small collection whose scores can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.service import SearchService
from tests.conftest import Worlds
from tests.folders import picture
from tests.worlds import World
from uniir.documents import ImageReference, Modality
from uniir.errors import QueryError
from uniir.hits import SearchResult
from uniir.instructions import load_instructions
from uniir.queries import Query, Weights

CORPUS = {
    "cat.jpg": picture(1),
    "cat.txt": "a cat asleep on a chair",
    "dog.jpg": picture(2),
    "dogs.md": "two dogs run in the snow",
    "cats.md": "a cat",
}


def places(result: SearchResult) -> list[str]:
    return [hit.document.source.path for hit in result.hits]


@pytest.fixture
def collection(world: Worlds) -> World:
    made = world(CORPUS)
    made.ingest()
    return made


@pytest.fixture
def search(collection: World) -> Callable[..., SearchResult]:
    service = service_of(collection)
    return lambda text=None, **rest: service.search(Query(text=text, **rest))


def service_of(collection: World) -> SearchService:
    return SearchService(
        collection.encoder, collection.store, collection.library, collection.images, load_instructions(), lambda query, target: []
    )


def test_words_find_the_text_that_has_them(search: Callable[..., SearchResult]) -> None:
    assert places(search("two dogs in the snow"))[0] == "dogs.md"


def test_a_picture_finds_itself(search: Callable[..., SearchResult], collection: World) -> None:
    result = search(image=ImageReference(collection.corpus / "dog.jpg"))
    assert places(result)[0] == "dog.jpg"
    assert result.instruction.id == "find-related"


def test_words_and_a_picture_find_the_pair_that_has_both(search: Callable[..., SearchResult], collection: World) -> None:
    result = search("a cat asleep", image=ImageReference(collection.corpus / "cat.jpg"))
    assert places(result)[0] == "cat.jpg"
    assert result.hits[0].document.modality is Modality.IMAGE_TEXT


@pytest.mark.parametrize("target", list(Modality))
def test_a_target_bars_everything_else(search: Callable[..., SearchResult], target: Modality) -> None:
    result = search("a cat", target=target)
    assert {hit.document.modality for hit in result.hits} == {target}
    assert result.instruction.target is target


def test_an_instruction_puts_its_modality_first_and_bars_nothing(search: Callable[..., SearchResult]) -> None:
    result = search("two dogs in the snow", instruction=load_instructions().named("find-pictures"))
    assert result.hits[0].document.modality is Modality.IMAGE
    assert len(result.hits) == 4


def test_a_target_overrules_an_instruction_and_says_so(search: Callable[..., SearchResult]) -> None:
    result = search("a cat", instruction=load_instructions().named("find-pictures"), target=Modality.TEXT)
    assert {hit.document.modality for hit in result.hits} == {Modality.TEXT}
    assert any("overrules" in note for note in result.notes)


def test_an_instruction_meant_for_other_queries_is_pointed_out(search: Callable[..., SearchResult]) -> None:
    assert any("meant for image" in note for note in search("a cat", instruction=load_instructions().named("describe-picture")).notes)


def test_what_is_not_wanted_falls_behind(search: Callable[..., SearchResult]) -> None:
    plain = search("cat dogs", target=Modality.TEXT)
    against = search("cat dogs", negatives=("cat",), weights=Weights(negative=1.0), target=Modality.TEXT)
    assert {places(plain)[0], places(against)[0]} == {"cats.md", "dogs.md"}
    assert places(against)[0] == "dogs.md"


def test_weights_decide_between_words_and_picture(search: Callable[..., SearchResult], collection: World) -> None:
    dog = ImageReference(collection.corpus / "dog.jpg")
    words = search("a cat", image=dog, weights=Weights(text=1.0, image=0.1))
    pictures = search("a cat", image=dog, weights=Weights(text=0.1, image=1.0))
    assert places(words)[0] == "cats.md"
    assert places(pictures)[0] == "dog.jpg"


def test_likeness_finds_the_neighbours_and_leaves_out_the_document_itself(search: Callable[..., SearchResult], collection: World) -> None:
    ids = collection.ids()
    result = search(like=(ids["cats.md"],))
    assert places(result)[0] == "cat.jpg"
    assert "cats.md" not in places(result)


@pytest.mark.parametrize(
    "query",
    [
        Query(text="two dogs"),
        Query(text="a cat", negatives=("snow", "chair")),
        Query(text="a cat", target=Modality.IMAGE_TEXT),
        Query(text="a cat", weights=Weights(text=3.0), negatives=("dogs",)),
    ],
)
def test_the_parts_of_a_score_add_up_to_it(collection: World, query: Query) -> None:
    image = ImageReference(collection.corpus / "cat.jpg")
    for one in (query, replace(query, image=image), replace(query, image=image, like=(collection.ids()["dogs.md"],))):
        for hit in service_of(collection).search(one).hits:
            assert sum(hit.parts.values()) == pytest.approx(hit.score, abs=2e-3)


def test_no_more_results_come_than_there_are(search: Callable[..., SearchResult]) -> None:
    result = search("a cat", k=50)
    assert len(result.hits) == 4
    assert [hit.rank for hit in result.hits] == [1, 2, 3, 4]


def test_documents_on_their_way_out_are_not_found_and_do_not_shorten_the_list(world: Worlds) -> None:
    made = world({f"{number:02}.txt": f"note {number}" for number in range(40)})
    made.ingest()
    hidden = sorted(made.ids().values())[:25]
    made.ledger.retire_documents(hidden)
    result = service_of(made).search(Query(text="note", k=15))
    assert len(result.hits) == 15
    assert not {hit.document.id for hit in result.hits} & set(hidden)


def test_every_stage_is_timed(search: Callable[..., SearchResult]) -> None:
    timings = search("a cat").timings_ms
    assert {"encode", "search", "explain", "total"} == timings.keys()
    assert timings["total"] == pytest.approx(timings["encode"] + timings["search"] + timings["explain"], abs=0.01)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (Query(), "empty"),
        (Query(text="  "), "blank"),
        (Query(text="a", negatives=("",)), "blank"),
        (Query(text="a\0b"), "NUL"),
        (Query(text="\ud800"), "surrogate"),
        (Query(text="a", k=0), "0 results"),
        (Query(text="a", k=100_000), "100000 results"),
        (Query(text="a", weights=Weights(text=-1.0)), "negative"),
        (Query(text="a", weights=Weights(text=float("nan"))), "no number"),
        (Query(text="a", weights=Weights(text=0.0)), "weight"),
        (Query(text="same", negatives=("same",), weights=Weights(negative=1.0)), "cancel"),
        (Query(like=(12345,)), "no stored vector"),
    ],
)
def test_a_query_that_can_not_be_answered_says_why(collection: World, query: Query, reason: str) -> None:
    with pytest.raises(QueryError, match=reason):
        service_of(collection).search(query)


@pytest.mark.parametrize("content", [b"", b"no picture", picture(3)[:200]])
def test_a_query_picture_that_can_not_be_used_is_named(collection: World, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "query.jpg").write_bytes(content)
    with pytest.raises(QueryError, match=r"query\.jpg"):
        service_of(collection).search(Query(image=ImageReference(tmp_path / "query.jpg")))


def test_a_collection_without_stored_vectors_can_be_searched_all_the_same(world: Worlds) -> None:
    made = world(CORPUS, keep_vectors=False)
    made.ingest()
    hits = service_of(made).search(Query(text="two dogs in the snow")).hits
    assert hits[0].document.source.path == "dogs.md"
    assert not hits[0].parts


def test_scores_are_inner_products_with_the_stored_vectors(collection: World) -> None:
    result = service_of(collection).search(Query(text="a cat"))
    vectors = collection.library.vectors([hit.document.id for hit in result.hits])
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(np.isclose(np.linalg.norm(vector.astype(np.float32)), 1, atol=2e-3) for vector in vectors.values())
