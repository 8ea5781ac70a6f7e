"""Jobs in the words of the wire."""

from __future__ import annotations

from app.local.jobs.progress import ended
from app.local.jobs.work import asked_for
from storage.sql.jobs.jobs import JobRecord
from uniir.ids import format_id
from uniir.wire import IngestReport, IngestRequest, JobAnswer, JobState, Problem, Progress, SpaceReport


def job_answer(record: JobRecord, now: Progress | None, last: Progress | None) -> JobAnswer:
    """`now` is how far this process is with it, `last` where it stood at its end; None where this process knows neither."""
    asked = asked_for(record.request)
    request, space = (asked, None) if isinstance(asked, IngestRequest) else (None, asked)
    report = IngestReport.model_validate(record.report) if record.report is not None and request is not None else None
    filled = SpaceReport.model_validate(record.report) if record.report is not None and space is not None else None
    if record.state not in (JobState.WAITING, JobState.RUNNING):
        progress = ended(report or filled, last)
    else:  # what the process that works it off has told last, if it is another
        progress = now or (Progress() if record.progress is None else Progress.model_validate(record.progress))
    return JobAnswer(
        id=format_id(record.id),
        state=record.state,
        collection=record.collection,
        paths=request.paths if request is not None else [],
        request=request,
        space=space,
        created_at=record.created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        progress=progress,
        report=report,
        filled=filled,
        problem=Problem.model_validate(record.problem) if record.problem is not None else None,
    )
