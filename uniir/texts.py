"""Text hygiene: what may enter the catalog as text, as a name or as metadata."""

from __future__ import annotations

import codecs
import json
import math

from uniir.documents import Json
from uniir.errors import InputFailure

_DEEPEST = 50  # levels of JSON; every reader and writer of it recurses
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode_text(data: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16/32 that says so by its mark. Raises InputFailure."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputFailure(
            "text-not-utf8", f"byte {error.start} is not valid {encoding.removesuffix('-sig').upper()}; save the text as UTF-8"
        ) from None
    require_clean(text, "the text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def require_clean(text: str, what: str) -> None:
    """Raises InputFailure for a NUL character or a lone surrogate, which no database keeps."""
    position = text.find("\0")
    if position >= 0:
        raise InputFailure("text-nul", f"{what} holds a NUL character at {position}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputFailure("text-surrogate", f"{what} holds a lone surrogate at {error.start}, which is no character") from None


def require_text(text: str, what: str) -> str:
    """The text itself, clean and not blank; raises InputFailure."""
    require_clean(text, what)
    if not text.strip():
        raise InputFailure("text-empty", f"{what} is empty")
    return text


def parse_json(data: bytes) -> Json:
    """JSON in UTF-8, without the numbers (NaN, Infinity) that only Python knows. Raises ValueError, RecursionError."""

    def refuse(constant: str) -> Json:
        raise ValueError(f"{constant} is no JSON")

    value: Json = json.loads(data.decode("utf-8-sig"), parse_constant=refuse)
    return value


def require_clean_json(value: Json, what: str, depth: int = 0) -> None:
    """Raises InputFailure where any string inside, keys included, is not clean, or where it is nested too deep to be kept."""
    if depth > _DEEPEST:
        raise InputFailure("metadata-too-deep", f"{what.split(' under ', maxsplit=1)[0]} is nested more than {_DEEPEST} levels deep")
    match value:
        case str():
            require_clean(value, what)
        case float() if not math.isfinite(value):
            raise InputFailure("metadata-number", f"{what} holds a number that is too large")
        case list():
            for element in value:
                require_clean_json(element, what, depth + 1)
        case dict():
            for key, element in value.items():
                require_clean(key, f"a key of {what}")
                require_clean_json(element, f"{what} under {key!r}", depth + 1)
        case _:
            pass
