"""Declared metadata as columns of a Milvus collection, and what a filter says about them.

The catalog alone decides what fits; a column only lets a search leave out what can't. So it need not hold every value: what it can't
hold is marked as unknown, and every condition has two expressions, of what may fit and of what fits for certain.
Texts stand in hexadecimal: a value can never become syntax, and their order is that of code points.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from pymilvus import CollectionSchema, DataType

from uniir.documents import Json, Metadata, Modality
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
    Value,
)
from uniir.settings import FieldKind

Bound: TypeAlias = "str | bool"  # an expression, or that it holds for every row or for none
Kept: TypeAlias = "str | float | list[str]"

_PREFIX = "meta_"
_MISSING, _TEXT, _UNKNOWN = "-", "=", "?"  # how a text column begins; in this order, so that ranges of texts leave the others out
_EMPTY = "."  # a list without anything
_TEXT_BYTES = 500
_MOST_TEXTS = 256
_EXACT = 2**53  # up to here a double holds every whole number
_NO_NUMBER, _OTHER = -9.1e15, 9.1e15


@dataclass(frozen=True, slots=True)
class Column:
    """One declared key of the metadata."""

    key: Key
    kind: FieldKind

    @property
    def name(self) -> str:
        """Letters, digits and underscores, from which the key can be read again."""
        key = ".".join(self.key.names)
        return _PREFIX + "".join(one if one.isascii() and one.isalnum() else f"_{ord(one):x}_" for one in key)

    def declare_in(self, schema: CollectionSchema) -> None:
        longest = 1 + 2 * _TEXT_BYTES
        match self.kind:
            case FieldKind.TEXT:
                schema.add_field(self.name, DataType.VARCHAR, max_length=longest)
            case FieldKind.NUMBER:
                schema.add_field(self.name, DataType.DOUBLE)
            case FieldKind.TEXTS:
                schema.add_field(self.name, DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=_MOST_TEXTS, max_length=longest)

    def value(self, metadata: Metadata) -> Kept:
        """What stands in the column for a document with this metadata."""
        found = self.key.value_in(metadata)
        match self.kind:
            case FieldKind.TEXT:
                return _MISSING if found is None else _kept_text(found)
            case FieldKind.NUMBER:
                return _NO_NUMBER if found is None else _kept_number(found)
            case FieldKind.TEXTS:
                return [_MISSING] if found is None else _kept_texts(found)


_KINDS = {DataType.VARCHAR: FieldKind.TEXT, DataType.DOUBLE: FieldKind.NUMBER, DataType.ARRAY: FieldKind.TEXTS}


def column_of(name: str, data_type: DataType) -> Column | None:
    """The column behind a field of a collection; None for a field of another use."""
    if not name.startswith(_PREFIX) or data_type not in _KINDS:
        return None
    key = re.sub("_([0-9a-f]+)_", lambda match: chr(int(match[1], 16)), name.removeprefix(_PREFIX))
    return Column(Key.spelled(key), _KINDS[data_type])


def _kept_text(value: Json) -> str:
    if not isinstance(value, str) or len(code := value.encode().hex()) > 2 * _TEXT_BYTES:
        return _UNKNOWN
    return _TEXT + code


def _kept_number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_EXACT <= value <= _EXACT:
        return _OTHER
    return float(value)


def _kept_texts(value: Json) -> list[str]:
    texts = dict.fromkeys(map(_kept_text, value if isinstance(value, list) else [value]))
    return [_UNKNOWN] if len(texts) > _MOST_TEXTS else [*texts] or [_EMPTY]


class Expressions:
    """What the columns of one collection can say about conditions."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = {column.key: column for column in columns}

    def possible(self, condition: Condition) -> Bound:  # noqa: PLR0911 - a line for each kind
        """Holds at least for every row that fits."""
        match condition:
            case Not(inner):
                return _negated(self.certain(inner))
            case Every(conditions):
                return _all_of(map(self.possible, conditions))
            case Either(conditions):
                return _any_of(map(self.possible, conditions))
            case Differs(key, value):
                return _all_of((self.possible(Has(key)), _negated(self.certain(Among(key, (value,))))))
            case OfModality(modalities):
                return of_modality(modalities)
            case Marked() | PathIs() | PathFits():
                return True
            case Has(key) | Among(key) | Compared(key) | Fits(key):
                column = self._columns.get(key)
                if column is None:
                    return True
                if isinstance(condition, Has):
                    return _is_there(column)
                return _any_of((_certain(column, condition), _near(column, condition), _is_unknown(column)))

    def certain(self, condition: Condition) -> Bound:  # noqa: PLR0911 - a line for each kind
        """Holds at most for rows that fit."""
        match condition:
            case Not(inner):
                return _negated(self.possible(inner))
            case Every(conditions):
                return _all_of(map(self.certain, conditions))
            case Either(conditions):
                return _any_of(map(self.certain, conditions))
            case Differs(key, value):
                return _all_of((self.certain(Has(key)), _negated(self.possible(Among(key, (value,))))))
            case OfModality(modalities):
                return of_modality(modalities)
            case Marked() | PathIs() | PathFits():
                return False
            case Has(key) | Among(key) | Compared(key) | Fits(key):
                column = self._columns.get(key)
                if column is None:
                    return False
                return _is_there(column) if isinstance(condition, Has) else _certain(column, condition)


