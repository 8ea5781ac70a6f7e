"""Filters as SQL on documents and their sources. Names, texts and numbers are bound parameters, never part of the statement.

Every expression is true or false and never null, so that `not` is the opposite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, String, and_, func, not_, or_, true

from storage.sql.conditions import postgres as postgres_conditions
from storage.sql.conditions import sqlite as sqlite_conditions
from storage.sql.schema import documents, sources
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
    Order,
    PathFits,
    PathIs,
    Pattern,
    Value,
)


class _Spelling(Protocol):
    """What each database has a module for."""

    def has(self, key: Key) -> ColumnElement[bool]: ...

    def marked(self, word: str) -> ColumnElement[bool]: ...

    def among(self, key: Key, values: Sequence[Value]) -> ColumnElement[bool]: ...

    def compared(self, key: Key, order: Order, value: Value) -> ColumnElement[bool]: ...

    def fits(self, key: Key, pattern: Pattern) -> ColumnElement[bool]: ...

    def is_like(self, text: ColumnElement[Any], pattern: Pattern) -> ColumnElement[bool]: ...


def matching(condition: Condition, dialect: str) -> ColumnElement[bool]:  # noqa: PLR0911, PLR0912 - a line for each kind
    """Which rows of documents joined with sources fit."""
    spelled: _Spelling = sqlite_conditions
    if dialect == "postgresql":
        spelled = postgres_conditions
    match condition:
        case Every(conditions):
            return and_(true(), *(matching(one, dialect) for one in conditions))
        case Either(conditions):
            return or_(*(matching(one, dialect) for one in conditions))
        case Not(inner):
            return not_(matching(inner, dialect))
        case Has(key):
            return spelled.has(key)
        case Marked(word):
            return spelled.marked(word)
        case Among(key, values):
            return spelled.among(key, values)
        case Differs(key, value):
            return and_(spelled.has(key), not_(spelled.among(key, (value,))))
        case Compared(key, order, value):
            return spelled.compared(key, order, value)
        case Fits(key, pattern):
            return spelled.fits(key, pattern)
        case OfModality(modalities):
            return documents.c.modality.in_(sorted(modalities))
        case PathIs(paths):
            return or_(sources.c.path.in_(paths), _in_full().in_(paths))
        case PathFits(pattern):
            return or_(spelled.is_like(sources.c.path, pattern), spelled.is_like(_in_full(), pattern))


def _in_full() -> ColumnElement[str]:
    return func.rtrim(sources.c.root, "/", type_=String).concat("/").concat(sources.c.path)
