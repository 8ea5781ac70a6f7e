"""Errors as problem details (RFC 9457) and back: the service says it in one place, the client raises the same in another."""

from __future__ import annotations

from dataclasses import dataclass

from uniir.errors import (
    DirectoryInUse,
    Interrupted,
    ModelUnavailable,
    NotAllowed,
    NotFound,
    QueryError,
    ServiceUnavailable,
    SettingsError,
    SpaceMismatch,
    StoreUnavailable,
    TooLarge,
    Unavailable,
    UniirError,
    UsageError,
)
from uniir.wire import Problem


@dataclass(frozen=True, slots=True)
class _Kind:
    error: type[UniirError]
    code: str
    status: int
    title: str


# Children before their parents: the first that fits an error speaks for it.
_KINDS = (
    _Kind(QueryError, "query-error", 422, "The query can't be answered"),
    _Kind(SettingsError, "settings-error", 400, "A setting can't be used"),
    _Kind(SpaceMismatch, "space-mismatch", 409, "Vectors of two spaces would have met"),
    _Kind(NotFound, "not-found", 404, "Not found"),
    _Kind(NotAllowed, "unauthorized", 401, "Not allowed"),
    _Kind(TooLarge, "too-large", 413, "Too large"),
    _Kind(UsageError, "usage-error", 400, "The request can't be carried out"),
    _Kind(DirectoryInUse, "directory-in-use", 503, "Busy"),
    _Kind(StoreUnavailable, "store-unavailable", 503, "A store does not answer"),
    _Kind(ModelUnavailable, "model-unavailable", 503, "A model is not available"),
    _Kind(ServiceUnavailable, "service-unavailable", 503, "The service does not answer"),
    _Kind(Unavailable, "unavailable", 503, "Not available"),
    _Kind(Interrupted, "interrupted", 503, "Interrupted"),
    _Kind(UniirError, "internal", 500, "This should not have happened"),
)
_HTTP = ("invalid-request", "forbidden", "method-not-allowed", "unsupported-media-type")  # what HTTP itself refuses
_BY_CODE = {kind.code: kind.error for kind in _KINDS} | dict.fromkeys(_HTTP, UsageError)


def problem_of(error: UniirError, request_id: str | None = None) -> Problem:
    """The error in the words of its service."""
    kind = next(kind for kind in _KINDS if isinstance(error, kind.error))
    return Problem(title=kind.title, status=kind.status, detail=error.what, way_out=error.way_out, code=kind.code, request_id=request_id)


def error_of(problem: Problem) -> UniirError:
    """The error that a service told, of the same class and in the same words; what nobody knows is a UniirError."""
    return _BY_CODE.get(problem.code, UniirError)(problem.detail, problem.way_out)
