"""Only documents below a path."""

from __future__ import annotations

import pytest

from tests.conftest import Worlds
from tests.search.scenes import Scene
from uniir.documents import Modality
from uniir.errors import QueryError
from uniir.queries import Query

PLACES = (
    "Trips/2024/cat.md",
    "Trips/2024/dog.md",
    "Trips/2023/cat.md",
    "trips/2024/cat.md",
    "Trips_2024.md",
    "Trips%.md",
    "été/cat.md",
    "étés.md",
    "cat.md",
)


@pytest.fixture
def scene(world: Worlds) -> Scene:
    return Scene(world({place: f"a cat at {place}" for place in PLACES}))


def places(scene: Scene, path: str | None, target: Modality | None = None) -> set[str]:
    hits = scene.service.search(Query(text="a cat", path=path, target=target)).hits
    return {hit.document.source.path for hit in hits}


@pytest.mark.parametrize(
    "path", ["Trips/", "Trips/2024/", "Trips", "trips/", "Trips%", "Trips_", "%", "été", "été/", "c", "cat.md", "nowhere/"]
)
def test_only_what_starts_so_is_found(scene: Scene, path: str) -> None:
    expected = {place for place in PLACES if place.startswith(path)}
    assert places(scene, path) == expected
    assert places(scene, f"{scene.world.corpus}/{path}") == expected


def test_the_root_itself_and_no_path_admit_everything(scene: Scene) -> None:
    assert places(scene, str(scene.world.corpus)) == places(scene, None) == places(scene, "") == set(PLACES)


def test_a_target_counts_as_well(scene: Scene) -> None:
    assert places(scene, "Trips/2024/", Modality.TEXT) == {"Trips/2024/cat.md", "Trips/2024/dog.md"}
    assert places(scene, "Trips/2024/", Modality.IMAGE) == set()


def test_what_is_liked_stays_out(scene: Scene) -> None:
    hits = scene.service.search(Query(like=(scene.ids["Trips/2024/cat.md"],), path="Trips/2024/")).hits
    assert [hit.document.source.path for hit in hits] == ["Trips/2024/dog.md"]


def test_a_path_that_admits_nothing_is_named(scene: Scene) -> None:
    assert any("'nowhere/'" in note for note in scene.service.search(Query(text="a cat", path="nowhere/")).notes)


@pytest.mark.parametrize("path", ["a\0b", "\ud800"])
def test_a_path_that_no_file_can_have_is_refused(scene: Scene, path: str) -> None:
    with pytest.raises(QueryError, match="path"):
        scene.service.search(Query(text="a cat", path=path))


def test_documents_on_their_way_out_are_not_admitted(scene: Scene) -> None:
    scene.world.ledger.retire_documents([scene.ids["Trips/2024/cat.md"]])
    assert places(scene, "Trips/2024/") == {"Trips/2024/dog.md"}
