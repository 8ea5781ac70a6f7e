"""A job from its start to its report: done here and for others beside it, or followed at the directory's owner."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeAlias

from app.cli.output import tell
from app.local.answering import answering
from app.local.reach import reached
from app.local.service import LocalService
from uniir.counting import counted
from uniir.errors import NotFound, ServiceUnavailable, UniirError
from uniir.problems import error_of
from uniir.service import Service
from uniir.settings import Settings
from uniir.wire import IngestReport, IngestRequest, JobAnswer, Phase, Progress, SpaceReport, SpaceRequest

_Asked: TypeAlias = IngestRequest | SpaceRequest
_OWNERS = 5  # that may die over one job
_PAUSE = 0.1  # seconds
_PHASES = {
    Phase.WAITING: "Waiting",
    Phase.LOOKING: "Looking",
    Phase.READING: "Reading",
    Phase.INDEXING: "Building the index",
    Phase.ENDED: "Done",
}


def ingest(settings: Settings, request: IngestRequest) -> IngestReport:
    """Raises what the ingest raised, wherever it was done; goes on here, or at the next owner, where an owner dies over it."""
    keyed = request.model_copy(update={"key": secrets.token_hex(16)})  # a service whose answer is lost is asked again for the same job
    job = _done(settings, "uniir ingest", keyed)
    if job.report is not None:
        return job.report
    nothing = dict.fromkeys(("added", "changed", "moved", "unchanged", "deleted"), 0)
    return IngestReport(
        collection=job.collection, **nothing, failed=[], documents={}, seconds=0.0, documents_per_second=0.0, interrupted=True
    )


def fill_space(settings: Settings, request: SpaceRequest) -> SpaceReport | None:
    """The same for the filling of a space; None where it was cancelled before it began."""
    return _done(settings, "uniir spaces add", request).filled


def _done(settings: Settings, command: str, request: _Asked) -> JobAnswer:
    """The job as it ended, raising what it raised."""
    job = _carried_out(settings, command, request)
    if job.problem is not None:
        raise error_of(job.problem)
    return job


def _carried_out(settings: Settings, command: str, request: _Asked) -> JobAnswer:
    with _interruptible() as stop:
        begun: str | None = None
        died, patient_until = 0, time.monotonic() + settings.wait_seconds
        while True:
            try:
                with reached(settings, command) as service:
                    if isinstance(service, LocalService):
                        return _here(service, request, begun, stop)
                    begun = _begun(service, request, begun, settings)
                    return _followed(service, begun, stop)
            except ServiceUnavailable:
                died += begun is not None
                if stop.is_set() or died == _OWNERS or (begun is None and time.monotonic() >= patient_until):
                    raise
            stop.wait(_PAUSE)  # an owner that takes no job any more is about to end


def _here(service: LocalService, request: _Asked, begun: str | None, stop: threading.Event) -> JobAnswer:
    """This process owns the directory: it works, answers others meanwhile, and does what they have queued before it ends."""
    left = _left(service, begun)
    if left is not None and left.is_over:
        return left
    if left is not None:
        service.cancel(left.id)  # the new job takes in all that was done
    with answering(service):
        own = service.start_own_ingest(request) if isinstance(request, IngestRequest) else service.start_own_filling(request)
        job = _followed(service, own.id, stop)
        told = False
        for queued in service.drain_jobs():
            if stop.is_set():
                break
            if not told:
                tell(f"Others have asked for {counted(len(queued.jobs), 'job')} meanwhile; finishing that.")
                told = True
    return job


def _begun(service: Service, request: _Asked, begun: str | None, settings: Settings) -> str:
    """The job to follow: the one that was begun, if its new owner knows it, else a new one."""
    left = _left(service, begun)
    if left is not None:
        return left.id
    if isinstance(request, SpaceRequest):
        return service.add_space(request).id
    if request.encoder is None and all(one.name != request.collection for one in service.collections().collections):
        request = request.model_copy(update={"encoder": settings.encoder})
    return service.start_ingest(request).id


def _left(service: Service, begun: str | None) -> JobAnswer | None:
    """The job as an owner that is gone has left it: it may have come to its end, and nobody heard."""
    if begun is None:
        return None
    try:
        left = service.job(begun)
    except NotFound:
        left = None
    if left is None or not left.is_over:
        tell("The process that was at work is gone; going on.")
    return left


def _followed(service: Service, job: str, stop: threading.Event) -> JobAnswer:
    over = threading.Event()
    cancelling = threading.Thread(target=_cancel_when_stopped, args=(service, job, stop, over), name="cancelling", daemon=True)
    cancelling.start()
    try:
        with _progress() as show:
            for now in service.follow(job):
                show(now.progress)
    finally:
        over.set()
        cancelling.join()  # it asks the service, which is closed after this
    return now


def _cancel_when_stopped(service: Service, job: str, stop: threading.Event, over: threading.Event) -> None:
    while not over.wait(0.1):
        if stop.is_set():
            try:
                service.cancel(job)
            except UniirError as error:
                tell(f"uniir: {error}")
            return


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """The first Ctrl-C (or SIGTERM) ends the run after the batch at hand; the second one at once."""
    stop = threading.Event()

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            tell("uniir: interrupted")
            os._exit(130)  # no waiting for anything: what is half done is finished by the next run
        stop.set()
        tell("Finishing the batch at hand; Ctrl-C again stops at once.")

    before = [(number, signal.signal(number, on_interrupt)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield stop
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """A bar with rate and remaining time on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(_PHASES[Phase.WAITING], total=None, rate="")

        def show(progress: Progress) -> None:
            rate = f"{progress.rate:.0f}/s" if progress.rate else ""
            left = f", {_minutes(progress.seconds_left)} left" if rate and progress.seconds_left is not None else ""
            bar.update(task, description=_PHASES[progress.phase], total=progress.total, completed=progress.done, rate=rate + left)

        yield show


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
