"""Pictures of a service in another process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.page.surroundings import Whereabouts

_SENT = frozenset({"accept", "authorization", "content-length", "content-type", "if-none-match"})
_ANSWERED = frozenset({"cache-control", "content-disposition", "content-security-policy", "content-type", "etag"})


class Forwarder:
    """Asks the service and hands on what it answers."""

    def __init__(self, whereabouts: Whereabouts) -> None:
        self._whereabouts = whereabouts
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(60, connect=5), trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._asked(Request(scope, receive))
        except (httpx.HTTPError, ClientDisconnect):
            answer = Response("The service does not answer.", 503, media_type="text/plain")
        await answer(scope, receive, send)

    async def _asked(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name in _SENT}
        content = request.stream() if request.method == "POST" else None
        address = f"{self._whereabouts.now.service}{request.url.path}?{request.url.query}"
        asked = self._client.build_request(request.method, address, headers=headers, content=content)
        answer = await self._client.send(asked, stream=True)
        kept = {name: value for name, value in answer.headers.items() if name in _ANSWERED}
        return StreamingResponse(_parts(answer), answer.status_code, kept)


async def _parts(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_bytes():
            yield part
    finally:
        await answer.aclose()
