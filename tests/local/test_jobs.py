"""The job board: one ingest at a time, none lost."""

from __future__ import annotations

import io
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from app.local.jobs.progress import Meter
from app.local.jobs.turns import OwnTurns
from ingest.events import Advanced, Finishing, Planned, Reading
from storage.sql.databases.engines import open_catalog
from storage.sql.jobs.jobs import REMEMBERED, Origin, SqlJobs
from storage.sql.jobs.presence import Presence
from tests.folders import lay, picture, rewrite
from tests.local.places import ended, ingested, local_service, slow_encoding
from uniir.errors import DirectoryInUse, NotFound, UniirError, UsageError
from uniir.ids import format_id
from uniir.wire import DoctorRequest, IngestRequest, JobState, Phase, SearchRequest

TREE = {"cat.jpg": picture(1), "dog.txt": "a dog", "bad.jpg": b"no picture"}
_SLOWLY = 30.0  # seconds of a batch that is let go before


@dataclass(frozen=True)
class Sent:
    name: str
    content: BinaryIO


def sent(name: str, content: bytes) -> Sent:
    return Sent(name, io.BytesIO(content))


def many(count: int) -> dict[str, bytes]:
    return {f"{number:04}.jpg": picture(number, (320, 240)) for number in range(count)}


def test_a_job_is_followed_from_its_start_to_its_report(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        job = service.start_ingest(IngestRequest(paths=[str(corpus)]))
        seen = list(service.follow(job.id))
        assert len(job.id) == 13
        assert seen[-1].state is JobState.DONE
        assert [one.state for one in seen if one.is_over] == [JobState.DONE]
        progress = seen[-1].progress
        assert (progress.phase, progress.total, progress.done) == (Phase.ENDED, 3, 3)
        assert (progress.added, progress.changed, progress.unchanged, progress.failed) == (2, 0, 0, 1)
        assert seen[-1].report is not None
        assert [failure.code for failure in seen[-1].report.failed] == ["image-unknown"]
        assert [one.id for one in service.jobs().jobs] == [job.id]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"paths": ["/nowhere/at/all"]}, "nowhere"),
        ({"paths": ["relative"]}, "absolute"),
        ({"paths": ["CORPUS"], "collection": "a b"}, "a b"),
        ({"paths": ["CORPUS"], "encoder": "no such"}, "no such"),
        ({"paths": ["DATA"]}, "data directory"),
    ],
)
def test_what_could_only_fail_is_refused_at_once(tmp_path: Path, request_: dict[str, object], said: str) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    places = {"CORPUS": str(corpus), "DATA": str(tmp_path / "data")}
    paths = [places.get(path, path) for path in request_["paths"]]  # type: ignore[attr-defined]
    with local_service(tmp_path) as service:
        with pytest.raises(UsageError, match=said):
            service.start_ingest(IngestRequest.model_validate({**request_, "paths": paths}))
        assert service.jobs().jobs == []


def test_a_waiting_job_can_be_cancelled_and_a_running_one_ends_after_its_batch(tmp_path: Path) -> None:
    first, second = lay(tmp_path / "first", many(200)), lay(tmp_path / "second", TREE)
    with slow_encoding(_SLOWLY) as at_once, local_service(tmp_path) as service:
        running = service.start_ingest(IngestRequest(paths=[str(first)]))
        waiting = service.start_ingest(IngestRequest(paths=[str(second)]))
        assert service.cancel(waiting.id).state is JobState.CANCELLED
        for now in service.follow(running.id):
            if now.progress.done:
                break
        service.cancel(running.id)
        at_once.set()
        last = ended(service, running)
        assert last.state is JobState.CANCELLED
        assert last.progress.total == 200
        assert 0 < last.progress.done < 200
        assert ended(service, service.retry(running.id)).state is JobState.DONE
        again = ingested(service, first)
        assert again.report is not None
        assert again.report.unchanged == 200