_Compared: TypeAlias = "Among | Compared | Fits"


def _certain(column: Column, condition: _Compared) -> Bound:
    match column.kind, condition:
        case FieldKind.NUMBER, Among(_, values):
            return _any_of(f"{column.name} == {_number(number)}" for number in _numbers(values))
        case FieldKind.NUMBER, Compared(_, order, value):
            return _any_of(_ordered_number(column.name, order, number) for number in _numbers((value,)))
        case FieldKind.TEXT, Among(_, values):
            return _listed(lambda texts: f"{column.name} in [{texts}]", values)
        case FieldKind.TEXTS, Among(_, values):
            return _listed(lambda texts: f"array_contains_any({column.name}, [{texts}])", values)
        case FieldKind.TEXT, Compared(_, order, value) if value.is_text or value.truth is not None:
            return _ordered_text(column.name, order, value.text)
        case _:
            return False


def _near(column: Column, condition: _Compared) -> Bound:
    """What fits beside the certain, and perhaps more."""
    match column.kind, condition:
        case FieldKind.TEXT, Compared(_, order, Value(date=str(date))):  # as far as it is written
            return _ordered_text(column.name, order, date, _hexadecimal(date) + "g")
        case FieldKind.TEXT, Fits(_, pattern):
            return _between(column.name, _hexadecimal(pattern.pieces[0]), _hexadecimal(pattern.pieces[0]) + "g")
        case FieldKind.TEXTS, Compared() | Fits():
            return _is_there(column)
        case _:
            return False


def _is_there(column: Column) -> str:
    match column.kind:
        case FieldKind.TEXT:
            return f'{column.name} != "{_MISSING}"'
        case FieldKind.NUMBER:
            return f"{column.name} > {_number(_NO_NUMBER)}"
        case FieldKind.TEXTS:
            return f'not (array_contains({column.name}, "{_MISSING}"))'


def _is_unknown(column: Column) -> str:
    match column.kind:
        case FieldKind.TEXT:
            return f'{column.name} == "{_UNKNOWN}"'
        case FieldKind.NUMBER:
            return f"{column.name} >= {_number(_OTHER)}"
        case FieldKind.TEXTS:
            return f'array_contains({column.name}, "{_UNKNOWN}")'


def of_modality(modalities: Collection[Modality]) -> str:
    names = ", ".join(f'"{modality}"' for modality in sorted(modalities))
    return f"modality in [{names}]"


def _listed(spell: Callable[[str], str], values: Sequence[Value]) -> Bound:
    texts = [kept for kept in (_kept_text(value.text) for value in values) if kept != _UNKNOWN]
    return spell(", ".join(f'"{one}"' for one in texts)) if texts else False


def _ordered_text(name: str, order: Order, text: str, after: str | None = None) -> str:
    """`after` is the first that is beyond everything which counts as equal; else only the text itself is."""
    code = _hexadecimal(text)
    beyond = code + "!" if after is None else after  # "!" comes before every digit
    match order:
        case Order.BELOW:
            return _between(name, "", code)
        case Order.AT_MOST:
            return _between(name, "", beyond)
        case Order.ABOVE:
            return _between(name, beyond, None)
        case Order.AT_LEAST:
            return _between(name, code, None)


def _between(name: str, first: str, end: str | None) -> str:
    upper = _UNKNOWN if end is None else _TEXT + end
    return f'({name} >= "{_TEXT}{first}" and {name} < "{upper}")'


def _hexadecimal(text: str) -> str:
    return text.encode().hex()


def _numbers(values: Iterable[Value]) -> list[float]:
    numbers = (value.number for value in values)
    return [float(number) for number in numbers if number is not None and -_EXACT <= number <= _EXACT]


def _ordered_number(name: str, order: Order, number: float) -> str:
    return f"({name} {order} {_number(number)} and {name} > {_number(_NO_NUMBER)} and {name} < {_number(_OTHER)})"


def _number(value: float) -> str:
    """Without an exponent, which the engines read differently."""
    written = f"{Decimal(repr(value)):f}"
    return written if "." in written else f"{written}.0"


def _all_of(bounds: Iterable[Bound]) -> Bound:
    kept: list[str] = []
    for bound in bounds:
        if bound is False:
            return False
        if isinstance(bound, str):
            kept.append(bound)
    return " and ".join(f"({one})" for one in kept) if kept else True


def _any_of(bounds: Iterable[Bound]) -> Bound:
    kept: list[str] = []
    for bound in bounds:
        if bound is True:
            return True
        if isinstance(bound, str):
            kept.append(bound)
    return " or ".join(f"({one})" for one in kept) if kept else False


def _negated(bound: Bound) -> Bound:
    return f"not ({bound})" if isinstance(bound, str) else not bound
