"""The job board: ingests are queued in the catalog, one runs at a time in this process, and none is lost."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from app.local.attending import Attendant
from app.local.jobs.answers import job_answer
from app.local.jobs.live import JobEnd, LiveJob
from app.local.jobs.progress import Meter
from app.local.jobs.turns import Turns
from app.local.jobs.work import Accepted, Asked, Report, Work, asked_for, recalled
from storage.sql.jobs.jobs import REMEMBERED, JobRecord, Origin, SqlJobs
from storage.sql.jobs.presence import Presence
from uniir.errors import NotFound, ServiceUnavailable, StoreUnavailable, UniirError, UsageError
from uniir.ids import format_id, parse_id
from uniir.problems import problem_of
from uniir.wire import IngestRequest, JobAnswer, JobsAnswer, JobState, Problem, Progress

_log = logging.getLogger(__name__)
_FOLLOW_SECONDS = 0.25
_LOOK_SECONDS = 1.0  # between looks at a table that others write to as well
_AWAY_SECONDS = 5.0  # between looks at a catalog that does not answer
STOP_SECONDS = 8.0


class JobBoard:
    """One thread takes jobs from the catalog's table: those of this process, and for who stays whatever nobody living holds."""

    def __init__(self, jobs: SqlJobs, presence: Presence, work: Work, turns: Turns) -> None:
        self._jobs = jobs
        self._presence = presence
        self._doing = work
        self._turns = turns
        self._changing = threading.Condition()
        self._accepted: dict[int, Accepted] = {}
        self._live: LiveJob | None = None
        self._ended: OrderedDict[int, Progress] = OrderedDict()
        self._unwritten: dict[int, JobRecord] = {}  # over, but the catalog could not be told
        self._version = 0
        self._stays = False
        self._closed = False
        self._worker: threading.Thread | None = None

    def start(self, asked: Asked, origin: Origin = Origin.SERVICE) -> JobAnswer:
        """Queues a job. Raises UsageError for what could only fail, ServiceUnavailable from a board that is closing."""
        accepted = self._doing.accept(asked)
        self._presence.enter()
        with self._changing:
            if self._closed:
                raise ServiceUnavailable("The service is about to end.", "Ask again in a moment.")
            if origin is Origin.SERVICE and (begun := self._begun_by(accepted)) is not None:
                return self._answer(begun)
            mine = origin is Origin.COMMAND or not self._stays  # who does not stay ends when its own are done
            record = self._jobs.add(accepted.collection, accepted.request.model_dump(mode="json"), origin, mine=mine)
            self._accepted[record.id] = accepted
            self._begin()
        self._changed()
        return self.job(format_id(record.id))

    def _begun_by(self, accepted: Accepted) -> JobRecord | None:
        """The job of somebody who did not hear that it was begun, and asks again."""
        key = accepted.request.key if isinstance(accepted.request, IngestRequest) else None
        if key is None:
            return None
        known = (record for record, _ in self._jobs.of(accepted.collection))
        return next((record for record in known if isinstance(record.request, dict) and record.request.get("key") == key), None)

    def resume(self) -> None:
        """From here on takes up what others left, and gives up the jobs of commands that are no more."""
        self._presence.enter()
        self._jobs.abandon()
        with self._changing:
            self._stays = True
            self._begin()
        self._changed()

    def _begin(self) -> None:
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
            self._worker.start()

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
            self._changing.wait_for(lambda: self._version != version, timeout=_LOOK_SECONDS)
            self._changing.wait_for(lambda: job in self._ended, timeout=_FOLLOW_SECONDS)

    def cancel(self, job: str) -> JobAnswer:
        """Ends a job after the batch at hand, or at once when it waits; wherever it is worked off. Raises NotFound."""
        record = self._find(job)
        with self._changing:
            live = self._live
            if live is not None and live.record.id == record.id:
                live.cancel()
            elif record.state in (JobState.WAITING, JobState.RUNNING):
                self._jobs.cancel(record.id)
        self._changed()
        return self.job(job)

    def retry(self, job: str) -> JobAnswer:
        """Queues the same once more, quarantined inputs included. Raises NotFound, UsageError."""
        record = self._find(job)
        if record.state in (JobState.WAITING, JobState.RUNNING):
            raise UsageError(f"The job {job} is not over yet.", "Wait until it is, or cancel it.")
        asked = asked_for(record.request)
        return self.start(asked.model_copy(update={"retry": True, "key": None}) if isinstance(asked, IngestRequest) else asked)

    def drain(self) -> Iterator[JobsAnswer]:
        """Says a few times a second what is left to do, until nothing is; from then on no job is taken any more."""
        while True:
            with self._changing:
                left = [record for record in self._jobs.held() if record.id not in self._unwritten]
                if not left:
                    self._closed = True
                    return
                version = self._version
            yield JobsAnswer(jobs=[self._answer(record) for record in left])
            self._wait_beyond(version, _FOLLOW_SECONDS)

    def _wait_beyond(self, version: int, seconds: float | None) -> None:
        with self._changing:
            self._changing.wait_for(lambda: self._version != version, timeout=seconds)

    def close(self) -> bool:
        """Ends the job at work after its batch; what a service was asked for stays in the queue. False: it did not end in time."""
        with self._changing:
            self._closed = True
            live, worker = self._live, self._worker
            if live is not None:
                if live.record.origin is Origin.SERVICE and not live.cancelled:  # it is run again
                    live.hurry.set()
                live.stop.set()
        self._changed()
        if worker is not None:
            worker.join(STOP_SECONDS)
            if worker.is_alive():
                return False
            self._leave_everything()
        self._presence.leave()
        return True

    def _leave_everything(self) -> None:
        try:
            self._write_the_unwritten()
            for record in self._jobs.held():
                self._leave(record, cancelled=False)
        except StoreUnavailable as error:  # what the catalog calls this process's is taken up again too
            _log.error("jobs wait, but that could not be recorded: %s", error)

    def _leave(self, record: JobRecord, *, cancelled: bool) -> None:
        if record.origin is Origin.COMMAND or cancelled:
            self._over(record, JobState.CANCELLED)
            return
        try:
            self._jobs.wait(record.id)
        except StoreUnavailable as error:
            _log.error("the job %s waits, but that could not be recorded: %s", format_id(record.id), error)

    def _work(self) -> None:
        while True:
            with self._changing:
                if self._closed:
                    return
                version = self._version
            pause: float | None = _LOOK_SECONDS if self._presence.is_shared else None
            try:
                self._write_the_unwritten()
            except StoreUnavailable as error:  # that must not keep the next one waiting
                _log.warning("the end of a job can't be recorded yet: %s", error)
            try:
                live = self._reserved()
            except StoreUnavailable as error:
                _log.warning("no job could be looked for: %s", error)
                live, pause = None, _AWAY_SECONDS
            if live is not None:
                self._work_off(live)
                continue
            self._wait_beyond(version, pause)

    def _reserved(self) -> LiveJob | None:
        """The next job, which nobody else takes from here on."""
        if self._stays and self._presence.is_shared:
            self._jobs.abandon()
        with self._changing:
            record = None if self._closed else self._jobs.reserve(anybodys=self._stays)
            if record is None or record.id in self._unwritten:
                return None
            accepted = self._accepted.pop(record.id, None)
            if accepted is None:  # by another process, or before this one was started
                accepted = recalled(record.request, record.collection)
            self._live = LiveJob(record, accepted, Meter(self._changed))
            return self._live

    def _work_off(self, live: LiveJob) -> None:
        attendant = Attendant(self._jobs, live.record.id, lambda: live.meter.progress, live.cancel)
        with attendant.present(self._presence.is_shared):
            end = self._in_turn(live)  # whoever hears of it finds the turn given back
            if end is None:
                self._leave(live.record, cancelled=live.cancelled)
            else:
                self._over(live.record, end.state, end.report, end.problem, live.meter.progress)
        with self._changing:
            self._live = None
        self._changed()

    def _in_turn(self, live: LiveJob) -> JobEnd | None:
        """Carries the job out when its collection is free; None where it is to wait again."""
        try:
            with self._turns.awaited(live.accepted.what, live.accepted.collection, live.stop) as mine:
                begun = mine and not live.stop.is_set() and self._jobs.start(live.record.id)
                return self._carried_out(live) if begun else None
        except UniirError as error:
            return JobEnd(JobState.FAILED, problem=problem_of(error))

    def _carried_out(self, live: LiveJob) -> JobEnd | None:
        live.meter.begin()
        try:
            report = self._doing.run(live.accepted, live.meter.listen, live.stop, live.hurry)
        except UniirError as error:
            return JobEnd(JobState.FAILED, problem=problem_of(error))
        except Exception as error:
            _log.exception("the job %s failed", format_id(live.record.id))
            return JobEnd(JobState.FAILED, problem=problem_of(UniirError(f"The job failed: {type(error).__name__}: {error}.")))
        if not report.interrupted:
            return JobEnd(JobState.DONE, report)
        return JobEnd(JobState.CANCELLED, report) if live.cancelled or live.record.origin is Origin.COMMAND else None

    def _over(
        self,
        record: JobRecord,
        state: JobState,
        report: Report | None = None,
        problem: Problem | None = None,
        progress: Progress | None = None,
    ) -> None:
        said, trouble = (None if part is None else part.model_dump(mode="json") for part in (report, problem))
        try:
            self._jobs.finish(record.id, state, said, trouble)
        except StoreUnavailable as error:  # a full disk, most likely: who follows the job must hear of its end all the same
            _log.error("the end of the job %s could not be recorded: %s", format_id(record.id), error)
            self._unwritten[record.id] = replace(record, state=state, finished_at=datetime.now(UTC), report=said, problem=trouble)
        with self._changing:
            self._ended[record.id] = progress or Progress()
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
        self._changed()

    def _write_the_unwritten(self) -> None:
        for record in list(self._unwritten.values()):
            self._jobs.finish(record.id, record.state, record.report, record.problem)
            del self._unwritten[record.id]

    def _answer(self, record: JobRecord) -> JobAnswer:
        live = self._live
        now = live.meter.progress if live is not None and live.record.id == record.id else None
        return job_answer(record, now, self._ended.get(record.id))

    def _changed(self) -> None:
        with self._changing:
            self._version += 1
            self._changing.notify_all()
