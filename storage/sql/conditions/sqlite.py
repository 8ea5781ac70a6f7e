"""Conditions on metadata for SQLite, which keeps JSON as text: `json_each` reads it, whose keys and texts come without escapes.

Only lists and objects may be opened, and SQLite does not say in which order it looks; hence every opening asks for the type itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Text, and_, case, column, exists, false, func, literal, or_, select, type_coerce
from sqlalchemy.sql.expression import TableValuedAlias

from storage.sql.schema import documents
from uniir.filter_language.tree import Key, Order, Pattern, Value

_Test: TypeAlias = Callable[[TableValuedAlias], ColumnElement[bool]]
_NUMBERS = ("integer", "real")
_YEAR = "[0-9][0-9][0-9][0-9]"


def has(key: Key) -> ColumnElement[bool]:
    return _under(key, lambda leaf: leaf.c.type != "null")


def among(key: Key, values: Sequence[Value]) -> ColumnElement[bool]:
    return _under(key, lambda leaf: _any_in(leaf, lambda one: _equals(one, values)))


def compared(key: Key, order: Order, value: Value) -> ColumnElement[bool]:
    return _under(key, lambda leaf: _any_in(leaf, lambda one: _stands(one, order, value)))


def fits(key: Key, pattern: Pattern) -> ColumnElement[bool]:
    return _under(key, lambda leaf: _any_in(leaf, lambda one: and_(one.c.type == "text", is_like(one.c.value, pattern))))


def marked(word: str) -> ColumnElement[bool]:
    def test(leaf: TableValuedAlias) -> ColumnElement[bool]:
        named = and_(leaf.c.key == literal(word, Text), leaf.c.type.not_in(("null", "false")))
        return or_(named, _any_in(leaf, lambda one: and_(one.c.type == "text", one.c.value == literal(word, Text))))

    return _some_of(type_coerce(documents.c.metadata, Text), test)


def is_like(text: ColumnElement[Any], pattern: Pattern) -> ColumnElement[bool]:
    """GLOB looks at upper and lower case; what else means something to it stands in brackets."""
    pieces = ("".join(f"[{one}]" if one in "?[" else one for one in piece) for piece in pattern.pieces)
    return text.op("GLOB", is_comparison=True)(literal("*".join(pieces), Text))


def _under(key: Key, test: _Test) -> ColumnElement[bool]:
    """Whether what stands under the key passes."""

    def level(content: ColumnElement[Any], names: tuple[str, ...]) -> ColumnElement[bool]:
        def found(one: TableValuedAlias) -> ColumnElement[bool]:
            deeper = test(one) if len(names) == 1 else level(_opened(one, "object", "{}"), names[1:])
            return and_(one.c.key == literal(names[0], Text), deeper)

        return _some_of(content, found)

    return level(type_coerce(documents.c.metadata, Text), key.names)


def _any_in(leaf: TableValuedAlias, test: _Test) -> ColumnElement[bool]:
    """Whether a value, or one in its list, passes."""
    return or_(test(leaf), _some_of(_opened(leaf, "array", "[]"), test))


def _opened(one: TableValuedAlias, kind: str, empty: str) -> ColumnElement[Any]:
    return case((one.c.type == kind, one.c.value), else_=empty)


def _some_of(content: ColumnElement[Any], test: _Test) -> ColumnElement[bool]:
    rows = func.json_each(content).table_valued(column("key", Text), column("value"), column("type", Text)).alias()
    return exists(select(literal(1)).select_from(rows).where(test(rows)))


def _equals(one: TableValuedAlias, values: Sequence[Value]) -> ColumnElement[bool]:
    """In lists, since a chain of many would be too deep for SQLite."""
    texts = [literal(value.text, Text) for value in values]
    numbers = [literal(value.number) for value in values if value.number is not None]
    truths = ["true" if value.truth else "false" for value in values if value.truth is not None]
    return or_(
        and_(one.c.type == "text", one.c.value.in_(texts)),
        and_(one.c.type.in_(_NUMBERS), one.c.value.in_(numbers)),
        one.c.type.in_(truths),
    )


def _stands(one: TableValuedAlias, order: Order, value: Value) -> ColumnElement[bool]:
    options: list[ColumnElement[bool]] = [false()]
    if value.number is not None:
        options.append(and_(one.c.type.in_(_NUMBERS), one.c.value.op(order, is_comparison=True)(literal(value.number))))
    if value.date is not None:
        is_date = or_(*(one.c.value.op("GLOB", is_comparison=True)(shape) for shape in (_YEAR, f"{_YEAR}-[0-9][0-9]*")))
        as_far = func.substr(one.c.value, 1, len(value.date))
        options.append(and_(one.c.type == "text", is_date, as_far.op(order, is_comparison=True)(literal(value.date, Text))))
    if value.is_text or value.truth is not None:
        options.append(and_(one.c.type == "text", one.c.value.op(order, is_comparison=True)(literal(value.text, Text))))
    return or_(*options)
