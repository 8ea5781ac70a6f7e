"""Several processes on one Postgres: each job is done once, and what a dead one left is gone on with."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.local.opening import serving
from app.local.service import LocalService
from storage.ownership import FreeForAll
from storage.sql.databases.engines import open_catalog
from storage.sql.jobs.presence import Presence
from storage.sql.jobs.turns import SqlTurns
from storage.sql.schema import jobs, processes
from tests.folders import lay, picture
from tests.local.places import settings_in, slow_encoding
from tests.servers.postgres import PostgresServer
from uniir.errors import DirectoryInUse, StoreUnavailable
from uniir.settings import Settings
from uniir.wire import DoctorRequest, IngestRequest, JobAnswer, JobState, SearchRequest

_LEASE = {"lease_seconds": 5.0}  # where a process is to be taken for dead; elsewhere a busy machine must not do that
_PATIENCE = 180.0


def settings_of(place: Path, url: str, **others: object) -> Settings:
    return settings_in(place, catalog_url=url, wait_seconds=0.1, **others)


@contextmanager
def beside(place: Path, url: str, **others: object) -> Iterator[LocalService]:
    """A service of this process. The exact store is one file, so what is compared is read by who opens it last."""
    with serving(settings_of(place, url, **others), FreeForAll(place / "data")) as service:
        yield service


def _stay(place: Path, url: str, ordered: Connection, slowness: float, others: Mapping[str, object]) -> None:
    """A process that works off jobs until it is told to end; a list of paths is an order for an ingest."""
    with slow_encoding(slowness), beside(place, url, **others) as service:
        service.resume_jobs()
        ordered.send("ready")
        while (order := ordered.recv()) is not None:
            ordered.send(service.start_ingest(IngestRequest(paths=order)).id)


@contextmanager
def another_process(place: Path, url: str, slowness: float = 0.0, **others: object) -> Iterator[tuple[BaseProcess, Connection]]:
    """`slowness` in seconds for most batches, so that its job is surely met at work."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_stay, args=(place, url, there, slowness, others))
    process.start()
    there.close()
    assert here.poll(_PATIENCE), "the other process did not start"
    assert here.recv() == "ready"
    try:
        yield process, here
        if process.is_alive():
            here.send(None)
            process.join(_PATIENCE)
    finally:
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGCONT)
            process.kill()
        process.join(_PATIENCE)
        here.close()


def ask(ordered: Connection, *paths: Path) -> str:
    ordered.send([str(path) for path in paths])
    assert ordered.poll(_PATIENCE)
    job: str = ordered.recv()
    return job


