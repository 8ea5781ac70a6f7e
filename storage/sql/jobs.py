"""Ingests that were asked for, so that none is lost with its process and people can read how they ended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import RowMapping, delete, insert, select, update

from storage.sql.engines import Engines
from storage.sql.schema import jobs, now
from uniir.documents import Json
from uniir.ids import new_id
from uniir.wire import JobState

REMEMBERED = 200
_OPEN = (JobState.WAITING, JobState.RUNNING)


class Origin(StrEnum):
    """Who asked: a service goes on with its jobs after a restart, a command dies with its own."""

    SERVICE = "service"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as the catalog knows it."""

    id: int
    collection: str
    request: Json
    origin: Origin
    state: JobState
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    report: Json = None
    problem: Json = None


class SqlJobs:
    """The table of jobs; the last 200 are remembered, and every one that is not over."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def add(self, collection: str, request: Json, origin: Origin) -> JobRecord:
        """A new job, waiting."""
        row = {
            "id": new_id(),
            "collection": collection,
            "request": request,
            "origin": origin,
            "state": JobState.WAITING,
            "created_at": now(),
        }
        with self._engines.writing() as connection:
            while connection.execute(select(jobs.c.id).where(jobs.c.id == row["id"])).first() is not None:
                row["id"] = new_id()
            connection.execute(insert(jobs).values(row))
            newest = select(jobs.c.id).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(REMEMBERED)
            connection.execute(delete(jobs).where(jobs.c.id.not_in(newest), jobs.c.state.not_in(_OPEN)))
            return _record(connection.execute(select(jobs).where(jobs.c.id == row["id"])).mappings().one())

    def wait(self, job: int) -> None:
        """Puts a job that was not finished back among the waiting."""
        self._change(job, state=JobState.WAITING, started_at=None)

    def start(self, job: int) -> None:
        self._change(job, state=JobState.RUNNING, started_at=now())

    def finish(self, job: int, state: JobState, report: Json = None, problem: Json = None) -> None:
        self._change(job, state=state, finished_at=now(), report=report, problem=problem)

    def _change(self, job: int, **values: object) -> None:
        with self._engines.writing() as connection:
            connection.execute(update(jobs).where(jobs.c.id == job).values(**values))

    def find(self, job: int) -> JobRecord | None:
        with self._engines.reading() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job)).mappings().first()
        return _record(row) if row is not None else None

    def all(self) -> Sequence[JobRecord]:
        """Newest first."""
        with self._engines.reading() as connection:
            query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
            return [_record(row) for row in connection.execute(query).mappings()]

    def unfinished(self, origin: Origin) -> Sequence[JobRecord]:
        """Those of a process that is no more, oldest first."""
        return [job for job in reversed(self.all()) if job.origin is origin and job.state in _OPEN]

    def abandon(self, ids: Collection[int]) -> None:
        """Cancels jobs whose process is no more."""
        for job in ids:
            self.finish(job, JobState.CANCELLED)


def _record(row: RowMapping) -> JobRecord:
    return JobRecord(
        row["id"],
        row["collection"],
        row["request"],
        Origin(row["origin"]),
        JobState(row["state"]),
        row["created_at"],
        row["started_at"],
        row["finished_at"],
        row["report"],
        row["problem"],
    )
