"""Column types that keep and give back the same on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, String, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.types import TypeEngine

from uniir.documents import Json

Document64 = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER makes SQLite's row id, which saves an index
_NUL = "\N{SYMBOL FOR NULL}"
_EXACT = 2**53  # from here on a float is a whole number


class UtcDateTime(TypeDecorator[datetime]):
    """Times are UTC and aware on both sides; SQLite would give them back naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text from outside: names, paths, reasons. In order of code points everywhere, as SQLite has it and Python sorts.

    What a database can't hold is spelled as `storable` says; content with such a character is refused long before.
    """

    impl = Text
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        """`length` is what SQLite's column says; Postgres would refuse what is longer."""
        super().__init__()
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return Text(collation="C")
        return Text() if self.length is None else String(self.length)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class IndexedWords(TypeDecorator[Sequence[str]]):
    """Words of `uniir.lexical`, as the databases index them; only written, never read back."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return TSVECTOR() if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | None:
        if value is None or dialect.name != "postgresql":
            return None if value is None else " ".join(value)
        return " ".join(f"'{word}':{place}" for place, word in enumerate(value, start=1))  # a word has no quotation mark


class JsonValue(TypeDecorator[Any]):
    """JSON that looks the same from both: keys in order, numbers in one spelling, no character that can't be kept."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return JSONB(none_as_null=True) if dialect.name == "postgresql" else JSON(none_as_null=True)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else as_kept(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return _ordered(value)


def storable(text: str) -> str:
    """The text itself, with U+2400 for NUL and U+FFFD for lone surrogates, which Postgres refuses and SQLite garbles."""
    if "\0" in text:
        text = text.replace("\0", _NUL)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= character <= "\udfff" else character for character in text)
    return text


def as_kept(value: Json) -> Json:
    """As JSONB would give it back: it knows no exponents and no negative zero. What is compared with it is spelled so too."""
    match value:
        case str():
            return storable(value)
        case float() if value == 0:
            return 0.0
        case float() if abs(value) >= _EXACT and value.is_integer():
            return int(value)
        case dict():
            return {storable(key): as_kept(one) for key, one in value.items()}
        case list() | tuple():
            return [as_kept(one) for one in value]
        case _:
            return value


def _ordered(value: Json) -> Json:
    match value:
        case dict():
            return {key: _ordered(value[key]) for key in sorted(value)}
        case list():
            return [_ordered(one) for one in value]
        case _:
            return value
