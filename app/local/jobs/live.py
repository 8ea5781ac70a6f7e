"""A job while it is worked off, and how it ended."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from app.local.jobs.progress import Meter
from app.local.jobs.work import Accepted, Report
from storage.sql.jobs.jobs import JobRecord
from uniir.wire import JobState, Problem


@dataclass(slots=True)
class LiveJob:
    """The job that this process works off."""

    record: JobRecord
    accepted: Accepted
    meter: Meter
    stop: threading.Event = field(default_factory=threading.Event)
    hurry: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True
        self.stop.set()


@dataclass(frozen=True, slots=True)
class JobEnd:
    """A state in which a job is over, and what there is to say about it."""

    state: JobState
    report: Report | None = None
    problem: Problem | None = None
