"""A condition as text again: reading it gives the same condition."""

from __future__ import annotations

import re
from types import UnionType

from uniir.filter_language.tree import (
    Among,
    Compared,
    Condition,
    Differs,
    Either,
    Every,
    Fits,
    Has,
    Key,
    Marked,
    Not,
    OfModality,
    PathFits,
    PathIs,
    Value,
)

_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
_RESERVED = frozenset({"and", "or", "not", "in", "has", "path", "modality"})


def written(condition: Condition) -> str:  # noqa: PLR0911, PLR0912 - a line for each kind
    """One spelling for each condition, nested no deeper than what was read."""
    match condition:
        case Every(conditions):
            return " ".join(_held(one, Every | Either) for one in conditions)
        case Either(conditions):
            return " or ".join(_held(one, Either) for one in conditions)
        case Not(PathIs((path,))):
            return f"path!={quoted(path)}"
        case Not(OfModality(modalities)) if len(modalities) == 1:
            return f"modality!={quoted(next(iter(modalities)))}"
        case Not(inner):
            return f"-{_held(inner, Every | Either)}"
        case Has(key):
            return f"has:{name_of(key)}"
        case Marked(word):
            return word if _is_plain(word) else quoted(word)
        case Among(key, (value,)):
            return f"{name_of(key)}={_value(value)}"
        case Among(key, values):
            return f"{name_of(key)} in ({', '.join(map(_value, values))})"
        case Differs(key, value):
            return f"{name_of(key)}!={_value(value)}"
        case Compared(key, order, value):
            return f"{name_of(key)}{order}{_value(value)}"
        case Fits(key, pattern):
            return f"{name_of(key)}:{quoted(pattern.text)}"
        case OfModality(modalities) if len(modalities) == 1:
            return f"modality:{_word(next(iter(modalities)))}"
        case OfModality(modalities):
            return f"modality in ({', '.join(quoted(one) for one in sorted(modalities))})"
        case PathIs((path,)):
            return f"path={_word(path)}"
        case PathIs(paths):
            return f"path in ({', '.join(map(quoted, paths))})"
        case PathFits(pattern):
            return f"path:{quoted(pattern.text)}"


def name_of(key: Key) -> str:
    """A key as a filter names it."""
    return ".".join(map(_word, key.names))


def quoted(text: str) -> str:
    """Text that stands for itself."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _held(condition: Condition, looser: UnionType | type) -> str:
    """In parentheses where it would fall apart beside others."""
    return f"({written(condition)})" if isinstance(condition, looser) else written(condition)


def _value(value: Value) -> str:
    if not value.is_text:
        return value.text
    return value.text if Value(value.text).is_text and _is_plain(value.text) else quoted(value.text)


def _word(text: str) -> str:
    return text if _is_plain(text) else quoted(text)


def _is_plain(text: str) -> bool:
    return _PLAIN_NAME.fullmatch(text) is not None and text.lower() not in _RESERVED
