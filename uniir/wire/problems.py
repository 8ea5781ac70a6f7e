"""Errors as problem details."""

from __future__ import annotations

from uniir.wire.values import Answer


class FailedInput(Answer):
    """An input that could not be used: a short code for programs, a reason for people."""

    path: str
    code: str
    reason: str


class Problem(Answer):
    """Problem details (RFC 9457). `detail` says what happened, `way_out` what to do, `code` names the error of uniir.errors."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    way_out: str = ""
    code: str
    request_id: str | None = None
