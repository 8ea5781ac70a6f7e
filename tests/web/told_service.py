"""A service that answers with what a test told it, for the logic of screens; what is asked of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from uniir.wire import (
    CollectionAnswer,
    CollectionsAnswer,
    DoctorAnswer,
    DoctorRequest,
    FailureAnswer,
    FailuresAnswer,
    FailureSelection,
    FindingAnswer,
    HeldDocuments,
    IngestRequest,
    JobAnswer,
    JobsAnswer,
    JobState,
    Phase,
    Progress,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class ToldService:
    """Only what the Ingest and Collections screens ask."""

    roots: list[str] = field(default_factory=lambda: ["/srv/corpus"])
    known: list[JobAnswer] = field(default_factory=list)
    soon: list[JobAnswer] = field(default_factory=list)  # what the job has come to a moment after it was asked for
    quarantine: list[FailureAnswer] = field(default_factory=list)
    findings: list[FindingAnswer] = field(default_factory=list)
    started: list[IngestRequest] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    examined: list[DoctorRequest] = field(default_factory=list)
    documents: int = 8

    def collections(self) -> CollectionsAnswer:
        held = HeldDocuments.model_validate({"indexed": {"image": self.documents}, "pending": {}})
        one = CollectionAnswer(name="pantry", encoder="starter", documents=held, failed=len(self.quarantine))
        return CollectionsAnswer(collections=[one], default="pantry", corpus_roots=self.roots)

    def jobs(self) -> JobsAnswer:
        now, self.known = self.known, self.soon or self.known
        self.soon = []
        return JobsAnswer(jobs=now)

    def failures(self, selection: FailureSelection) -> FailuresAnswer:
        return FailuresAnswer(failures=self.quarantine)

    def start_ingest(self, request: IngestRequest) -> JobAnswer:
        self.started.append(request)
        return job("new", JobState.WAITING)

    def ingest_files(self, files: Sequence[object], collection: str | None = None) -> JobAnswer:
        raise NotImplementedError

    def cancel(self, job_id: str) -> JobAnswer:
        self.cancelled.append(job_id)
        self.known = [job(one.id, JobState.CANCELLED) if one.id == job_id else one for one in self.known]
        return self.known[0]

    def retry(self, job_id: str) -> JobAnswer:
        self.retried.append(job_id)
        return job("again", JobState.WAITING)

    def doctor(self, request: DoctorRequest) -> DoctorAnswer:
        self.examined.append(request)
        if request.repair:
            self.findings = []
        return DoctorAnswer(findings=self.findings, checked_at=NOW)


def job(name: str, state: JobState, folder: str = "/srv/corpus/autumn", failed: int = 0) -> JobAnswer:
    request = IngestRequest(paths=[folder], collection="pantry")
    return JobAnswer(
        id=name,
        state=state,
        collection="pantry",
        paths=request.paths,
        request=request,
        created_at=NOW,
        finished_at=NOW if state in {JobState.DONE, JobState.CANCELLED, JobState.FAILED} else None,
        progress=Progress(phase=Phase.READING, total=100, done=38, failed=failed, current=f"{folder}/a.jpg"),
    )


def failure(number: int, locator: str | None = None) -> FailureAnswer:
    file = f"/srv/corpus/autumn/{number:02}.jpg"
    return FailureAnswer(
        path=f"{file}#{locator}" if locator else file,
        file=file,
        locator=locator,
        code="truncated",
        reason="The file ends too early.",
        way_out="Copy it again.",
        ignored=False,
        attempts=1,
        first_seen=NOW,
        last_seen=NOW,
    )
