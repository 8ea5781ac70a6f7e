"""Only documents that fit a filter."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Worlds
from tests.folders import picture
from tests.search.scenes import Scene
from uniir.documents import Modality
from uniir.filter_language import read_filter
from uniir.queries import Query

TREE = {
    **{f"cats/{year}.png": picture((year % 255, 90, 90), kind="PNG") for year in range(2018, 2024)},
    **{f"cats/{year}.json": json.dumps({"txt": f"a cat in {year}", "year": year, "tags": ["cat", "draft"]}) for year in range(2018, 2024)},
    "dogs/rex.md": "a dog",
}


@pytest.fixture
def scene(world: Worlds) -> Scene:
    return Scene(world(TREE))


def places(scene: Scene, where: str, **more: object) -> set[str]:
    query = Query(text="a cat", where=read_filter(where), **more)  # type: ignore[arg-type]
    return {hit.document.source.path for hit in scene.service.search(query).hits}


def test_only_what_fits_is_found_and_as_much_as_was_asked_for(scene: Scene) -> None:
    assert places(scene, "year>=2022") == {"cats/2022.png", "cats/2023.png"}
    assert places(scene, "-draft") == {"dogs/rex.md"}
    assert len(places(scene, "year<2023", k=5)) == 5


def test_target_path_and_likeness_count_as_well(scene: Scene) -> None:
    liked = scene.ids["cats/2023.png"]
    assert places(scene, "year>2021", like=(liked,)) == {"cats/2022.png"}
    assert places(scene, "year>2021 or path:dogs/*", path="dogs/") == {"dogs/rex.md"}
    assert places(scene, "year>2021 or path:dogs/*", target=Modality.TEXT) == {"dogs/rex.md"}


def test_a_filter_that_nothing_fits_is_told(scene: Scene) -> None:
    result = scene.service.search(Query(text="a cat", where=read_filter("year=1"), path="cats/"))
    assert (result.hits, result.notes[0]) == ((), "No document fits the filter below 'cats/'.")
