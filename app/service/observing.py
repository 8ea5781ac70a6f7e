"""One line in the log and one count for every request, an id to find it by, and an answer even to what nobody foresaw."""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.service.measuring import Measurements
from app.service.problems import answer, unforeseen

_LOG = logging.getLogger("uniir.service")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_GONE = 499  # what logs and counts call it where the caller went away in the middle of the request
_ELSEWHERE = "(none)"  # a route's name for addresses that nobody knows: they are the caller's words and not for a log


class Observer:
    """Stands before everything else. Nothing of a query, no path and no header is logged."""

    def __init__(self, app: ASGIApp, measurements: Measurements) -> None:
        self._app = app
        self._measurements = measurements

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        start = time.perf_counter()
        status = 0
        count = 0

        async def seen(message: Message) -> None:
            nonlocal status, count
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers.setdefault("Cache-Control", "no-store")
            count += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, seen)
        except ClientDisconnect:
            status = _GONE
        # The edge of the service: whatever happened, the caller gets an answer and the log the whole story.
        except Exception as error:
            _LOG.exception("request_id=%s failed", request_id)
            if status == 0:
                await answer(unforeseen(error, request_id))(scope, receive, seen)
        finally:
            seconds = time.perf_counter() - start
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = getattr(scope.get("route"), "path", _ELSEWHERE)
            self._measurements.request(method, route, status, seconds)
            _LOG.info(
                "request method=%s route=%s status=%d ms=%.1f bytes=%d request_id=%s",
                method,
                route,
                status,
                seconds * 1000,
                count,
                request_id,
            )


def _request_id(headers: Headers) -> str:
    """The caller's own id where it is a plain one, else a new one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex
