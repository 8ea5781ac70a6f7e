"""Filters and what they say of a document, in plain Python; and random ones of both, hostile texts among them."""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Iterator

from uniir.documents import Document, Json, Modality
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

_ORDERS = {Order.BELOW: operator.lt, Order.AT_MOST: operator.le, Order.ABOVE: operator.gt, Order.AT_LEAST: operator.ge}
_MISSING = object()

WORDS = (
    "shoes",
    "Shoes",
    "",
    " ",
    "a b",
    "draft",
    "true",
    "null",
    "it's",
    '"',
    "'",
    '\\"',
    "\\",
    "a\\b",
    "100%",
    "_",
    "[a-z]",
    "?",
    "*",
    "é",
    "e\u0301",
    "\U0001f45f",
    "\U0010ffff",
    "\ufffd",
    "\x01\x7f\n\t",
    "' OR 1=1 --",
    '"; DROP TABLE documents; --',
    "id in [1] or 1==1",
    'modality == "text"',
    "{}",
    "$.a",
    "$[0]",
    ":x",
    "%(a)s",
    "2020",
    "2024-05-17",
    "2024-05",
    "2024-05-17T10:00",
    "20240",
    "x" * 1200,
)
NUMBERS: tuple[int | float, ...] = (0, 1, -1, 2020, 2020.0, 2020.5, -0.5, 1e-7, 1e16, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 1e300)
KEYS = ("tag", "year", "camera", "a.b", "", "é", '"', "\\", "$.a", "\U0001f45f", "' OR 1=1 --", "path", "0", "type")


def holds(condition: Condition, document: Document) -> bool:  # noqa: PLR0911
    """Whether the document fits."""
    match condition:
        case Every(conditions):
            return all(holds(one, document) for one in conditions)
        case Either(conditions):
            return any(holds(one, document) for one in conditions)
        case Not(inner):
            return not holds(inner, document)
        case Has(key):
            return _under(document, key) not in (_MISSING, None)
        case Marked(word):
            found = _under(document, Key((word,)))
            return (found not in (_MISSING, None) and found is not False) or any(word in _texts(one) for one in document.metadata.values())
        case Among(key, values):
            return any(_equal(one, value) for one in _any_of(_under(document, key)) for value in values)
        case Differs(key, value):
            return holds(Has(key), document) and not holds(Among(key, (value,)), document)
        case Compared(key, order, value):
            return any(_stands(one, order, value) for one in _any_of(_under(document, key)))
        case Fits(key, pattern):
            return any(_like(one, pattern) for one in _texts(_under(document, key)))
        case OfModality(modalities):
            return document.modality in modalities
        case PathIs(paths):
            return not set(paths).isdisjoint(_paths(document))
        case PathFits(pattern):
            return any(_like(path, pattern) for path in _paths(document))


def _paths(document: Document) -> tuple[str, str]:
    return document.source.path, f"{document.source.root.rstrip('/')}/{document.source.path}"


def _under(document: Document, key: Key) -> object:
    found: object = document.metadata
    for name in key.names:
        found = found.get(name, _MISSING) if isinstance(found, dict) else _MISSING
    return found


def _any_of(found: object) -> Iterator[object]:
    yield from found if isinstance(found, list) else [] if found is _MISSING else [found]


def _texts(found: object) -> list[str]:
    return [one for one in _any_of(found) if isinstance(one, str)]


def _equal(one: object, value: Value) -> bool:
    match one:
        case bool():
            return value.truth is one
        case str():
            return one == value.text
        case int() | float():
            return value.number is not None and one == value.number
        case _:
            return False


def _stands(one: object, order: Order, value: Value) -> bool:
    compare = _ORDERS[order]
    match one:
        case bool():
            return False
        case int() | float():
            return value.number is not None and bool(compare(one, value.number))
        case str() if value.date is not None:
            return re.match(r"\d{4}(\Z|-\d\d)", one, re.ASCII) is not None and bool(compare(one[: len(value.date)], value.date))
        case str():
            return value.number is None and bool(compare(one, value.text))
        case _:
            return False


def _like(text: str, pattern: Pattern) -> bool:
    first, *rest = pattern.pieces
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return text.endswith(last) and len(text) - len(last) >= at


class Chance:
    """Random metadata and conditions that often meet."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def metadata(self) -> dict[str, Json]:
        return {self._random.choice(KEYS): self._json(2) for _ in range(self._random.randrange(5))}

    def condition(self, depth: int = 3) -> Condition:
        chance = self._random
        if depth and chance.random() < 0.5:
            inner = tuple(self.condition(depth - 1) for _ in range(chance.randint(2, 3)))
            return chance.choice((Every(inner), Either(inner), Not(inner[0])))
        key = Key(tuple(chance.choice(KEYS) for _ in range(chance.choice((1, 1, 1, 2)))))
        return chance.choice(
            (
                Has(key),
                Marked(self._word()),
                Among(key, tuple(self.value() for _ in range(chance.randint(1, 3)))),
                Among(key, (self.value(),)),
                Differs(key, self.value()),
                Compared(key, chance.choice(list(Order)), self.value()),
                Fits(key, self._pattern()),
                OfModality(frozenset(chance.sample(list(Modality), chance.randint(1, 3)))),
                PathIs((chance.choice(("slides/a.md", "/c/slides/a.md", self._word())),)),
                PathFits(chance.choice((Pattern("slides/*"), Pattern("/c/*"), self._pattern()))),
            )
        )

    def value(self) -> Value:
        """As reading makes them: what is no number, date or truth value is quoted."""
        if self._random.random() < 0.4:
            return Value(self._random.choice((*map(str, NUMBERS), "true", "false", "2024-05", "2024", "2019", "2024-05-17", "20240.0")))
        return Value(self._word(), quoted=True)

    def path(self) -> str:
        return self._random.choice(("slides/a.md", "slides/b.md", "slides", f"slides/{self._word()}", "c/d.md"))

    def modality(self) -> Modality:
        return self._random.choice(list(Modality))

    def _word(self) -> str:
        return self._random.choice(WORDS)

    def _pattern(self) -> Pattern:
        word = self._word()
        cut = self._random.randrange(len(word) + 1)
        return Pattern(
            self._random.choice((f"{word[:cut]}*", f"*{word[cut:]}", f"{word[:cut]}*{word[cut:]}", f"*{word[cut : cut + 1]}*", "*"))
        )

    def _json(self, depth: int) -> Json:
        chance = self._random
        kind = chance.random()
        if depth and kind < 0.25:
            return [self._json(depth - 1) for _ in range(chance.randrange(4))]
        if depth and kind < 0.4:
            return {chance.choice(KEYS): self._json(depth - 1) for _ in range(chance.randrange(4))}
        return chance.choice((self._word(), self._word(), chance.choice(NUMBERS), True, False, None))
