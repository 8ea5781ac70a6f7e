"""The job board: ingests are queued, one runs at a time, and none is lost."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from app.local.ingesting import Accepted, Ingesting
from app.local.progress import Meter, ended
from app.local.turns import Turns
from storage.sql.jobs import REMEMBERED, JobRecord, Origin, SqlJobs
from uniir.errors import NotFound, ServiceUnavailable, StoreUnavailable, UniirError, UsageError
from uniir.ids import format_id, parse_id
from uniir.problems import problem_of
from uniir.wire import IngestReport, IngestRequest, JobAnswer, JobsAnswer, JobState, Problem, Progress

_log = logging.getLogger(__name__)
_FOLLOW_SECONDS = 0.25
STOP_SECONDS = 8.0


@dataclass(slots=True)
class _Live:
    """A job of this process that is not over."""

    record: JobRecord
    accepted: Accepted
    meter: Meter
    stop: threading.Event = field(default_factory=threading.Event)
    hurry: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False


class JobBoard:
    """One thread works through the queue. The catalog knows every job; this process knows how far its own are."""

    def __init__(self, jobs: SqlJobs, ingesting: Ingesting, turns: Turns) -> None:
        self._jobs = jobs
        self._ingesting = ingesting
        self._turns = turns
        self._changing = threading.Condition()
        self._queue: deque[_Live] = deque()
        self._live: dict[int, _Live] = {}
        self._ended: OrderedDict[int, Progress] = OrderedDict()
        self._unwritten: dict[int, JobRecord] = {}  # over, but the catalog could not be told
        self._version = 0
        self._closed = False
        self._worker: threading.Thread | None = None

    def start(self, request: IngestRequest, origin: Origin = Origin.SERVICE) -> JobAnswer:
        """Queues an ingest. Raises UsageError for what could only fail, ServiceUnavailable from a board that is closing."""
        accepted = self._ingesting.accept(request)
        with self._changing:
            if self._closed:
                raise ServiceUnavailable("The service is about to end.", "Ask again in a moment.")
            record = self._jobs.add(accepted.collection, accepted.request.model_dump(mode="json"), origin)
            self._enqueue(record, accepted)
        return self.job(format_id(record.id))

    def resume(self) -> None:
        """Takes up the jobs that earlier services left, and gives up those of commands that are no more."""
        with self._changing:
            self._jobs.abandon([record.id for record in self._jobs.unfinished(Origin.COMMAND) if record.id not in self._live])
            for record in self._jobs.unfinished(Origin.SERVICE):
                if record.id not in self._live:
                    self._jobs.wait(record.id)
                    self._enqueue(record, Accepted(IngestRequest.model_validate(record.request), record.collection))

    def _enqueue(self, record: JobRecord, accepted: Accepted) -> None:
        live = _Live(record, accepted, Meter(self._changed))
        self._live[record.id] = live
        self._queue.append(live)
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
            self._worker.start()
        self._changed()

    def jobs(self) -> JobsAnswer:
        return JobsAnswer(jobs=[self._answer(self._unwritten.get(record.id, record)) for record in self._jobs.all()])

    def job(self, job: str) -> JobAnswer:
        """Raises NotFound."""
        return self._answer(self._find(job))

    def _find(self, job: str) -> JobRecord:
        try:
            record = self._jobs.find(parse_id(job))
        except UsageError:  # no id at all
            record = None
        if record is None:
            raise NotFound(f"There is no job {job}.", "The last 200 are remembered; `GET /v1/ingest` lists them.")
        return self._unwritten.get(record.id, record)

    def follow(self, job: str) -> Iterator[JobAnswer]:
        """The job now, then at every change a few times a second, until it is over."""
        before: JobAnswer | None = None
        while True:
            with self._changing:
                version = self._version
            now = self.job(job)
            if now != before:
                yield now
                before = now
            if now.is_over:
                return
            self._wait_for_change(version, parse_id(job))

    def _wait_for_change(self, version: int, job: int) -> None:
        """Not longer than a second, and not shorter than a quarter of one unless the job is over."""
        with self._changing:
            self._changing.wait_for(lambda: self._version != version, timeout=1.0)
            self._changing.wait_for(lambda: job not in self._live, timeout=_FOLLOW_SECONDS)

    def cancel(self, job: str) -> JobAnswer:
        """Ends a job after the batch at hand, or at once when it waits. Raises NotFound."""
        record = self._find(job)
        with self._changing:
            live = self._live.get(record.id)
            if live is None:
                if record.state in (JobState.WAITING, JobState.RUNNING):  # of a process that is no more
                    self._jobs.finish(record.id, JobState.CANCELLED)
            else:
                live.cancelled = True
                live.stop.set()
                if live in self._queue:
                    self._queue.remove(live)
                    self._over(live, JobState.CANCELLED)
        self._changed()
        return self.job(job)

    def retry(self, job: str) -> JobAnswer:
        """Queues the same ingest once more, quarantined inputs included. Raises NotFound, UsageError."""
        record = self._find(job)
        if record.state in (JobState.WAITING, JobState.RUNNING):
            raise UsageError(f"The job {job} is not over yet.", "Wait until it is, or cancel it.")
        return self.start(IngestRequest.model_validate(record.request).model_copy(update={"retry": True}))

    def drain(self) -> Iterator[JobsAnswer]:
        """Says a few times a second what is left to do, until nothing is; from then on no job is taken any more."""
        while True:
            with self._changing:
                if not self._live:
                    self._closed = True
                    return
                left = list(self._live.values())
            yield JobsAnswer(jobs=[self._answer(live.record) for live in left])
            with self._changing:
                self._changing.wait_for(lambda: not self._live, timeout=_FOLLOW_SECONDS)

    def close(self) -> bool:
        """Ends the job at work after its batch; what a service was asked for stays in the queue. False: it did not end in time."""
        with self._changing:
            self._closed = True
            for live in self._live.values():
                if live.record.origin is Origin.SERVICE and not live.cancelled:  # it is run again
                    live.hurry.set()
                live.stop.set()
            self._queue.clear()
            worker = self._worker
        self._changed()
        if worker is not None:
            worker.join(STOP_SECONDS)
        for live in list(self._live.values()):
            self._leave(live)
        return worker is None or not worker.is_alive()

    def _leave(self, live: _Live) -> None:
        if live.record.origin is Origin.COMMAND or live.cancelled:
            self._over(live, JobState.CANCELLED)
            return
        try:
            self._jobs.wait(live.record.id)
        except StoreUnavailable as error:  # what the catalog calls running is taken up again too
            _log.error("the job %s waits, but that could not be recorded: %s", format_id(live.record.id), error)

    def _work(self) -> None:
        while True:
            with self._changing:
                self._changing.wait_for(lambda: self._queue or self._closed)
                if self._closed:
                    return
                live = self._queue.popleft()
            with self._turns.awaited(f"an ingest into {live.accepted.collection}"):
                self._carry_out(live)

    def _carry_out(self, live: _Live) -> None:
        if live.stop.is_set():
            self._leave(live)
            return
        live.meter.begin()
        try:
            self._jobs.start(live.record.id)
            report = self._ingesting.run(live.accepted, live.meter.listen, live.stop, live.hurry)
        except UniirError as error:
            self._over(live, JobState.FAILED, problem=problem_of(error))
        except Exception as error:
            _log.exception("the job %s failed", format_id(live.record.id))
            self._over(live, JobState.FAILED, problem=problem_of(UniirError(f"The ingest failed: {type(error).__name__}: {error}.")))
        else:
            if not report.interrupted:
                self._over(live, JobState.DONE, report)
            elif live.cancelled or live.record.origin is Origin.COMMAND:
                self._over(live, JobState.CANCELLED, report)
            else:
                self._leave(live)

    def _over(self, live: _Live, state: JobState, report: IngestReport | None = None, problem: Problem | None = None) -> None:
        said, trouble = (None if part is None else part.model_dump(mode="json") for part in (report, problem))
        try:
            self._jobs.finish(live.record.id, state, said, trouble)
        except StoreUnavailable as error:  # a full disk, most likely: who follows the job must hear of its end all the same
            _log.error("the end of the job %s could not be recorded: %s", format_id(live.record.id), error)
            self._unwritten[live.record.id] = replace(live.record, state=state, finished_at=datetime.now(UTC), report=said, problem=trouble)
        with self._changing:
            self._live.pop(live.record.id, None)
            self._ended[live.record.id] = live.meter.progress
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
        self._changed()

    def _answer(self, record: JobRecord) -> JobAnswer:
        request = IngestRequest.model_validate(record.request)
        report = IngestReport.model_validate(record.report) if record.report is not None else None
        live = self._live.get(record.id)
        is_over = record.state not in (JobState.WAITING, JobState.RUNNING)
        return JobAnswer(
            id=format_id(record.id),
            state=record.state,
            collection=record.collection,
            paths=request.paths,
            request=request,
            created_at=record.created_at,
            started_at=record.started_at,
            finished_at=record.finished_at,
            progress=ended(report, self._ended.get(record.id)) if is_over else live.meter.progress if live is not None else Progress(),
            report=report,
            problem=Problem.model_validate(record.problem) if record.problem is not None else None,
        )

    def _changed(self) -> None:
        with self._changing:
            self._version += 1
            self._changing.notify_all()
