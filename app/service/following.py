"""Event streams of jobs: looked at a few times a second however many follow, with no thread waiting for anybody's stream."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

import anyio
from sse_starlette import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from uniir.service import Service
from uniir.wire import JobAnswer

_LOOK_SECONDS = 0.25


class Following:
    """All streams of one service. `stopping` ends them."""

    def __init__(self, service: Service, stopping: Callable[[], bool]) -> None:
        self._service = service
        self._stopping = stopping
        self._lock = anyio.Lock()
        self._seen: dict[str, tuple[float, JobAnswer]] = {}

    async def events(self, job: JobAnswer) -> AsyncIterator[ServerSentEvent]:
        """The job now and whenever it has changed, until it is over."""
        yield _event(job)
        while not job.is_over and not self._stopping():
            await anyio.sleep(_LOOK_SECONDS)
            now = await self.look(job.id)
            if now != job:
                job = now
                yield _event(job)

    async def look(self, job: str) -> JobAnswer:
        """The job as it is, or as somebody saw it a moment ago. Raises NotFound."""
        async with self._lock:
            when, seen = self._seen.get(job, (0.0, None))
            if seen is None or time.monotonic() - when > _LOOK_SECONDS / 2:
                seen = await run_in_threadpool(self._service.job, job)
                self._seen[job] = time.monotonic(), seen
                if seen.is_over:
                    del self._seen[job]
            return seen


def _event(job: JobAnswer) -> ServerSentEvent:
    return ServerSentEvent(job.model_dump_json(by_alias=True), event="job")
