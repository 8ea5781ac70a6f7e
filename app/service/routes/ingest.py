"""Ingest jobs: starting, following, cancelling, trying again; and what stays in quarantine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Form, Query, Request, UploadFile
from fastapi.openapi.models import Example
from pydantic import BaseModel
from sse_starlette import EventSourceResponse

from app.service.following import Following
from app.service.guarding import is_trusted, require_open_encoder
from app.service.hosted import HostedService, UploadedFile
from app.service.problems import documented
from app.service.requests import Collection, JobId, forms_only, json_only
from uniir.errors import NotAllowed, UsageError
from uniir.settings import Settings
from uniir.wire import FailuresAnswer, FailureSelection, IngestRequest, JobAnswer, JobsAnswer

_EXAMPLES: dict[str, Example] = {
    "a folder": {"summary": "a folder", "value": {"paths": ["/srv/photos"]}},
    "once more": {
        "summary": "forget what is gone, try failed ones again",
        "value": {"paths": ["/srv/photos"], "prune": True, "retry": True},
    },
}
_PING_SECONDS = 15


class Ignored(BaseModel):
    """How many inputs were put aside."""

    ignored: int


def ingest_routes(service: HostedService, settings: Settings, stopping: Callable[[], bool]) -> APIRouter:
    following = Following(service, stopping)
    router = APIRouter(prefix="/v1", tags=["ingest"], responses=documented(400, 401, 404, 409, 413, 415, 422, 503))

    @router.post(
        "/ingest",
        response_model=JobAnswer,
        status_code=202,
        dependencies=[Depends(json_only)],
        summary="Make a collection equal to folders",
    )
    def start(asked: Annotated[IngestRequest, Body(openapi_examples=_EXAMPLES)], request: Request) -> JobAnswer:
        """Folders and files on the service's machine: below `corpus_roots` for everybody, elsewhere with the secret or token.

        `within_roots` asks that the same holds for who has one: a page that speaks for visitors.
        """
        if asked.within_roots or not is_trusted(request):
            require_allowed(asked.paths, settings)
        require_open_encoder(request, asked.encoder)
        return service.start_ingest(asked)

    @router.post(
        "/ingest/files",
        response_model=JobAnswer,
        status_code=202,
        dependencies=[Depends(forms_only)],
        summary="Add files that come with the request",
    )
    def upload(files: list[UploadFile], collection: Annotated[str | None, Form(max_length=100)] = None) -> JobAnswer:
        """The service keeps them; at most 1,000 files and `upload_megabytes` in one request."""
        return service.ingest_files([UploadedFile(one.filename or "", one.file) for one in files], collection)

    @router.get("/ingest", response_model=JobsAnswer, summary="All jobs, newest first")
    def jobs() -> JobsAnswer:
        return service.jobs()

    @router.get("/ingest/{job}", response_model=JobAnswer, summary="One job")
    def job(job: JobId) -> JobAnswer:
        return service.job(job)

    @router.get(
        "/ingest/{job}/events",
        response_class=EventSourceResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
        summary="A job's progress as server-sent events",
    )
    async def events(job: JobId) -> EventSourceResponse:
        """An event `job` with the job as data: now, and whenever it has changed, until it is over."""
        first = await following.look(job)  # an unknown job is an error, not a stream
        return EventSourceResponse(following.events(first), ping=_PING_SECONDS)

    @router.post("/ingest/{job}/cancel", response_model=JobAnswer, summary="End a job after the batch at hand")
    def cancel(job: JobId) -> JobAnswer:
        """What is done stays."""
        return service.cancel(job)

    @router.post("/ingest/{job}/retry", response_model=JobAnswer, status_code=202, summary="The same ingest once more")
    def retry(job: JobId) -> JobAnswer:
        """Inputs in quarantine are tried again too."""
        return service.retry(job)

    @router.get("/failures", response_model=FailuresAnswer, summary="Inputs that can't be used")
    def failures(
        collection: Collection = None,
        path: Annotated[list[str] | None, Query(description="only these files and what lies below these folders")] = None,
    ) -> FailuresAnswer:
        return service.failures(FailureSelection(collection=collection, paths=path))

    @router.post("/failures/ignore", response_model=Ignored, dependencies=[Depends(json_only)], summary="Report these inputs no more")
    def ignore(selection: FailureSelection) -> Ignored:
        """They stay in quarantine until they change."""
        return Ignored(ignored=service.ignore_failures(selection))

    return router


def require_allowed(paths: Sequence[str], settings: Settings) -> None:
    """Raises NotAllowed for paths that not everybody may have read, UsageError for those that are none. Links are followed first."""
    roots = (*settings.corpus_roots, settings.uploads_directory.resolve())
    for path in paths:
        if "\0" in path or not Path(path).is_absolute():
            raise UsageError(f"{path[:200]!r} is no absolute path.", "Name folders of the service's machine from its root on.")
        try:
            real = Path(path).resolve()
        except (OSError, RuntimeError, ValueError):
            real = None
        if real is None or not any(real.is_relative_to(root) for root in roots):
            raise NotAllowed(
                "Only folders below the service's `corpus_roots` may be ingested by everybody.",
                "Send the owner's secret or the token, add the folder to `corpus_roots`, or run `uniir ingest` on that machine.",
            )
