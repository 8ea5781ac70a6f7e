"""How many bytes a request may bring, counted while they come in."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.service.problems import answer, plain

JSON_BYTES = 4 * 2**20  # the largest sensible request, a thousand long paths, has a fourth of it


class BodyLimit:
    """Refuses bodies that are too large: at once where their length is told, else as soon as they have grown too long."""

    def __init__(self, app: ASGIApp, upload_bytes: int, uploads: Collection[str]) -> None:
        """`uploads` are the paths where multipart bodies may have `upload_bytes`."""
        self._app = app
        self._upload_bytes = upload_bytes
        self._uploads = frozenset(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_upload = scope["path"] in self._uploads and headers.get("content-type", "").lower().startswith("multipart/form-data")
        limit = self._upload_bytes if is_upload else JSON_BYTES
        words = f"More than {limit / 2**20:,.0f} MiB came with the request."
        told = headers.get("content-length", "")
        if told.isdecimal() and int(told) > limit:
            await answer(plain(413, words, request_id=scope["state"].get("request_id")), {"Connection": "close"})(scope, receive, send)
            return
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > limit:
                raise HTTPException(413, words, {"Connection": "close"})
            return message

        await self._app(scope, counted, send)
