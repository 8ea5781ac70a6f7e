"""Telling a right key from a wrong one without telling how wrong it is."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from uniir.settings import Settings


def token_of(settings: Settings) -> str:
    """The token of the settings, empty where there is none: an empty one is none."""
    return settings.token.get_secret_value() if settings.token is not None else ""


def is_token(given: str, settings: Settings) -> bool:
    """Whether this is the token; False where none is set."""
    return is_one_of(given, [token_of(settings)])


def is_one_of(given: str, keys: Sequence[str]) -> bool:
    """Whether this is one of the keys that are not empty, in a time that does not depend on how much of it is right."""
    presented = given.encode(errors="replace")
    return any(hmac.compare_digest(presented, key.encode(errors="replace")) for key in keys if key)
