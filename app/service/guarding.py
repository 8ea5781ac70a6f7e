"""Who may ask: the host a request was meant for, the page it comes from, and the token or secret it brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.service.problems import answer, plain
from uniir.errors import NotAllowed, UsageError
from uniir.problems import problem_of
from uniir.settings import Settings
from uniir.tokens import is_one_of, token_of
from uniir.wire import Problem

OPEN = frozenset({"/healthz"})  # whoever watches the process has no token
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_WAY_OUT = "Send the service's token: `Authorization: Bearer TOKEN`."


@dataclass(frozen=True, slots=True)
class Rules:
    """`hosts` are the names a request may be meant for, none: any. `keys` are the token and the secret."""

    hosts: frozenset[str] | None
    keys: tuple[str, ...]
    key_needed: bool

    @classmethod
    def of(cls, settings: Settings, secret: str) -> Rules:
        """The rules for listening at `settings.host`; raises UsageError for elsewhere than on loopback without a token."""
        require_safe_host(settings)
        # Behind every address at once any name may be the right one; there a token is asked of everybody.
        hosts = None if is_every_address(settings.host) else _LOOPBACK | {settings.host.lower().strip("[]")}
        token = token_of(settings)
        return cls(hosts, (token, secret), key_needed=bool(token))

    def refusal(self, scope: Scope, headers: Headers, trusted: bool) -> Problem | None:
        """Why a request is not even looked at."""
        host = headers.get("host", "")
        if self.hosts is not None and _name_of(host) not in self.hosts:
            return plain(403, "The request is meant for another host.", f"Ask at {', '.join(sorted(self.hosts))}.")
        if scope["method"] not in _READING and not _is_from_here(headers, host):
            return plain(403, "The request comes from another site's page.", "Ask without a browser, or from the service's own page.")
        if self.key_needed and not trusted and scope["path"] not in OPEN:
            return problem_of(NotAllowed("The service wants its token.", _WAY_OUT))
        return None


class Guard:
    """Keeps out what the rules refuse, before anything of it is read, and notes whether the rest brought a key."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        kind, _, key = headers.get("authorization", "").partition(" ")
        trusted = kind.lower() == "bearer" and is_one_of(key.strip(), self._rules.keys)
        scope["state"]["trusted"] = trusted
        refusal = self._rules.refusal(scope, headers, trusted)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        extra = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
        whole = refusal.model_copy(update={"request_id": scope["state"].get("request_id")})
        await answer(whole, {"Connection": "close", **extra})(scope, receive, send)


def is_trusted(request: Request) -> bool:
    """Whether the request brought the token or the secret."""
    return bool(request.state.trusted)


def require_trust(request: Request) -> None:
    """Raises NotAllowed where neither token nor secret came along."""
    if not is_trusted(request):
        raise NotAllowed("This changes what the service keeps, so it wants the owner's secret or the token.", _WAY_OUT)


def require_open_encoder(request: Request, encoder: str | None) -> None:
    """Raises NotAllowed where weights are named by their path without a key: names from the list are for everybody, files are not."""
    if encoder is not None and not is_trusted(request) and any(sign in encoder for sign in "/\\:"):
        raise NotAllowed("Weights named by their path are read only with the owner's secret or the token.", _WAY_OUT)


def require_safe_host(settings: Settings) -> None:
    """Raises UsageError where the service would listen elsewhere than on loopback without a token."""
    if not is_loopback(settings.host) and not token_of(settings):
        raise UsageError(
            f"Listening at {settings.host} would let everybody in that network search and read the collections.",
            "Set a token (UNIIR_TOKEN, or `token` in uniir.toml), or leave out `--host`.",
        )


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_every_address(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def _name_of(host: str) -> str:
    """The host's name without its port; nothing where it is no host."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_from_here(headers: Headers, host: str) -> bool:
    """Whether a page of ours or no page at all sends this. Browsers tell with every write whose page it is."""
    origins: Sequence[str] = headers.getlist("origin")
    own = {f"http://{host}".lower(), f"https://{host}".lower()}
    return all(origin.lower() in own for origin in origins) and headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
