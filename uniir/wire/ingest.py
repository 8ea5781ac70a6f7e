"""Ingests as jobs, with progress and report."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from uniir.documents import Modality
from uniir.wire.problems import FailedInput, Problem
from uniir.wire.spaces import SpaceReport, SpaceRequest
from uniir.wire.values import Answer, Request


class IngestRequest(Request):
    """Make a collection equal to folders and files; `paths` are absolute and on the machine that owns the data."""

    paths: list[str] = Field(min_length=1, max_length=1000)
    collection: str | None = Field(None, max_length=100)
    encoder: str | None = Field(None, max_length=100)
    exclude: list[str] = []
    prune: bool = False
    retry: bool = False
    within_roots: bool = Field(False, description="refuse what lies outside `corpus_roots` even to who has the secret or token")
    key: str | None = Field(None, max_length=100, description="any text of your own: asked again with it, you get the job it began")


class IngestReport(Answer):
    """What `uniir ingest --json` prints; counts are of sources in this run, `documents` is what the collection holds afterwards."""

    collection: str
    added: int
    changed: int
    moved: int
    unchanged: int
    deleted: int
    failed: list[FailedInput]
    documents: dict[Modality, int]
    seconds: float
    documents_per_second: float
    gone: int = 0
    quarantined: int = 0
    interrupted: bool = False
    notes: list[str] = []


class Phase(StrEnum):
    WAITING = "waiting"
    LOOKING = "looking"
    READING = "reading"
    INDEXING = "indexing"
    ENDED = "ended"


class Progress(Answer):
    """Where a job stands, in sources, or in documents of a space. `total` is what must be read, none before the walk is done."""

    phase: Phase = Phase.WAITING
    total: int | None = None
    done: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    rate: float | None = Field(None, description="sources per second, lately")
    seconds_left: float | None = None
    current: str | None = None


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobAnswer(Answer):
    """An ingest that the service does or did, or the filling of a space: then `space` and `filled` stand for `request` and `report`."""

    id: str
    state: JobState
    collection: str
    paths: list[str] = []
    request: IngestRequest | None = None
    space: SpaceRequest | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    progress: Progress = Progress()
    report: IngestReport | None = None
    filled: SpaceReport | None = None
    problem: Problem | None = None

    @property
    def is_over(self) -> bool:
        return self.state in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


class JobsAnswer(Answer):
    jobs: list[JobAnswer]
