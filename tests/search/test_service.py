"""Answering a query: instruction, filter, ranking, and what a person is told."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from search.service import SearchService
from tests.conftest import Worlds
from tests.search.scenes import TREE, Scene
from tests.worlds import World
from uniir.documents import ImageReference, Modality
from uniir.errors import QueryError
from uniir.instructions import load_instructions
from uniir.queries import MAX_RESULTS, Query, Weights


def places(scene: Scene, query: Query) -> list[str]:
    named = {number: place for place, number in scene.ids.items()}
    return [named[hit.document.id] for hit in scene.service.search(query).hits]


def test_hits_are_ranked_from_one_with_falling_scores(scene: Scene) -> None:
    hits = scene.service.search(Query(text="a cat")).hits
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


def test_without_a_target_the_list_is_mixed(scene: Scene) -> None:
    assert {hit.document.modality for hit in scene.service.search(Query(text="a cat")).hits} == set(Modality)


@pytest.mark.parametrize("k", [1, 3, 7, 1000])
def test_k_or_all_are_found(scene: Scene, k: int) -> None:
    result = scene.service.search(Query(text="a cat", k=k))
    assert len(result.hits) == min(k, len(scene.ids))
    assert not any("Only" in note for note in result.notes)


def test_a_limit_that_leaves_fewer_than_asked_for_is_said(scene: Scene) -> None:
    result = scene.service.search(Query(text="a cat", target=Modality.TEXT, k=1000))
    assert f"Only {len(result.hits)} documents fit." in result.notes


def test_a_store_that_lost_what_the_catalog_holds_is_told(tmp_path: Path) -> None:
    with World(tmp_path, TREE) as world:
        scene = Scene(world)
        assert not any("doctor" in note for note in scene.service.search(Query(text="a cat", path="nowhere")).notes)
        world.store.delete(list(scene.ids.values()))
        world.store.finish()
        result = scene.service.search(Query(text="a cat"))
        assert result.hits == ()
        assert any(f"holds {len(scene.ids)} of these" in note and "uniir doctor" in note for note in result.notes)


def test_what_a_query_is_like_is_not_among_its_hits(scene: Scene) -> None:
    found = places(scene, Query(like=(scene.ids["cat.md"], scene.ids["red.png"])))
    assert set(found) == scene.ids.keys() - {"cat.md", "red.png"}


@pytest.mark.parametrize("target", [None, *Modality])
@pytest.mark.parametrize("modality", Modality)
def test_an_instruction_is_chosen_for_what_goes_in_and_what_comes_out(scene: Scene, modality: Modality, target: Modality | None) -> None:
    query = Query(text="a cat" if modality.has_text else None, image=scene.question("red") if modality.has_image else None, target=target)
    result = scene.service.search(query)
    assert (result.instruction.query, result.instruction.target) == (modality, target)
    assert result.instruction.dataset is None
    assert result.query.instruction == result.instruction


def test_remarks_are_passed_on(scene: Scene) -> None:
    world = scene.world
    service = SearchService(
        world.encoder, world.store, world.library, world.images, load_instructions(), lambda query, target: [f"{query} for {target}"]
    )
    result = service.search(Query(text="a cat", target=Modality.IMAGE))
    assert "text for image" in result.notes


def test_an_empty_collection_answers_with_nothing(world: Worlds) -> None:
    here = Scene(world({}))
    assert here.service.search(Query(text="a cat")).hits == ()


@pytest.mark.parametrize(
    ("query", "word"),
    [
        (Query(), "empty"),
        (Query(negatives=("cat",)), "empty"),
        (Query(text=""), "blank"),
        (Query(text=" \n\t"), "blank"),
        (Query(text="a cat", negatives=(" ",)), "blank"),
        (Query(text="a cat", negatives=("",)), "blank"),
        (Query(text="a\0cat"), "NUL"),
        (Query(text="a cat", negatives=("\0",)), "NUL"),
        (Query(text="lone \ud800"), "surrogate"),
        (Query(text="a cat", k=0), "0 results"),
        (Query(text="a cat", k=-5), "-5 results"),
        (Query(text="a cat", k=MAX_RESULTS + 1), "results"),
        (Query(text="a cat", weights=Weights(text=-1.0)), "weight"),
        (Query(text="a cat", weights=Weights(text=float("nan"))), "weight"),
        (Query(text="a cat", weights=Weights(text=float("inf"))), "weight"),
        (Query(text="a cat", weights=Weights(text=1e39)), "weight"),
        (Query(text="a cat", like=(12345,)), "stored vector"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_in_words(scene: Scene, query: Query, word: str) -> None:
    with pytest.raises(QueryError, match=word):
        scene.service.search(query)


def test_a_picture_that_is_not_there_is_named(scene: Scene) -> None:
    with pytest.raises(QueryError, match=r"nowhere\.png"):
        scene.service.search(Query(image=ImageReference(Path("/nowhere.png"))))


def test_a_very_long_query_is_answered(scene: Scene) -> None:
    assert places(scene, Query(text="cat sleeps " * 200_000))[0] == "cat.md"


def test_documents_on_their_way_out_are_hidden_and_leave_no_gap(world: Worlds) -> None:
    here = Scene(world({f"{number:03}.txt": f"a cat sleeps {'softly ' * (number % 7)}" for number in range(120)}))
    first = [hit.document.id for hit in here.service.search(Query(text="a cat sleeps", k=60)).hits]
    here.world.ledger.retire_documents(first)
    hits = here.service.search(Query(text="a cat sleeps", k=50)).hits
    assert len(hits) == 50
    assert {hit.document.id for hit in hits}.isdisjoint(first)


def test_pending_documents_are_not_found(world: Worlds) -> None:
    here = Scene(world(TREE))
    here.world.ledger.mark_pending([here.ids["cat.md"]])  # type: ignore[attr-defined]
    assert "cat.md" not in places(here, Query(text="a cat sleeps"))


def test_searches_may_run_side_by_side(scene: Scene) -> None:
    expected = places(scene, Query(text="a dog barks"))
    found: list[list[str]] = []

    def search() -> None:
        found.extend(places(scene, Query(text="a dog barks")) for _ in range(10))

    threads = [threading.Thread(target=search) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == [expected] * 40
