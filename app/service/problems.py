"""Every error of the service as problem details (RFC 9457), whoever raised it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from uniir.errors import NotAllowed, Unavailable, UniirError
from uniir.problems import problem_of
from uniir.wire import Problem

MEDIA_TYPE = "application/problem+json"
_SHOWN = 5  # of the complaints about one request
_KINDS = {
    400: ("invalid-request", "The request can't be read", "The request can't be read."),
    401: ("unauthorized", "Not allowed", "The service wants its token for this."),
    403: ("forbidden", "Not allowed from there", "The request comes from elsewhere."),
    404: ("not-found", "Not found", "There is nothing at this address."),
    405: ("method-not-allowed", "Not possible here", "This address does not take the method."),
    413: ("too-large", "Too large", "The request brings more bytes than the service takes."),
    415: ("unsupported-media-type", "Another content type", "The service does not read this content type here."),
    422: ("invalid-request", "The request is not as it should be", "The request is not as it should be."),
}
_WAY_OUT = {404: "GET /openapi.json tells what there is.", 405: "GET /openapi.json tells what there is."}


def install(app: FastAPI) -> None:
    """Makes every error of the app a problem."""
    app.add_exception_handler(UniirError, _told)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _misread)


def plain(status: int, detail: str = "", way_out: str = "", request_id: str | None = None) -> Problem:
    """A problem of HTTP itself, in our words where none are given."""
    code, title, usual = _KINDS.get(status, ("internal" if status >= 500 else "invalid-request", "An error", "The request failed."))
    return Problem(
        title=title, status=status, detail=detail or usual, way_out=way_out or _WAY_OUT.get(status, ""), code=code, request_id=request_id
    )


def unforeseen(error: Exception, request_id: str | None = None) -> Problem:
    """What a caller hears of an error that nobody foresaw: its kind and where to find the rest, never its words."""
    return problem_of(
        UniirError(f"This should not have happened: {type(error).__name__}.", "The service's log has the details under this request's id."),
        request_id,
    )


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as a response."""
    whole = problem.model_copy(update={"detail": _sendable(problem.detail), "way_out": _sendable(problem.way_out)})
    return Response(whole.model_dump_json(), problem.status, headers, MEDIA_TYPE)


def request_id(request: Request) -> str | None:
    found: str | None = getattr(request.state, "request_id", None)
    return found


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers problems with these statuses."""
    titles = {409: "Vectors of two spaces would have met", 500: "This should not have happened", 503: "Not available now"}
    return {
        status: {
            "description": titles.get(status) or _KINDS[status][1],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, UniirError)
    headers: dict[str, str] = {}
    if isinstance(error, NotAllowed):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Unavailable):
        headers["Retry-After"] = "1"
    return answer(problem_of(error, request_id(request)), headers)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answer(plain(error.status_code, _said(error), request_id=request_id(request)), error.headers)


def _said(error: HTTPException) -> str:
    """The error's own words where they are ours; the framework's are the status in other words."""
    return error.detail if error.status_code in {400, 413, 415} else ""


async def _misread(request: Request, error: Exception) -> Response:
    """Which field is wrong and why, without the value: it may be long, secret, or no text at all."""
    assert isinstance(error, RequestValidationError)
    told = [f"{'.'.join(str(place) for place in one['loc'])}: {one['msg']}" for one in error.errors()]
    more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return answer(plain(422, "; ".join(told[:_SHOWN]) + more + ".", request_id=request_id(request)))


def _sendable(text: str) -> str:
    return text.encode(errors="replace").decode()
