"""A collection written to a directory and brought back: into another place, another database, and after a death."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.local.service import LocalService
from storage.sql.transfer import SqlTransfer
from tests.folders import Tree, lay, picture, rewrite
from tests.ingest.faults import Death
from tests.local.places import ended, ingested, local_service
from uniir.errors import UsageError
from uniir.wire import (
    BackupRequest,
    DoctorRequest,
    HitAnswer,
    IngestRequest,
    JudgmentRequest,
    PromoteRequest,
    RestoreRequest,
    SearchRequest,
    SpaceRequest,
)

TREE: Tree = {
    "cat.jpg": picture(1),
    "dog.jpg": picture(2),
    "dog.txt": "a dog",
    "boat.txt": "a boat at sunset",
    "list.jsonl": json.dumps({"did": "7", "txt": "a line \u00e4 \U0001f408", "year": 2020}) + "\n",
    "bad.jpg": b"no picture",
}


def filled(place: Path, **settings: object) -> Path:
    """A place with a collection, a judgment and a backup of it; returns the backup."""
    corpus = lay(place / "corpus", TREE)
    with local_service(place, **settings) as service:
        ingested(service, corpus)
        hit = service.search(SearchRequest(text="a boat", k=1)).hits[0]
        service.judge(JudgmentRequest(search=SearchRequest(text="a boat"), document=hit.id, grade=1))
        service.backup(BackupRequest(path=str(place / "backup")))
    return place / "backup"


def found(service: LocalService, collection: str = "default") -> list[HitAnswer]:
    return service.search(SearchRequest(text="a boat or a dog", k=10, collection=collection)).hits


def test_a_collection_comes_back_as_it_was(tmp_path: Path) -> None:
    backup = filled(tmp_path)
    with local_service(tmp_path) as service:
        before, thumbnail = found(service), service.thumbnail(found(service)[0].id, 256) if found(service)[0].image else None
        judged = service.judgments().judgments
        would = service.backup(BackupRequest(path=str(backup), dry_run=True))
    elsewhere = tmp_path / "elsewhere"
    with local_service(elsewhere) as service:
        told = service.restore(RestoreRequest(path=str(backup), dry_run=True))
        assert (told.documents, told.vectors, told.spaces, told.judgments) == (4, 4, 1, 1)
        assert (would.documents, would.vectors, would.thumbnails) == (told.documents, told.vectors, told.thumbnails)
        assert service.collections().collections == []
        assert service.restore(RestoreRequest(path=str(backup))).without_vector == 0
        assert found(service) == before
        assert [one.model_copy(update={"id": 0}) for one in service.judgments().judgments] == [
            one.model_copy(update={"id": 0}) for one in judged
        ]
        assert service.doctor(DoctorRequest()).findings == []
        if thumbnail is not None:
            assert service.thumbnail(before[0].id, 256).read_bytes() == thumbnail.read_bytes()
        again = ingested(service, tmp_path / "corpus").report
        assert again is not None
        assert (again.added, again.unchanged, again.quarantined) == (0, 4, 1)


@pytest.mark.slow
def test_every_space_comes_back_with_its_state(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        ended(service, service.add_space(SpaceRequest(encoder="starter")))
        service.promote_space(PromoteRequest())
        rewrite(corpus / "boat.txt", "a ship")
        ingested(service, corpus)
        spaces, before = service.spaces().spaces, found(service)
        service.backup(BackupRequest(path=str(tmp_path / "backup")))
    with local_service(tmp_path / "elsewhere", vector_store="milvus") as service:
        service.restore(RestoreRequest(path=str(tmp_path / "backup"), collection="copy"))
        restored = service.spaces("copy").spaces
        assert [(one.encoder, one.state, one.indexed, one.missing) for one in restored] == [
            (one.encoder, one.state, one.indexed, one.missing) for one in spaces
        ]
        assert [hit.id for hit in found(service, "copy")] == [hit.id for hit in before]
        assert service.doctor(DoctorRequest()).findings == []


@pytest.mark.parametrize("other", ["postgres", "sqlite"])
def test_a_backup_goes_from_one_kind_of_database_to_the_other_and_back(tmp_path: Path, postgres: str, other: str) -> None:
    there: dict[str, object] = {"catalog_url": postgres}
    first, second = (there, {}) if other == "sqlite" else ({}, there)
    backup = filled(tmp_path, **first)
    with local_service(tmp_path, **first) as service:
        before = found(service)
    with local_service(tmp_path / "elsewhere", **second) as service:
        service.restore(RestoreRequest(path=str(backup)))
        assert found(service) == before
        assert service.doctor(DoctorRequest()).findings == []
        service.backup(BackupRequest(path=str(tmp_path / "again")))
    for name in ("documents", "embeddings-0", "judged_pictures"):
        assert (tmp_path / "again" / "rows" / f"{name}.jsonl").read_bytes() == (backup / "rows" / f"{name}.jsonl").read_bytes()


@pytest.mark.parametrize("path", ["rows/documents.jsonl", "vectors/0-00000.npy", "rows/thumbnails.jsonl", "backup.json", "thumbnails"])
@pytest.mark.parametrize("damage", ["changed", "cut off", "gone"])
def test_a_damaged_backup_is_refused_and_the_file_named(tmp_path: Path, whole: Path, path: str, damage: str) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(whole, backup)
    file = backup / path if path != "thumbnails" else sorted((backup / path).rglob("*.jpg"))[0]
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:-3] if damage == "cut off" else content[:40] + bytes([content[40] ^ 1]) + content[41:])
    with local_service(tmp_path) as service:
        for dry_run in (True, False):
            with pytest.raises(UsageError, match=str(file) if path != "backup.json" else "backup"):
                service.restore(RestoreRequest(path=str(backup), dry_run=dry_run))
        assert service.collections().collections == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("backup"))


def test_what_is_here_already_is_not_restored_over(tmp_path: Path) -> None:
    backup = filled(tmp_path)
    with local_service(tmp_path) as service:
        with pytest.raises(UsageError, match="collection default already"):
            service.restore(RestoreRequest(path=str(backup)))
        for dry_run in (True, False):
            with pytest.raises(UsageError, match="is in the collection default already"):
                service.restore(RestoreRequest(path=str(backup), collection="copy", dry_run=dry_run))
        with pytest.raises(UsageError, match="can't name a collection"):
            service.restore(RestoreRequest(path=str(backup), collection="a b"))


def test_a_directory_of_anything_else_is_neither_written_nor_read(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "empty").mkdir()
    with local_service(tmp_path) as service:
        with pytest.raises(UsageError, match="other things than a backup, such as bad"):
            service.backup(BackupRequest(path=str(tmp_path / "corpus")))
        with pytest.raises(UsageError, match="There is no backup"):
            service.restore(RestoreRequest(path=str(tmp_path / "empty")))
        with pytest.raises(UsageError, match="absolute"):
            service.backup(BackupRequest(path="backup"))


def test_a_backup_again_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    backup = filled(tmp_path)
    (tmp_path / "corpus" / "cat.jpg").unlink()
    with local_service(tmp_path) as service:
        ended(service, service.start_ingest(IngestRequest(paths=[str(tmp_path / "corpus")], prune=True)))
        thumbnails = len(list((backup / "thumbnails").rglob("*.jpg")))
        service.backup(BackupRequest(path=str(backup)))
        before = found(service)
    assert len(list((backup / "thumbnails").rglob("*.jpg"))) == thumbnails - 2
    with local_service(tmp_path / "elsewhere") as service:
        service.restore(RestoreRequest(path=str(backup)))
        assert found(service) == before


def test_a_backup_that_died_is_refused_and_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from storage.backups import BackupWriter

    backup = filled(tmp_path)
    with local_service(tmp_path) as service:
        with monkeypatch.context() as patch:
            patch.setattr(BackupWriter, "finish", _die)
            with pytest.raises(Death):
                service.backup(BackupRequest(path=str(backup)))
        with pytest.raises(UsageError, match="did not come to its end"):
            service.restore(RestoreRequest(path=str(backup)))
        service.backup(BackupRequest(path=str(backup)))
    with local_service(tmp_path / "elsewhere") as service:
        assert service.restore(RestoreRequest(path=str(backup))).documents == 4


@pytest.mark.parametrize("dies_in", ["bring_back", "show", "states"])
def test_a_restore_that_died_shows_nothing_and_goes_on(tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, dies_in: str) -> None:
    with local_service(tmp_path) as service:
        with monkeypatch.context() as patch:
            patch.setattr(SqlTransfer, dies_in, _after(getattr(SqlTransfer, dies_in)) if dies_in == "bring_back" else _die)
            with pytest.raises(Death):
                service.restore(RestoreRequest(path=str(whole)))
        assert service.collections().collections == []
        with pytest.raises(UsageError, match="half restored"):
            service.start_ingest(IngestRequest(paths=[str(whole.parent / "corpus")], collection="default"))
        service.restore(RestoreRequest(path=str(whole)))
        assert len(found(service)) == 4
        assert service.doctor(DoctorRequest()).findings == []


def _die(*_: object) -> None:
    raise Death


def _after(done: Callable[..., None]) -> Callable[..., None]:
    def then_die(*arguments: object) -> None:
        done(*arguments)
        raise Death

    return then_die
