"""Ingests that were asked for, so that none is lost with its process and people can read how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, insert, or_, select, update

from storage.sql.databases.engines import Engines
from storage.sql.jobs.presence import Presence, is_alive
from storage.sql.schema import jobs, now, turns
from uniir.documents import Json
from uniir.ids import new_id
from uniir.wire import JobState

REMEMBERED = 200
_OPEN = (JobState.WAITING, JobState.RUNNING)
_IS_OPEN = jobs.c.state.in_(_OPEN)
_IS_NOBODYS = or_(jobs.c.holder.is_(None), ~is_alive(jobs.c.holder))


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
    progress: Json = None


class SqlJobs:
    """The table of jobs; the last 200 are remembered, and every one that is not over.

    Who works off a job is its holder. What a dead process held is nobody's, and what a living one holds nobody else's.
    """

    def __init__(self, engines: Engines, presence: Presence) -> None:
        self._engines = engines
        self._presence = presence
        self._is_mine = jobs.c.holder == presence.id

    def add(self, collection: str, request: Json, origin: Origin, *, mine: bool = False) -> JobRecord:
        """A new job, waiting: for this process alone, or for whoever has time."""
        row = {
            "collection": collection,
            "request": request,
            "origin": origin,
            "state": JobState.WAITING,
            "created_at": now(),
            "holder": self._presence.id if mine else None,
        }
        return self._engines.settled(lambda connection: _added(connection, row))

    def reserve(self, *, anybodys: bool) -> JobRecord | None:
        """The oldest job that this process may work off now, held by it from here on: its own, and on request anybody's.

        A collection that another process changes is passed over.
        """
        own = and_(self._is_mine, jobs.c.state == JobState.WAITING)
        left = and_(jobs.c.origin == Origin.SERVICE, _IS_OPEN, _IS_NOBODYS, jobs.c.cancelling.is_not(True))
        taken = select(turns.c.collection).where(
            turns.c.collection == jobs.c.collection, turns.c.holder != self._presence.id, is_alive(turns.c.holder)
        )
        query = (
            select(jobs)
            .where(or_(own, left) if anybodys else own, ~taken.exists())
            .order_by(jobs.c.created_at, jobs.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)  # two that look at once find two jobs
        )
        with self._engines.writing() as connection:
            row = connection.execute(query).mappings().first()
            if row is None:
                return None
            values = {"holder": self._presence.id, "state": JobState.WAITING, "started_at": None}
            connection.execute(update(jobs).where(jobs.c.id == row["id"]).values(values))
            return _record(connection.execute(select(jobs).where(jobs.c.id == row["id"])).mappings().one())

    def start(self, job: int) -> bool:
        """Whether the job is this process's and runs now; not where it was cancelled, or taken over, just before."""
        mine = and_(jobs.c.id == job, self._is_mine, jobs.c.cancelling.is_not(True))
        return self._change(mine, state=JobState.RUNNING, started_at=now())

    def wait(self, job: int) -> None:
        """Puts a job of this process that was not finished back among the waiting, unless somebody has cancelled it."""
        mine, unwanted = and_(jobs.c.id == job, self._is_mine), jobs.c.cancelling.is_(True)
        if not self._change(and_(mine, unwanted), state=JobState.CANCELLED, finished_at=now(), progress=None):
            self._change(mine, state=JobState.WAITING, started_at=None, holder=None, progress=None)

    def finish(self, job: int, state: JobState, report: Json = None, problem: Json = None) -> None:
        """How a job ended. Says nothing about one that another process has taken over."""
        mine = and_(jobs.c.id == job, or_(self._is_mine, jobs.c.holder.is_(None)))
        self._change(mine, state=state, finished_at=now(), report=report, problem=problem, progress=None)

    def tell(self, job: int, progress: Json) -> bool:
        """Lets everybody know how far a job is. True: somebody wants it cancelled."""
        mine = and_(jobs.c.id == job, self._is_mine, _IS_OPEN)
        with self._engines.writing() as connection:
            wanted = connection.execute(update(jobs).where(mine).values(progress=progress).returning(jobs.c.cancelling)).scalar()
        return bool(wanted)

    def cancel(self, job: int) -> None:
        """Ends a job that nobody works on; the process that does is told, and ends it."""
        waits = and_(self._is_mine, jobs.c.state == JobState.WAITING)
        if not self._change(
            and_(jobs.c.id == job, _IS_OPEN, or_(_IS_NOBODYS, waits)), state=JobState.CANCELLED, finished_at=now(), progress=None
        ):
            self._change(and_(jobs.c.id == job, _IS_OPEN), cancelling=True)

    def abandon(self) -> None:
        """Cancels jobs of commands that are no more, and those that were to be cancelled when their process died."""
        unwanted = or_(jobs.c.origin == Origin.COMMAND, jobs.c.cancelling.is_(True))
        self._change(and_(_IS_OPEN, _IS_NOBODYS, unwanted), state=JobState.CANCELLED, finished_at=now(), progress=None)

    def _change(self, which: ColumnElement[bool], **values: object) -> bool:
        with self._engines.writing() as connection:
            return bool(connection.execute(update(jobs).where(which).values(**values)).rowcount)

    def find(self, job: int) -> JobRecord | None:
        with self._engines.glancing() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job)).mappings().first()
        return _record(row) if row is not None else None

    def all(self) -> Sequence[JobRecord]:
        """Newest first."""
        with self._engines.reading() as connection:
            query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
            return [_record(row) for row in connection.execute(query).mappings()]

    def of(self, collection: str) -> Sequence[tuple[JobRecord, bool]]:
        """The jobs on a collection, newest first, and of each whether a living process has it in hand."""
        lives = or_(self._is_mine, is_alive(jobs.c.holder)) if self._presence.is_shared else self._is_mine
        in_hand = and_(_IS_OPEN, lives).label("in_hand")
        query = select(jobs, in_hand).where(jobs.c.collection == collection).order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        with self._engines.glancing() as connection:
            return [(_record(row), bool(row["in_hand"])) for row in connection.execute(query).mappings()]

    def held(self) -> Sequence[JobRecord]:
        """What this process has to do still, oldest first."""
        with self._engines.reading() as connection:
            query = select(jobs).where(self._is_mine, _IS_OPEN).order_by(jobs.c.created_at, jobs.c.id)
            return [_record(row) for row in connection.execute(query).mappings()]


def _added(connection: Connection, row: dict[str, object]) -> JobRecord:
    number = new_id()
    connection.execute(insert(jobs).values(row | {"id": number}))
    newest = select(jobs.c.id).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(REMEMBERED)
    connection.execute(delete(jobs).where(jobs.c.id.not_in(newest), jobs.c.state.not_in(_OPEN)))
    return _record(connection.execute(select(jobs).where(jobs.c.id == number)).mappings().one())


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
        row["progress"],
    )
