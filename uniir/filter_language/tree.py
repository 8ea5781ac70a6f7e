"""Conditions on documents as typed values. What a person wrote stands in them as data: names, words, numbers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from uniir.documents import Json, Metadata, Modality

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)?)?)?", re.ASCII)
_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the metadata, level by level: `camera.model` is the key "model" of what stands under "camera"."""

    names: tuple[str, ...]

    @classmethod
    def spelled(cls, key: str) -> Key:
        """As a filter writes it, with dots between the levels."""
        return cls(tuple(key.split(".")))

    def value_in(self, metadata: Metadata) -> Json:
        """What stands under the key; None where nothing does."""
        found: Json = dict(metadata)
        for name in self.names:
            found = found.get(name) if isinstance(found, dict) else None
        return found


@dataclass(frozen=True, slots=True)
class Value:
    """What is compared with. In quotes it is text and nothing else; bare it may be a number, a date or a truth value as well."""

    text: str
    quoted: bool = False

    @property
    def number(self) -> int | float | None:
        """Whole where 64 bits hold it, else a float, which may be infinite."""
        if self.quoted or not _NUMBER.fullmatch(self.text):
            return None
        if _WHOLE.fullmatch(self.text) and -_LARGEST <= (whole := int(self.text)) < _LARGEST:
            return whole
        return float(self.text)

    @property
    def date(self) -> str | None:
        """A year, month, day or time as ISO 8601 writes it, without a zone."""
        return self.text if not self.quoted and _DATE.fullmatch(self.text) else None

    @property
    def truth(self) -> bool | None:
        return None if self.quoted else {"true": True, "false": False}.get(self.text)

    @property
    def is_text(self) -> bool:
        """Whether it can be nothing but text."""
        return self.number is None and self.date is None and self.truth is None

    @property
    def is_too_large(self) -> bool:
        return self.number is not None and math.isinf(self.number)


class Order(StrEnum):
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text with stars; each star is any run of characters."""

    text: str

    @property
    def pieces(self) -> tuple[str, ...]:
        """What stands between the stars."""
        return tuple(self.text.split("*"))


@dataclass(frozen=True, slots=True)
class Every:
    """All of the conditions hold."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the conditions holds."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition


@dataclass(frozen=True, slots=True)
class Has:
    """The key is there, and not null."""

    key: Key


@dataclass(frozen=True, slots=True)
class Marked:
    """The word is a key that is neither false nor null, or the text of any key, or one of a list's texts."""

    word: str


@dataclass(frozen=True, slots=True)
class Among:
    """The key's value, or one in its list, is one of these. A bare number equals the number and the text."""

    key: Key
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Differs:
    """The key is there, and neither its value nor any in its list equals this one."""

    key: Key
    value: Value


@dataclass(frozen=True, slots=True)
class Compared:
    """The key's value, or one in its list, stands so: numbers with numbers, dates with dates, else texts by code points.

    A date is compared as far as it is written, so that a month holds all of its days; a bare year is a number and a date.
    """

    key: Key
    order: Order
    value: Value


@dataclass(frozen=True, slots=True)
class Fits:
    """The key's text, or one in its list, is like the pattern."""

    key: Key
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class OfModality:
    modalities: frozenset[Modality]


@dataclass(frozen=True, slots=True)
class PathIs:
    """The path of the document's file, below its root or in full, is one of these."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PathFits:
    """The path of the document's file, below its root or in full, is like the pattern."""

    pattern: Pattern


Condition: TypeAlias = "Every | Either | Not | Has | Marked | Among | Differs | Compared | Fits | OfModality | PathIs | PathFits"
