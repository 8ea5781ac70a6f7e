"""Promoting, rolling back and removing spaces: whatever dies wherever, asking again ends it well; and no search ever sees two spaces."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from app.local.collections.spaces import Spaces
from app.local.jobs.turns import turns_of
from app.wiring.owned import OwnedInstallation
from app.wiring.sessions import installed
from storage.sql.collections import CollectionRecord
from tests.folders import Tree, lay, picture
from tests.ingest.faults import Death, Fuse, Guarded
from tests.local.places import ended, ingested, local_service, settings_in
from uniir.errors import UsageError
from uniir.spaces import SpaceState
from uniir.wire import DoctorRequest, PromoteRequest, RemoveSpaceRequest, RollbackRequest, SearchRequest, SpaceRequest

TREE: Tree = {"cat.jpg": picture(1), "dog.jpg": picture(2), "dog.txt": "a dog", "boat.txt": "a boat at sunset"}
ACTIVE, RETIRED, BUILDING = SpaceState.ACTIVE, SpaceState.RETIRED, SpaceState.BUILDING


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with a collection of the starter encoder, and a whole space of the arithmetic one beside it."""
    place = tmp_path_factory.mktemp("spaces")
    corpus = lay(place / "corpus", TREE)
    with local_service(place, encoder="starter") as service:
        ingested(service, corpus)
        ended(service, service.add_space(SpaceRequest(encoder="arithmetic")))
    return place


def promote(spaces: Spaces) -> None:
    spaces.promote(PromoteRequest())


def roll_back(spaces: Spaces) -> None:
    spaces.rollback(RollbackRequest())


def remove(spaces: Spaces) -> None:
    spaces.remove(RemoveSpaceRequest())


def spaces_of(everything: OwnedInstallation) -> Spaces:
    return Spaces(everything, turns_of(everything.installation))


def dies(place: Path, change: Callable[[Spaces], None], calls: int) -> bool:
    """Whether a change of spaces has died after so many calls to catalog and vector store; what was not finished is lost."""
    fuse = Fuse(calls)
    with installed(settings_in(place)) as everything:
        installation, store, drop = everything.installation, everything.store, everything.drop_vectors
        installation.spaces = Guarded(installation.spaces, fuse)  # type: ignore[assignment]
        everything.store = lambda collection: Guarded(store(collection), fuse)  # type: ignore[method-assign]
        everything.drop_vectors = lambda collection: dropped(collection, drop, fuse)  # type: ignore[method-assign]
        with suppress(Death):
            change(spaces_of(everything))
    return fuse.blown


def dropped(collection: CollectionRecord, drop: Callable[[CollectionRecord], None], fuse: Fuse) -> None:
    if fuse.pass_through("drop"):
        raise Death
    drop(collection)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prepared", "change", "end"),
    [
        ((), promote, {"starter": RETIRED, "arithmetic": ACTIVE}),
        ((promote, roll_back), roll_back, {"starter": RETIRED, "arithmetic": ACTIVE}),
        ((), remove, {"starter": ACTIVE}),
    ],
)
def test_a_change_that_dies_at_any_call_is_done_or_not_and_can_be_asked_for_again(
    tmp_path: Path,
    beside: Path,
    prepared: tuple[Callable[[Spaces], None], ...],
    change: Callable[[Spaces], None],
    end: dict[str, SpaceState],
) -> None:
    calls, died = 0, True
    while died:
        place = tmp_path / str(calls)
        shutil.copytree(beside / "data", place / "data")
        with installed(settings_in(place)) as everything:
            for step in prepared:
                step(spaces_of(everything))
        died = dies(place, change, calls)
        with installed(settings_in(place)) as everything:
            states = {one.space.encoder: one.state for one in everything.installation.spaces.of(everything.installation.collection(None))}
            if states != end:
                change(spaces_of(everything))
        with local_service(place) as service:
            assert {one.encoder: one.state for one in service.spaces().spaces} == end
            assert service.doctor(DoctorRequest()).findings == []
            assert len(list((place / "data" / "vectors").iterdir())) == len(end)
            assert len(service.search(SearchRequest(text="anything", k=10)).hits) == 3
        calls += 1
    assert calls > 3


def test_what_a_removal_left_half_done_is_mended_by_the_doctor(tmp_path: Path, beside: Path) -> None:
    shutil.copytree(beside / "data", tmp_path / "data")
    assert dies(tmp_path, remove, 3)
    with local_service(tmp_path) as service:
        assert {one.encoder: one.state for one in service.spaces().spaces} == {"starter": ACTIVE, "arithmetic": SpaceState.REMOVING}
        with pytest.raises(UsageError):
            service.promote_space(PromoteRequest())
        [finding] = service.doctor(DoctorRequest(repair=True)).findings
        assert finding.check == "spaces-unfinished"
        assert {one.encoder for one in service.spaces().spaces} == {"starter"}
        assert service.doctor(DoctorRequest()).findings == []


def test_a_promotion_brings_back_what_a_filling_that_died_had_not_written(tmp_path: Path, beside: Path) -> None:
    shutil.copytree(beside / "data", tmp_path / "data")
    newest = max((tmp_path / "data" / "vectors").iterdir())
    newest.unlink()
    with local_service(tmp_path) as service:
        service.promote_space(PromoteRequest())
        assert len(service.search(SearchRequest(text="anything", k=10)).hits) == 3
        assert service.doctor(DoctorRequest()).findings == []


@pytest.mark.slow
def test_searches_during_changes_are_answered_by_one_space_or_the_other(tmp_path: Path, beside: Path) -> None:
    shutil.copytree(beside / "data", tmp_path / "data")
    asked = SearchRequest(text="a boat at sunset", k=10)
    seen: set[tuple[tuple[str, float], ...]] = set()
    failed: list[BaseException] = []
    done = threading.Event()
    with local_service(tmp_path) as service:

        def answer() -> tuple[tuple[str, float], ...]:
            return tuple((hit.id, hit.score) for hit in service.search(asked).hits)

        def keep_asking() -> None:
            try:
                while not done.is_set():
                    seen.add(answer())
            except BaseException as error:
                failed.append(error)

        known = {answer()}
        threads = [threading.Thread(target=keep_asking) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            service.promote_space(PromoteRequest())
            known.add(answer())
            service.rollback_space(RollbackRequest())
            service.remove_space(RemoveSpaceRequest())
            ended(service, service.add_space(SpaceRequest(encoder="arithmetic")))
            service.promote_space(PromoteRequest())
            service.remove_space(RemoveSpaceRequest())
            ended(service, service.add_space(SpaceRequest(encoder="starter")))
            service.promote_space(PromoteRequest())
            known.add(answer())
            service.remove_space(RemoveSpaceRequest())
            ended(service, service.add_space(SpaceRequest(encoder="arithmetic")))
        done.set()
        for thread in threads:
            thread.join()
    assert failed == []
    assert len(known) == 2
    assert seen <= known
