"""One port for two applications: the service's routes and the page, with pictures under the page's own origin."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.page import entry
from app.page.index import PAGES, nowhere
from app.page.surroundings import Whereabouts
from app.service.guarding import Rules

_SERVICE = re.compile(r"/(v1/.*|healthz|readyz|metrics|openapi\.json)")
_DOCUMENT = re.compile(r"/media/document/([0-9A-Za-z]{13})/(256|1024|original)")
_PICTURE = re.compile(r"/media/picture/([0-9a-f]{64})")
_NEW_PICTURE = "/media/picture"
_MINE = re.compile(r"/media/(document|picture)(/.*)?")  # Streamlit keeps its own files below /media/ too
_STREAMLITS = ("/_stcore/", "/static/", "/media/", "/component/", "/app/")
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"), (b"x-frame-options", b"SAMEORIGIN"))


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Sends each request where it belongs. `routes` is None where the service is another process, which has its own port.

    `pictures` answers for the service: its own application, or a forwarder, which `at_end` closes.
    """

    page: ASGIApp
    index: ASGIApp
    pictures: ASGIApp
    routes: ASGIApp | None
    rules: Rules
    door: entry.Door
    whereabouts: Whereabouts
    at_end: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.page(scope, receive, send)
            if self.at_end is not None:
                await self.at_end()
        elif scope["type"] == "http" and _SERVICE.fullmatch(scope["path"]):
            await self._service(scope, receive, send)
        elif self._is_refused(scope):
            await _refuse(scope, receive, send)
        elif scope["type"] == "http" and (scope["path"], scope["method"]) == (entry.PATH, "POST"):
            await self.door.enter(scope, receive, send)
        elif not self.door.is_open_to(Headers(scope=scope)):
            await (_refuse(scope, receive, send) if scope["type"] == "websocket" else self.door.ask(scope, receive, send))
        elif scope["type"] == "http" and _MINE.fullmatch(scope["path"]):
            await self._media(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] in PAGES and scope["method"] in {"GET", "HEAD"}:
            await self.index(scope, receive, _with_headers(send))
        elif _is_misspelt(scope):
            await nowhere(scope, receive, _with_headers(send))
        else:
            await self.page(scope, receive, _with_headers(send))

    def _is_refused(self, scope: Scope) -> bool:
        """Whether the request is meant for another host, or another site's page sends it. A connection for messages is a write."""
        method = scope["method"] if scope["type"] == "http" else "POST"
        return self.rules.refusal({**scope, "method": method}, Headers(scope=scope), trusted=True) is not None

    async def _service(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.routes is None:
            await Response("The service answers at its own address.", 404, media_type="text/plain")(scope, receive, send)
        else:
            await self.routes(scope, receive, send)

    async def _media(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A picture of a document or of a query, asked of the service with the key that the browser does not have."""
        target = _service_path(scope["path"], scope["method"])
        if target is None:
            await Response("There is no such picture.", 404, media_type="text/plain")(scope, receive, send)
            return
        path, query = target
        headers = [(name, value) for name, value in scope["headers"] if name not in {b"authorization", b"cookie"}]
        if self.whereabouts.now.key:  # a service on loopback may want none, and an empty one is no header
            headers.append((b"authorization", f"Bearer {self.whereabouts.now.key}".encode()))
        asked = {**scope, "path": path, "raw_path": path.encode(), "query_string": query.encode(), "headers": headers}
        await self.pictures(asked, receive, _with_headers(send))


def _is_misspelt(scope: Scope) -> bool:
    """Whether a person went where nothing is. Streamlit would answer with its page, whose scripts are not found from there."""
    if scope["type"] != "http" or scope["path"].startswith(_STREAMLITS):
        return False
    return scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")


def _service_path(path: str, method: str) -> tuple[str, str] | None:
    """Where the service has what the page calls so."""
    if method == "POST":
        return ("/v1/images", "") if path == _NEW_PICTURE else None
    if method not in {"GET", "HEAD"}:
        return None
    if found := _DOCUMENT.fullmatch(path):
        document, size = found.groups()
        if size == "original":
            return f"/v1/documents/{document}/original", ""
        return f"/v1/documents/{document}/thumbnail", urlencode({"size": size})
    if found := _PICTURE.fullmatch(path):
        return f"/v1/images/{found[1]}", ""
    return None


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            message = {**message, "headers": [*message["headers"], *(one for one in _HEADERS if one[0] not in present)]}
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
    else:
        await Response("It is meant for another host, or another site sent it.", 403, media_type="text/plain")(scope, receive, send)
