"""Words beside meaning: what was typed comes forward, and nothing is punished for having no words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from search.fusion import DEPTH, fused
from search.service import SearchService
from tests.folders import picture
from tests.search.scenes import no_remarks
from tests.worlds import World
from uniir.documents import Modality
from uniir.filter_language import read_filter
from uniir.hits import Hit
from uniir.instructions import load_instructions
from uniir.queries import Query, WordSearch

_TREE = {
    **{f"camera/DSC{number:04}.jpg": picture(number) for number in range(20)},
    **{f"notes/{number}.md": f"page {number} of a diary about weather" for number in range(20)},
    "tickets.md": "The ticket ZX81 was never closed.",
    "plans/zx81-board.png": picture(77, kind="PNG"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("words"), _TREE) as one:
        one.ingest()
        yield one


def service(world: World, *, helps: bool = True) -> SearchService:
    return SearchService(
        world.encoder, world.store, world.library, world.images, load_instructions(), no_remarks, words=lambda query, target: helps
    )


def places(hits: Sequence[Hit]) -> list[str]:
    return [hit.document.source.path for hit in hits]


_ASKED = Query(text="zx81", k=44, words=WordSearch.OFF)


def test_what_has_the_words_comes_first_and_says_so(world: World) -> None:
    plain = service(world).search(_ASKED).hits
    hits = service(world).search(replace(_ASKED, words=WordSearch.ON)).hits
    assert set(places(hits[:2])) == {"tickets.md", "plans/zx81-board.png"}
    for hit in hits[:2]:
        assert hit.by_words is not None
        assert hit.by_words.words == ("zx81",)
        assert hit.by_words.nearest_rank == places(plain).index(hit.document.source.path) + 1
    assert all(hit.by_words is None for hit in hits[2:])
    scores = {hit.document.id: hit.score for hit in plain}
    assert {hit.document.id: hit.score for hit in hits} == pytest.approx(scores)


def test_pictures_without_words_keep_their_places(world: World) -> None:
    asked = Query(text="weather diary of page 7", k=44, words=WordSearch.OFF)
    before = places(service(world).search(asked).hits)
    after = places(service(world).search(replace(asked, words=WordSearch.ON)).hits)
    pictures = [place for place, path in enumerate(before) if path.startswith("camera")]
    assert before != after
    assert [after[place] for place in pictures] == [before[place] for place in pictures]


def test_by_itself_only_what_has_nearly_all_words_comes_forward_and_only_where_that_helps(world: World) -> None:
    asked = replace(_ASKED, text="zx81 spacecraft", words=WordSearch.AUTO)
    assert not any(hit.by_words for hit in service(world).search(asked).hits)
    assert sum(hit.by_words is not None for hit in service(world).search(replace(asked, words=WordSearch.ON)).hits) == 2
    assert sum(hit.by_words is not None for hit in service(world).search(replace(asked, text="ticket ZX81")).hits) == 1
    assert not any(hit.by_words for hit in service(world, helps=False).search(replace(asked, text="ticket ZX81")).hits)


def test_words_obey_target_filter_path_and_likeness(world: World) -> None:
    def found(**changes: object) -> list[str]:
        hits = service(world).search(replace(_ASKED, words=WordSearch.ON, **changes)).hits  # type: ignore[arg-type]
        return [hit.document.source.path for hit in hits if hit.by_words]

    assert found(target=Modality.IMAGE) == ["plans/zx81-board.png"]
    assert found(path="plans") == ["plans/zx81-board.png"]
    assert found(where=read_filter("-path:plans/*")) == ["tickets.md"]
    assert found(like=(world.ids()["tickets.md"],)) == ["plans/zx81-board.png"]
    assert found(negatives=("closed ticket",)) == ["plans/zx81-board.png"]


def test_a_longer_list_begins_like_a_shorter_one(world: World) -> None:
    asked = replace(_ASKED, text="page 3 of a diary", words=WordSearch.ON)
    long = places(service(world).search(asked).hits)
    assert all(places(service(world).search(replace(asked, k=k)).hits) == long[:k] for k in (1, 5, 20))


def test_words_of_a_picture_alone_are_none(world: World) -> None:
    asked = Query(like=(world.ids()["tickets.md"],), k=5, words=WordSearch.ON)
    assert not any(hit.by_words for hit in service(world).search(asked).hits)


def test_both_rankings_count_by_their_places() -> None:
    assert fused([1, 2, 3, 4], [3, 9], set()) == [3, 1, 2, 9, 4]
    assert fused([1, 2, 3, 4], [3, 9], {1, 2}) == [1, 2, 3, 9, 4]
    assert fused([1, 2, 3], [2], {1, 2, 3}) == [2, 1, 3]
    assert fused([1, 2, 3], [9], {1, 2, 9}) == [1, 9, 2, 3]
    assert fused([1, 2, 3], [], {1}) == [1, 2, 3]
    assert fused([], [5, 4], set()) == [5, 4]


def test_below_the_depth_the_first_order_stands() -> None:
    nearest = list(range(DEPTH + 10))
    order = fused(nearest, [DEPTH + 5, 3], set())
    assert sorted(order) == nearest
    assert order[0] == 3
    assert order[-9:] == [one for one in nearest[DEPTH:] if one != DEPTH + 5]


def test_a_picture_with_matching_name_takes_part_in_both_rankings(tmp_path: Path) -> None:
    with World(tmp_path, {"a-boat.png": picture("red", kind="PNG"), "b.png": picture("green", kind="PNG")}) as world:
        world.ingest()
        hits = service(world).search(Query(text="boat", k=2, words=WordSearch.ON)).hits
        assert [hit.by_words is not None for hit in hits if hit.document.source.path == "a-boat.png"] == [True]
