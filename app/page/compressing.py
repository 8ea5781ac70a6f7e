"""The page's scripts are three megabytes: smaller on the way to other machines; on this one that would only take time."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_SMALLEST = 1000  # bytes
_LEVEL = 5


class Compressing:
    """In front of an application."""

    def __init__(self, page: ASGIApp) -> None:
        self._page = page
        self._smaller = GZipMiddleware(page, minimum_size=_SMALLEST, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._smaller if _is_far(scope) else self._page)(scope, receive, send)


def _is_far(scope: Scope) -> bool:
    client = scope.get("client")
    try:
        return scope["type"] == "http" and client is not None and not ip_address(client[0]).is_loopback
    except ValueError:  # a socket of the file system
        return False
