"""The door of the page where a token is set: asked once, remembered in a cookie that scripts can't read."""

from __future__ import annotations

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from uniir.settings import Settings
from uniir.tokens import is_one_of, is_token, token_of

PATH = "/enter"
_COOKIE = "uniir_entry"
_LONGEST_FORM = 10_000
_MONTH = 30 * 24 * 3600


class Door:
    """Says who may in, and asks the others for the token."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        token = token_of(settings)
        self._pass = hmac.new(token.encode(), b"uniir page", hashlib.sha256).hexdigest() if token else ""

    def is_open_to(self, headers: Headers) -> bool:
        """Whether no token is set, or the request brings it or the cookie that was given for it."""
        if not self._pass:
            return True
        kind, _, key = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and is_token(key.strip(), self._settings):
            return True
        return is_one_of(_cookie(headers), [self._pass])

    async def ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The form, for who comes with a browser; 401 for all else."""
        wants_page = scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")
        if wants_page:
            query = scope["query_string"].decode("latin-1")
            await _form(scope["path"] + (f"?{query}" if query else ""), wrong=False)(scope, receive, send)
        else:
            await Response("The page wants its token.", 401, media_type="text/plain")(scope, receive, send)

    async def enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes the form: right, and the way is free; wrong, and it is asked again."""
        body = b""
        async for part in Request(scope, receive).stream():
            body += part
            if len(body) > _LONGEST_FORM:
                await Response("That is no token.", 413, media_type="text/plain")(scope, receive, send)
                return
        given = parse_qs(body.decode("utf-8", "replace"))
        target = _own_page(given.get("to", ["/"])[0])
        if not is_token(given.get("token", [""])[0].strip(), self._settings):
            await _form(target, wrong=True)(scope, receive, send)
            return
        answer = RedirectResponse(target, 303)
        answer.set_cookie(_COOKIE, self._pass, max_age=_MONTH, httponly=True, samesite="lax", secure=scope["scheme"] == "https")
        await answer(scope, receive, send)


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _own_page(target: str) -> str:
    """The place to go on to, if it is one of this page's own."""
    parts = urlsplit(target)
    own = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return quote(target, safe="/?&=%+:,~") if own else "/"


def _form(target: str, *, wrong: bool) -> HTMLResponse:
    from html import escape

    page = (files("app.page") / "entry.html").read_text("utf-8")
    note = '<p class="wrong" role="alert">That is not the token.</p>' if wrong else ""
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"}
    return HTMLResponse(page.replace("{note}", note).replace("{target}", escape(_own_page(target))), 200, headers)
