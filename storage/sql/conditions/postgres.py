"""Conditions on metadata for Postgres, which keeps it as JSONB. Equality is containment, which the index on metadata answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Text,
    and_,
    case,
    cast,
    collate,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.sql.databases.columns import as_kept
from storage.sql.schema import documents
from uniir.documents import Json
from uniir.filter_language.tree import Key, Order, Pattern, Value

_Test: TypeAlias = Callable[[ColumnElement[Any]], ColumnElement[bool]]
_EMPTY: list[Json] = []
_DATE = "^[0-9]{4}($|-[0-9][0-9])"


def has(key: Key) -> ColumnElement[bool]:
    return func.coalesce(func.jsonb_typeof(_under(key)) != "null", false())


def among(key: Key, values: Sequence[Value]) -> ColumnElement[bool]:
    wanted = [one for value in values for one in _equal_to(value)]
    return or_(*(_metadata().contains(_wrapped(key, one)) for value in wanted for one in (value, [value])))


def compared(key: Key, order: Order, value: Value) -> ColumnElement[bool]:
    return _any_in(_under(key), lambda one: _stands(one, order, value))


def fits(key: Key, pattern: Pattern) -> ColumnElement[bool]:
    return _any_in(_under(key), lambda one: _is_text_and(one, lambda text: is_like(text, pattern)))


def marked(word: str) -> ColumnElement[bool]:
    named = _metadata().op("->")(literal(word, Text))
    is_named = func.coalesce(func.jsonb_typeof(named) != "null", false()) & (named != literal(False, JSONB))
    rows = func.jsonb_each(_metadata()).table_valued("key", "value").alias()
    content = type_coerce(rows.c.value, JSONB)
    held = or_(content == literal(word, JSONB), content.contains(literal([word], JSONB)))
    return or_(func.coalesce(is_named, false()), exists(select(literal(1)).select_from(rows).where(held)))


def is_like(text: ColumnElement[Any], pattern: Pattern) -> ColumnElement[bool]:
    pieces = ("".join(f"\\{one}" if one in "\\%_" else one for one in piece) for piece in pattern.pieces)
    return text.like(literal("%".join(pieces), Text))


def _metadata() -> ColumnElement[Any]:
    return type_coerce(documents.c.metadata, JSONB)


def _under(key: Key) -> ColumnElement[Any]:
    found = _metadata()
    for name in key.names:
        found = found.op("->", return_type=JSONB())(literal(name, Text))
    return found


def _wrapped(key: Key, value: Json) -> ColumnElement[Any]:
    for name in reversed(key.names):
        value = {name: value}
    return literal(value, JSONB)


def _equal_to(value: Value) -> list[Json]:
    number, truth = value.number, value.truth
    return [value.text, *([] if number is None else [as_kept(number)]), *([] if truth is None else [truth])]


def _any_in(leaf: ColumnElement[Any], test: _Test) -> ColumnElement[bool]:
    """Whether a value, or one in its list, passes."""
    listed = case((func.jsonb_typeof(leaf) == "array", leaf), else_=literal(_EMPTY, JSONB))
    one = func.jsonb_array_elements(listed).table_valued("value").alias()
    held = exists(select(literal(1)).select_from(one).where(test(type_coerce(one.c.value, JSONB))))
    return or_(func.coalesce(test(leaf), false()), held)


def _is_text_and(one: ColumnElement[Any], test: _Test) -> ColumnElement[bool]:
    return and_(func.jsonb_typeof(one) == "string", test(_text_of(one)))


def _text_of(one: ColumnElement[Any]) -> ColumnElement[Any]:
    return collate(one.op("#>>", return_type=Text())(literal_column("CAST('{}' AS text[])")), "C")


def _stands(one: ColumnElement[Any], order: Order, value: Value) -> ColumnElement[bool]:
    options: list[ColumnElement[bool]] = [false()]
    if value.number is not None:
        # in a CASE, since nothing else says that the cast comes after the look at the type
        number = case((func.jsonb_typeof(one) == "number", cast(_text_of(one), Numeric)))
        options.append(number.op(order, is_comparison=True)(literal(Decimal(repr(as_kept(value.number))), Numeric)))
    if value.date is not None:
        date = value.date
        options.append(_is_text_and(one, lambda text: and_(text.regexp_match(_DATE), _ordered(func.left(text, len(date)), order, date))))
    if value.is_text or value.truth is not None:
        options.append(_is_text_and(one, lambda text: _ordered(text, order, value.text)))
    return or_(*options)


def _ordered(text: ColumnElement[Any], order: Order, other: str) -> ColumnElement[bool]:
    return collate(text, "C").op(order, is_comparison=True)(literal(other, Text))
