"""What an ingest is called, how far it is and how it ended, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import PurePath
from typing import Literal

from app.web.figures import duration, moment
from uniir.counting import counted
from uniir.wire import JobAnswer, JobState, Phase

Colour = Literal["blue", "green", "yellow", "red", "gray"]
_UPLOADS = "uploads"  # the service's folder for them
_TECHNICAL = ("Encoded with ", "Index ")  # how notes on the encoder and the index begin


@dataclass(frozen=True, slots=True)
class Badge:
    """A word, its icon and its colour."""

    word: str
    icon: str
    colour: Colour


_RUNNING = {
    Phase.WAITING: Badge("Waiting", ":material/schedule:", "gray"),
    Phase.LOOKING: Badge("Looking", ":material/sync:", "blue"),
    Phase.READING: Badge("Running", ":material/sync:", "blue"),
    Phase.INDEXING: Badge("Finishing", ":material/sync:", "blue"),
    Phase.ENDED: Badge("Finishing", ":material/sync:", "blue"),
}


def badge_of(job: JobAnswer) -> Badge:
    """The state of a job."""
    match job.state:
        case JobState.WAITING:
            return _RUNNING[Phase.WAITING]
        case JobState.RUNNING:
            return _RUNNING[job.progress.phase]
        case JobState.CANCELLED:
            return Badge("Cancelled", ":material/stop_circle:", "gray")
        case JobState.FAILED:
            return Badge("Failed", ":material/error:", "red")
    failed = failed_in(job)
    return Badge(f"Done, {failed:,} failed", ":material/error:", "yellow") if failed else Badge("Done", ":material/check:", "green")


def failed_in(job: JobAnswer) -> int:
    report = job.report or job.filled
    return len(report.failed) if report is not None else job.progress.failed


def notes_of(job: JobAnswer) -> tuple[list[str], list[str]]:
    """What the job says at its end: for everybody, and for who knows encoders and indexes."""
    report = job.report or job.filled
    notes = report.notes if report is not None else []
    return [one for one in notes if not one.startswith(_TECHNICAL)], [one for one in notes if one.startswith(_TECHNICAL)]


def name_of(job: JobAnswer, roots: list[str], uploads: str = "Uploaded files") -> str:
    """The folder as a person named it: below its root, and without the service's own place for uploads; or what else the job does."""
    if job.space is not None:
        return f"Encoding for {job.space.encoder}"
    if not job.paths:
        return uploads
    first = below(job.paths[0], roots)
    if without_uploads(first, job.paths[0]) != first:
        return uploads
    return first if len(job.paths) == 1 else f"{first} and {counted(len(job.paths) - 1, 'other')}"


def below(path: str, roots: list[str]) -> str:
    """A path without its root; as it is where it lies below none. A root itself is called by its name."""
    for root in sorted(roots, key=len, reverse=True):
        if path == root:
            return PurePath(root).name or root
        if path.startswith(root.rstrip("/") + "/"):
            return path[len(root.rstrip("/")) + 1 :]
    return path


def without_uploads(place: str, path: str) -> str:
    """A place without the service's own folder for the uploads of a collection; `path` is the whole path."""
    parts = PurePath(place).parts
    if place != path or _UPLOADS not in parts:
        return place
    below_collection = parts[len(parts) - parts[::-1].index(_UPLOADS) + 1 :]
    return str(PurePath(*below_collection)) if below_collection else ""


def total_of(job: JobAnswer) -> int | None:
    """How many there are; None where nobody knows: a job that was stopped while it looked counted only what it had found."""
    total = job.progress.total
    is_partial = job.state in {JobState.CANCELLED, JobState.FAILED} and total is not None and job.progress.done >= total
    return None if is_partial else total


def share_done(job: JobAnswer) -> float | None:
    """Between 0 and 1; None where nobody knows."""
    total, done = total_of(job), job.progress.done
    if job.state is JobState.DONE:
        return 1.0
    if total is None and job.is_over:
        return None
    return min(done / total, 1.0) if total else 0.0


def how_far(job: JobAnswer) -> str:
    """The line above the bar."""
    progress, total, one = job.progress, total_of(job), _one(job)
    if job.state is JobState.WAITING or (job.state is JobState.RUNNING and progress.phase is Phase.WAITING):
        return "Waiting for its turn. One ingest runs at a time."
    if total is None:
        return f"Looking for {one}s" if not job.is_over else f"Stopped after {counted(progress.done, one)}"
    if total == 0 and job.state is JobState.DONE:
        return "Nothing to read: all files are unchanged."
    line = f"{progress.done:,} of {counted(total, one)} · {share_done(job):.0%}".replace("%", " %")
    return f"{line} · building the index" if progress.phase is Phase.INDEXING and not job.is_over else line


def how_it_ended(job: JobAnswer, now: datetime, zone: tzinfo | None) -> str:
    """One line for the list of earlier jobs."""
    when = moment(job.finished_at or job.created_at, now, zone)
    progress = job.progress
    if job.state is JobState.CANCELLED:
        total = total_of(job)
        stopped = f"stopped at {progress.done:,} of {total:,}" if total else f"stopped after {counted(progress.done, _one(job))}"
        return f"{stopped if progress.done else 'stopped before it began'} · {when}"
    if job.filled is not None:
        return f"{counted(job.filled.added, 'document')} in {duration(job.filled.seconds)} · {when}"
    if job.report is None:
        return when
    seen = progress.done or sum((job.report.added, job.report.changed, job.report.unchanged, len(job.report.failed)))
    return f"{counted(seen, 'file')} in {duration(job.report.seconds)} · {when}"


def _one(job: JobAnswer) -> str:
    return "file" if job.space is None else "document"