def until(service: LocalService, job: str, state: JobState, done: int = 0) -> JobAnswer:
    """The job as soon as it is in this state with so much done."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        now = service.job(job)
        if now.state is state and now.progress.done >= done:
            return now
        assert not now.is_over, now
        assert time.monotonic() < deadline, now
        time.sleep(0.05)


def last_lease(url: str) -> datetime:
    """When whoever works off the one job will be taken for dead, unless it speaks again."""
    engines = open_catalog(url)
    with engines.reading() as connection:
        until = connection.execute(select(processes.c.until).join(jobs, jobs.c.holder == processes.c.id)).scalar_one()
    engines.close()
    return datetime.fromtimestamp(until, UTC)


def is_whole(service: LocalService, files: int) -> None:
    assert service.doctor(DoctorRequest()).findings == []
    assert sum(service.collections().collections[0].documents.indexed.values()) == files


def many(count: int, start: int = 0) -> dict[str, bytes]:
    return {f"{number:04}.jpg": picture(number, (720, 540)) for number in range(start, start + count)}


@pytest.mark.slow
def test_a_job_is_followed_and_cancelled_from_another_process(tmp_path: Path, postgres: str) -> None:
    corpus = lay(tmp_path / "corpus", many(500))
    with another_process(tmp_path, postgres, slowness=2) as (_, other), beside(tmp_path, postgres) as service:
        job = ask(other, corpus)
        until(service, job, JobState.RUNNING, done=1)
        with pytest.raises(DirectoryInUse, match=r"an ingest into default \(process \d+"):
            service.doctor(DoctorRequest())
        service.cancel(job)
        *_, last = service.follow(job)
        assert last.state is JobState.CANCELLED
        assert last.report is not None
        assert 0 < last.report.added < 500


@pytest.mark.slow
def test_what_a_killed_process_was_at_is_taken_over_after_its_lease_and_no_earlier(tmp_path: Path, postgres: str) -> None:
    corpus = lay(tmp_path / "corpus", many(400))
    with another_process(tmp_path, postgres, slowness=2, **_LEASE) as (dying, other):
        job = ask(other, corpus)
        with beside(tmp_path, postgres, **_LEASE) as service:
            first = until(service, job, JobState.RUNNING, done=1)
            with pytest.raises(DirectoryInUse, match=r"an ingest into default \(process \d+"):
                service.doctor(DoctorRequest())
            service.resume_jobs()  # it would take what is free
            os.kill(dying.pid or 0, signal.SIGKILL)
            dying.join(_PATIENCE)
            lived_until = last_lease(postgres)
            again = next(now for now in service.follow(job) if now.started_at not in (None, first.started_at))
            assert again.started_at is not None
            assert again.started_at > lived_until
            *_, last = service.follow(job)
            assert last.state is JobState.DONE
            assert last.report is not None
            is_whole(service, 400)


@pytest.mark.slow
def test_who_was_taken_for_dead_writes_nothing_any_more(tmp_path: Path, postgres: str) -> None:
    corpus = lay(tmp_path / "corpus", many(400))
    with another_process(tmp_path, postgres, slowness=2, **_LEASE) as (sleeping, other):
        job = ask(other, corpus)
        with beside(tmp_path, postgres, **_LEASE) as service:
            until(service, job, JobState.RUNNING, done=1)
            service.resume_jobs()
            os.kill(sleeping.pid or 0, signal.SIGSTOP)
            *_, last = service.follow(job)
            assert last.state is JobState.DONE
            os.kill(sleeping.pid or 0, signal.SIGCONT)
            other.send(None)
            sleeping.join(_PATIENCE)
            assert service.job(job) == last
            is_whole(service, 400)


@pytest.mark.slow
@pytest.mark.parametrize("vectors", ["exact", "server"])
def test_two_ingests_of_overlapping_folders_at_once_leave_no_double_and_no_gap(
    tmp_path: Path, postgres: str, vectors: str, request: pytest.FixtureRequest
) -> None:
    stores: dict[str, Any] = {}
    if vectors == "server":
        address = request.getfixturevalue("milvus_server").address
        stores = {"vector_store": "milvus", "milvus_uri": address, "milvus_database": f"test_{time.time_ns()}"}
    corpus = lay(tmp_path / "corpus", {f"{folder}/{name}": data for folder in "ab" for name, data in many(30, ord(folder)).items()})
    lay(tmp_path / "corpus", {"c.txt": "a text", "a/notes.txt": "another text"})
    with another_process(tmp_path, postgres, **stores) as (_, one), another_process(tmp_path, postgres, **stores) as (_, two):
        jobs = [ask(one, corpus / "a"), ask(two, corpus), ask(one, corpus / "b", corpus / "a"), ask(two, corpus)]
        with beside(tmp_path, postgres, **stores) as service:
            ends = [list(service.follow(job))[-1] for job in jobs]
    assert [end.state for end in ends] == [JobState.DONE] * 4
    with beside(tmp_path, postgres, **stores) as service:
        is_whole(service, 62)
        assert service.search(SearchRequest(text="another text", k=1)).hits[0].text == "another text"


@pytest.mark.slow
def test_a_service_outlives_its_database(
    tmp_path: Path, postgres: str, postgres_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    corpus = lay(tmp_path / "corpus", many(500))
    other = open_catalog(postgres)
    with slow_encoding(2) as at_once, beside(tmp_path, postgres, **_LEASE) as service:
        service.resume_jobs()
        job = service.start_ingest(IngestRequest(paths=[str(corpus)])).id
        until(service, job, JobState.RUNNING, done=1)
        postgres_server.stop()
        try:
            with pytest.raises(StoreUnavailable, match="goes on where it stopped"):
                service.jobs()
            deadline = time.monotonic() + _PATIENCE
            while "could not be recorded" not in caplog.text:
                assert time.monotonic() < deadline, caplog.text
                time.sleep(0.1)
        finally:
            at_once.set()
            postgres_server.start()
        *_, last = service.follow(job)
        assert last.state is JobState.FAILED
        assert last.problem is not None
        assert last.problem.code == "store-unavailable"
        *_, last = service.follow(service.retry(job).id)
        assert last.state is JobState.DONE
        is_whole(service, 500)
        presence = Presence(other)
        elsewhere = SqlTurns(other, presence)
        deadline = time.monotonic() + _PATIENCE
        while (said := elsewhere.take("default", "an ingest")) is not None:
            assert time.monotonic() < deadline, said
            time.sleep(0.1)
        elsewhere.free("default")
        presence.leave()
    other.close()


def test_a_turn_is_had_by_one_living_process_at_a_time(postgres: str) -> None:
    engines = open_catalog(postgres)
    first, second, third = (Presence(engines) for _ in range(3))
    mine, theirs, others = (SqlTurns(engines, presence) for presence in (first, second, third))
    assert others.take("something else", "an ingest") is None
    assert mine.take("photos", "an ingest") is None
    assert mine.take("photos", "the same again") is None
    assert theirs.take("texts", "an ingest") is None
    said = theirs.take("photos", "the doctor")
    assert said is not None
    assert said.startswith("the same again (process")
    first.leave()
    assert theirs.take("photos", "the doctor") is None
    with pytest.raises(StoreUnavailable, match="took over"), mine.guarded("photos").writing():
        pass
    with theirs.guarded("photos").writing():
        pass
    second.leave()
    third.leave()
    engines.close()
