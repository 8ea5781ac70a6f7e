"""Changing the encoder of a collection through the service, while it answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.local.service import LocalService
from tests.folders import Tree, lay, picture, rewrite
from tests.local.places import ended, ingested, local_service
from uniir.errors import NotFound, UsageError
from uniir.spaces import SpaceState
from uniir.wire import (
    DeleteRequest,
    DoctorRequest,
    JobAnswer,
    JobState,
    PromoteRequest,
    RebuildRequest,
    RemoveSpaceRequest,
    RollbackRequest,
    SearchRequest,
    SpaceRequest,
)

TREE: Tree = {"cat.jpg": picture(1), "dog.jpg": picture(2), "dog.txt": "a dog", "boat.txt": "a boat at sunset"}


def filled(service: LocalService, encoder: str = "starter") -> JobAnswer:
    return ended(service, service.add_space(SpaceRequest(encoder=encoder)))


def states(service: LocalService) -> dict[str, SpaceState]:
    return {one.encoder: one.state for one in service.spaces().spaces}


def searched_with(service: LocalService) -> str:
    return service.collections().collections[0].encoder


def test_a_second_space_is_filled_promoted_and_rolled_back(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        job = filled(service)
        assert job.state is JobState.DONE
        assert (job.request, job.report, job.paths) == (None, None, [])
        assert job.filled is not None
        assert (job.filled.added, job.filled.failed, job.filled.space.state) == (3, [], SpaceState.BUILDING)
        assert (job.progress.total, job.progress.done, job.progress.added) == (3, 3, 3)
        assert searched_with(service) == "arithmetic"
        assert [one.encoder for one in service.collections().collections[0].spaces] == ["arithmetic", "starter"]
        before = service.search(SearchRequest(text="a boat at sunset", k=1)).hits[0]
        service.promote_space(PromoteRequest())
        assert states(service) == {"arithmetic": SpaceState.RETIRED, "starter": SpaceState.ACTIVE}
        after = service.search(SearchRequest(text="a boat at sunset", k=1)).hits[0]
        assert (after.id, after.text) == (before.id, before.text)
        assert after.score != before.score
        assert service.search(SearchRequest(like=[after.id], k=2)).hits
        service.rollback_space(RollbackRequest())
        assert service.search(SearchRequest(text="a boat at sunset", k=1)).hits[0].score == before.score
        service.rollback_space(RollbackRequest())
        assert searched_with(service) == "starter"
        service.remove_space(RemoveSpaceRequest())
        assert states(service) == {"starter": SpaceState.ACTIVE}
        assert service.doctor(DoctorRequest()).findings == []
        with pytest.raises(UsageError, match="before"):
            service.rollback_space(RollbackRequest())


@pytest.mark.slow
def test_what_is_missing_keeps_a_space_from_being_searched(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        filled(service)
        lay(corpus, {"new.txt": "something new"})
        ingested(service, corpus)
        for force in (False, True):
            with pytest.raises(UsageError, match=r"1 of 4 documents of default .*spaces add --encoder starter --collection default"):
                service.promote_space(PromoteRequest(force=force))
        assert searched_with(service) == "arithmetic"
        filled(service)
        service.promote_space(PromoteRequest())
        ingested(service, lay(tmp_path / "more", {"more.txt": "and more"}))
        with pytest.raises(UsageError, match="spaces add --encoder arithmetic"):
            service.rollback_space(RollbackRequest())
        filled(service, "arithmetic")
        service.rollback_space(RollbackRequest())
        assert searched_with(service) == "arithmetic"


def test_what_an_encoder_can_not_take_is_left_out_on_request_alone(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        (corpus / "cat.jpg").unlink()
        job = filled(service)
        assert job.filled is not None
        assert [(one.path, one.code) for one in job.filled.failed] == [(str(corpus / "cat.jpg"), "picture-gone")]
        with pytest.raises(UsageError, match=r"1 whose picture is gone, such as .*cat\.jpg") as error:
            service.promote_space(PromoteRequest())
        assert "--force" in error.value.way_out
        service.promote_space(PromoteRequest(force=True))
        assert len(service.search(SearchRequest(text="anything", k=10)).hits) == 2
        [told] = service.collections().collections
        assert [(one.encoder, one.refused) for one in told.spaces] == [("arithmetic", 0), ("starter", 1)]
        service.rollback_space(RollbackRequest())
        assert len(service.search(SearchRequest(text="anything", k=10)).hits) == 3


@pytest.mark.slow
def test_every_space_is_examined_rebuilt_and_deleted(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        filled(service)
        written = {one.beside: one.written for one in service.rebuild(RebuildRequest()).collections}
        assert written == {None: 3, "starter": 3}
        rewrite(corpus / "boat.txt", "a ship at sunset")
        ingested(service, corpus)
        assert service.doctor(DoctorRequest()).findings == []
    beside = next(file for file in sorted((tmp_path / "data" / "vectors").iterdir(), reverse=True))
    beside.unlink()
    with local_service(tmp_path) as service:
        [finding] = service.doctor(DoctorRequest(repair=True)).findings
        assert (finding.check, finding.count, finding.mended) == ("vectors-missing", 2, True)
        assert "starter" in finding.message
        assert service.doctor(DoctorRequest()).findings == []
        service.delete(DeleteRequest(whole=True))
        assert list((tmp_path / "data" / "vectors").iterdir()) == []


def test_a_collection_whose_encoder_is_gone_can_be_given_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an update with other weights."""
    from encoders.arithmetic import ArithmeticEncoder

    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        ingested(service, corpus)
    monkeypatch.setattr(ArithmeticEncoder.__init__, "__defaults__", (64, 2.0, 2.0))
    with local_service(tmp_path) as service:
        with pytest.raises(UsageError, match="uniir spaces add"):
            service.search(SearchRequest(text="a boat"))
        assert filled(service, "arithmetic").state is JobState.DONE
        service.promote_space(PromoteRequest())
        assert service.search(SearchRequest(text="a boat", k=1)).hits[0].text == "a boat at sunset"
        service.remove_space(RemoveSpaceRequest())
        assert [one.weights for one in service.spaces().spaces] == ["axis 2.0"]


def test_what_names_no_space_is_refused(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        with pytest.raises(NotFound):
            service.add_space(SpaceRequest(encoder="starter"))
        ingested(service, corpus)
        with pytest.raises(UsageError, match="no such"):
            service.add_space(SpaceRequest(encoder="no such"))
        with pytest.raises(UsageError, match="stands beside"):
            service.promote_space(PromoteRequest())
        for space in (None, "arithmetic"):
            with pytest.raises(UsageError, match="stands beside"):
                service.remove_space(RemoveSpaceRequest(space=space))
        filled(service)
        with pytest.raises(UsageError, match=r"starter, building"):
            service.promote_space(PromoteRequest(space="arithmetic"))


def test_the_same_encoder_again_goes_on_with_its_space(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        for encoder in ("starter", "starter", "arithmetic"):
            filled(service, encoder)
        assert states(service) == {"arithmetic": SpaceState.ACTIVE, "starter": SpaceState.BUILDING}
        job = filled(service)
        assert ended(service, service.retry(job.id)).filled is not None
