"""Document ids: 63-bit integers made at first sight, 13 characters of Crockford base32 for people."""

from __future__ import annotations

import secrets
import time

from uniir.errors import UsageError

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 13
_RANDOM_BITS = 21  # 42 bits of milliseconds last until 2109 and leave 21 of the 63
_VALUES = {character: value for value, character in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}


def new_id() -> int:
    """A new id: milliseconds since 1970, then random bits. Unique only once the catalog has taken it."""
    return (time.time_ns() // 1_000_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)


def format_id(number: int) -> str:
    """The id as 13 characters of Crockford base32."""
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def parse_id(text: str) -> int:
    """The number behind 13 characters of Crockford base32, in any case; raises UsageError."""
    number = 0
    characters = text.strip().upper()
    for character in characters:
        if character not in _VALUES:
            raise UsageError(f"{text!r} is no document id: {character!r} is not a base32 character.", _WAY_OUT)
        number = number << 5 | _VALUES[character]
    if len(characters) != _LENGTH or number >= 1 << 63:
        raise UsageError(f"{text!r} is no document id.", _WAY_OUT)
    return number


_WAY_OUT = "Ids have 13 characters and stand beside every hit of `uniir search`."
