"""Filters by declared metadata through the service: what the vector store keeps of it follows every change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.local.service import LocalService
from storage.sql.library import SqlLibrary
from tests.folders import Tree, lay, picture, rewrite
from tests.local.places import ended, ingested, local_service
from uniir.errors import UsageError
from uniir.wire import DoctorRequest, PromoteRequest, RebuildRequest, RollbackRequest, SearchRequest, SpaceRequest

FIELDS = {"tag": "text", "year": "number"}
DECLARED: Mapping[str, object] = {"vector_store": "milvus", "metadata_fields": FIELDS}


def told(**metadata: object) -> str:
    return json.dumps(metadata)


TREE: Tree = {
    "cat.jpg": picture(1),
    "cat.json": told(tag="pet", year=2020),
    "dog.jpg": picture(2),
    "dog.json": told(tag="pet", year=2024),
    "boat.jpg": picture(3),
}


def found(service: LocalService, words: str) -> list[str]:
    hits = service.search(SearchRequest(text="anything", where=words, k=20)).hits
    return sorted(Path(hit.path).name for hit in hits)


def findings(service: LocalService, *, repair: bool = False) -> list[str]:
    return [one.check for one in service.doctor(DoctorRequest(repair=repair)).findings]


@pytest.fixture
def without_sending_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that has to ask the catalog for all that fits does not come back."""

    def refuse(*_: object) -> frozenset[int]:
        raise AssertionError("the store narrowed nothing")

    monkeypatch.setattr(SqlLibrary, "ids_matching", refuse)


def test_a_change_of_declared_metadata_reaches_the_vector_store(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path, **DECLARED) as service:
        ingested(service, corpus)
        assert found(service, "tag=pet year>=2022") == ["dog.jpg"]
        rewrite(corpus / "dog.json", told(tag="pet", year=2019))
        rewrite(corpus / "cat.json", told(tag="toy", year=2023))
        report = ingested(service, corpus).report
        assert report is not None
        assert (found(service, "tag=pet"), found(service, "year>=2022")) == (["dog.jpg"], ["cat.jpg"])
        assert findings(service) == []


def test_what_lies_far_from_the_question_is_found_without_knowing_all_that_fits(tmp_path: Path, without_sending_ids: None) -> None:
    lines = [told(did=f"1:{number}", txt=f"word{number} thing", modality="text", tag="common") for number in range(700)]
    rare = [told(did=f"2:{number}", txt=f"zebra{number}", modality="text", tag="rare", year=number) for number in range(12)]
    corpus = lay(tmp_path / "corpus", {"all.jsonl": "\n".join([*lines, *rare])})
    with local_service(tmp_path, **DECLARED) as service:
        ingested(service, corpus)
        hits = service.search(SearchRequest(text="word7 thing", where="tag=rare", k=10)).hits
        assert len(hits) == 10
        assert all(hit.metadata["tag"] == "rare" for hit in hits)
        assert len(service.search(SearchRequest(text="word7 thing", where="tag=rare year>=2", k=10)).hits) == 10


def test_keys_that_are_declared_later_come_in_with_a_rebuild(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path, vector_store="milvus") as service:
        ingested(service, corpus)
    with local_service(tmp_path, **DECLARED) as service:
        assert found(service, "tag=pet") == ["cat.jpg", "dog.jpg"]
        assert findings(service, repair=True) == ["fields-lacking"]
        service.rebuild(RebuildRequest())
        assert findings(service) == []
        assert found(service, "tag=pet year>=2022") == ["dog.jpg"]


def test_another_space_does_not_come_back_with_old_metadata(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path, **DECLARED) as service:
        ingested(service, corpus)
        ended(service, service.add_space(SpaceRequest(encoder="arithmetic-32")))
        service.promote_space(PromoteRequest())
        rewrite(corpus / "dog.json", told(tag="toy", year=2024))
        ingested(service, corpus)
        with pytest.raises(UsageError, match="1 "):
            service.rollback_space(RollbackRequest())
        ended(service, service.add_space(SpaceRequest(encoder="arithmetic")))
        service.rollback_space(RollbackRequest())
        assert (found(service, "tag=pet"), found(service, "tag=toy")) == (["cat.jpg"], ["dog.jpg"])
        assert findings(service) == []


def test_metadata_that_is_not_declared_leaves_the_vectors_of_other_spaces_alone(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path, **DECLARED) as service:
        ingested(service, corpus)
        ended(service, service.add_space(SpaceRequest(encoder="arithmetic-32")))
        service.promote_space(PromoteRequest())
        rewrite(corpus / "dog.json", told(tag="pet", year=2024, note="seen in the harbour"))
        ingested(service, corpus)
        service.rollback_space(RollbackRequest())
        assert found(service, "note:*harbour") == ["dog.jpg"]