def test_a_retry_takes_quarantined_inputs_along(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        first = ingested(service, corpus)
        assert ingested(service, corpus).report.quarantined == 1  # type: ignore[union-attr]
        assert len(ended(service, service.retry(first.id)).report.failed) == 1  # type: ignore[union-attr]
        with pytest.raises(NotFound):
            service.retry("0000000000000")


@pytest.mark.slow
def test_a_board_that_is_closed_leaves_its_jobs_for_the_next(tmp_path: Path) -> None:
    first, second = lay(tmp_path / "first", many(200)), lay(tmp_path / "second", TREE)
    with slow_encoding(1), local_service(tmp_path) as service:
        jobs = [service.start_ingest(IngestRequest(paths=[str(path)])).id for path in (first, second)]
        mine = service.start_own_ingest(IngestRequest(paths=[str(second)])).id
        for now in service.follow(jobs[0]):
            if now.progress.done:
                break
    with local_service(tmp_path) as service:
        assert [service.job(job).state for job in jobs] == [JobState.WAITING, JobState.WAITING]
        assert service.job(mine).state is JobState.CANCELLED
        service.resume_jobs()
        for job in jobs:
            *_, last = service.follow(job)
            assert last.state is JobState.DONE
        assert service.doctor(DoctorRequest()).findings == []


def test_what_a_killed_process_left_is_taken_up_or_given_up(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path):
        pass
    engines = open_catalog(f"sqlite:///{tmp_path / 'data' / 'catalog.sqlite'}")
    presence = Presence(engines)
    presence.enter()
    table = SqlJobs(engines, presence)
    asked = IngestRequest(paths=[str(corpus)], collection="default").model_dump(mode="json")
    left = {origin: table.add("default", asked, origin, mine=True).id for origin in Origin}
    for job in left.values():
        assert table.start(job)
    engines.close()
    with local_service(tmp_path) as service:
        service.resume_jobs()
        *_, last = service.follow(format_id(left[Origin.SERVICE]))
        assert last.state is JobState.DONE
        assert service.job(format_id(left[Origin.COMMAND])).state is JobState.CANCELLED


def test_a_job_that_fails_says_why_and_the_next_one_runs(tmp_path: Path) -> None:
    corpus, soon_gone = lay(tmp_path / "corpus", TREE), lay(tmp_path / "gone", TREE)
    with slow_encoding(_SLOWLY) as at_once, local_service(tmp_path) as service:
        asked = [IngestRequest(paths=[str(path)]) for path in (lay(tmp_path / "first", many(100)), soon_gone, corpus)]
        _, failing, after = [service.start_ingest(request) for request in asked]
        shutil.rmtree(soon_gone)
        at_once.set()
        failed = ended(service, failing)
        assert failed.state is JobState.FAILED
        assert failed.problem is not None
        assert failed.problem.code == "usage-error"
        assert str(soon_gone) in failed.problem.detail
        assert ended(service, after).state is JobState.DONE


def test_nothing_else_is_changed_while_an_ingest_is_at_work(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", many(200))
    with slow_encoding(_SLOWLY) as at_once, local_service(tmp_path) as service:
        job = service.start_ingest(IngestRequest(paths=[str(corpus)]))
        for now in service.follow(job.id):
            if now.progress.done:
                break
        with pytest.raises(DirectoryInUse, match="an ingest into default"):
            service.doctor(DoctorRequest())
        assert service.search(SearchRequest(text="anything", k=3)).hits
        service.cancel(job.id)
        at_once.set()
        ended(service, job)
        assert service.doctor(DoctorRequest()).findings is not None


def test_who_hears_that_a_job_is_over_can_change_its_collection_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = OwnTurns._free
    monkeypatch.setattr(OwnTurns, "_free", lambda turns: (time.sleep(0.5), free(turns))[1])
    with local_service(tmp_path) as service:
        ingested(service, lay(tmp_path / "corpus", TREE))
        assert service.doctor(DoctorRequest()).findings == []


def test_the_last_jobs_are_remembered_and_none_that_is_not_over_is_forgotten(catalog: str) -> None:
    engines = open_catalog(catalog)
    table = SqlJobs(engines, Presence(engines))
    first = table.add("default", {}, Origin.SERVICE)
    others = [table.add("default", {}, Origin.SERVICE) for _ in range(5)]
    for job in others:
        table.finish(job.id, JobState.DONE)
    for _ in range(REMEMBERED):
        table.finish(table.add("default", {}, Origin.SERVICE).id, JobState.DONE)
    kept = {job.id for job in table.all()}
    assert first.id in kept
    assert len(kept) == REMEMBERED + 1
    assert not kept & {job.id for job in others[:4]}
    engines.close()


def test_a_job_is_in_hand_as_long_as_its_process_lives(catalog: str) -> None:
    engines = open_catalog(catalog)
    worker, other = Presence(engines), Presence(engines)
    worker.enter()
    table = SqlJobs(engines, worker)
    job = table.add("default", {}, Origin.COMMAND, mine=True)
    assert [(one.id, in_hand) for one, in_hand in table.of("default")] == [(job.id, True)]
    seen_by_another = SqlJobs(engines, other).of("default")
    assert [in_hand for _, in_hand in seen_by_another] == [engines.is_shared]  # else whoever looks owns the directory alone
    worker.leave()
    assert [in_hand for _, in_hand in SqlJobs(engines, other).of("default")] == [False]
    assert table.of("elsewhere") == []
    engines.close()


def test_a_job_ends_where_the_catalog_can_not_be_told(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        refuse_ends_of_jobs(service.settings.catalog_file)
        last = ended(service, service.start_ingest(IngestRequest(paths=[str(corpus)])))
        assert last.state is JobState.DONE
        assert last.report is not None
        assert last.report.added == 2
        assert [one.state for one in service.jobs().jobs] == [JobState.DONE]
        assert ended(service, service.start_ingest(IngestRequest(paths=[str(corpus)]))).state is JobState.DONE


def refuse_ends_of_jobs(catalog: Path) -> None:
    """As a full disk would."""
    with closing(sqlite3.connect(catalog)) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON jobs WHEN new.finished_at IS NOT NULL BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )


def test_uploads_keep_their_names_and_lead_nowhere(tmp_path: Path) -> None:
    with local_service(tmp_path) as service:
        files = [sent("../../etc/boat.jpg", picture(1)), sent("boat.txt", b"a blue boat"), sent("C:\\notes\\.hidden.md", b"hidden words")]
        last = ended(service, service.ingest_files(files))
        folder = tmp_path / "data" / "uploads" / "default"
        assert sorted(path.name for path in folder.iterdir()) == ["boat.jpg", "boat.txt", "hidden.md"]
        assert last.report is not None
        assert last.report.added == 2
        assert service.search(SearchRequest(text="a blue boat", k=1)).hits[0].path == str(folder / "boat.jpg")


def test_uploads_are_ingested_where_the_data_lies_in_the_corpus_too(tmp_path: Path) -> None:
    lay(tmp_path, {"cat.txt": "a cat"})
    with local_service(tmp_path) as service:
        ingested(service, tmp_path)
        last = ended(service, service.ingest_files([sent("boat.txt", b"a blue boat")]))
        assert last.report is not None
        assert last.report.added == 1
        assert service.search(SearchRequest(text="a blue boat", k=1)).hits[0].text == "a blue boat"


def test_an_upload_of_the_same_name_stands_beside_the_first_unless_it_is_the_same(tmp_path: Path) -> None:
    with local_service(tmp_path) as service:
        for content in (picture(1), picture(1), picture(2)):
            ended(service, service.ingest_files([sent("boat.jpg", content), sent("boat.txt", b"a boat")]))
        folder = tmp_path / "data" / "uploads" / "default"
        assert sorted(path.name for path in folder.iterdir()) == ["boat-2.jpg", "boat-2.txt", "boat.jpg", "boat.txt"]
        assert sum(service.collections().collections[0].documents.indexed.values()) == 2


@pytest.mark.parametrize("name", ["", "..", "program.exe", "/", ".jpg"])
def test_an_upload_that_no_collection_can_take_is_refused(tmp_path: Path, name: str) -> None:
    with local_service(tmp_path) as service, pytest.raises(UniirError, match="can be ingested"):
        service.ingest_files([sent(name, b"x")])


def test_an_upload_names_no_folder_by_its_collection(tmp_path: Path) -> None:
    with local_service(tmp_path) as service, pytest.raises(UsageError):
        service.ingest_files([sent("a.txt", b"x")], "../elsewhere")


def test_a_changed_upload_folder_is_found_changed(tmp_path: Path) -> None:
    with local_service(tmp_path) as service:
        ended(service, service.ingest_files([sent("a.txt", b"first")]))
        rewrite(tmp_path / "data/uploads/default/a.txt", "second")
        assert ingested(service, tmp_path / "data/uploads/default/a.txt").report.changed == 1  # type: ignore[union-attr]


def test_progress_is_counted_and_timed() -> None:
    clock = iter([0.0, 2.0, 2.0, 4.0, 4.0]).__next__
    meter = Meter(lambda: None, clock)
    meter.begin()
    meter.listen(Planned(10, 5))
    meter.listen(Reading(Path("/corpus/cat.jpg")))
    meter.listen(Advanced(4, 1, 2, 1, 0))
    seen = meter.progress
    assert (seen.phase, seen.total, seen.done, seen.current) == (Phase.READING, 10, 4, "/corpus/cat.jpg")
    assert (seen.added, seen.changed, seen.unchanged, seen.failed) == (2, 1, 5, 1)
    assert (seen.rate, seen.seconds_left) == (2.0, 3.0)
    meter.listen(Finishing())
    assert meter.progress.phase is Phase.INDEXING
