"""Reading what people write: `tag=shoes year>=2020 path:"slides/*" -draft`.

either   = every ("or" every)*
every    = single ("and"? single)*
single   = ("-" | "not") single | "(" either ")" | term
term     = key operator value | key ":" pattern | key "in" "(" value ("," value)* ")" | "has:" key | word
"""

from __future__ import annotations

from typing import NoReturn

from uniir.documents import Modality
from uniir.errors import InputFailure, QueryError
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
from uniir.texts import require_clean

MAX_LENGTH = 4000  # of what people send
# SQLite's reader has a stack of 100, of which parentheses and levels of a key take some each, and its expressions are 1,000 deep at most
MAX_DEPTH = 10
MAX_CONDITIONS = 100
_MAX_LEVELS = 4
_OPERATORS = ("!=", "<=", ">=", "=", "<", ">", ":")
_ENDS_A_NAME = frozenset('()=!<>:,"')
_QUOTES = frozenset("\"'")
_NONCHARACTERS = frozenset("\ufffe\uffff")
_CONNECTING = frozenset({"and", "or", "in", "not"})
_KINDS = {**{str(one): one for one in Modality}, "picture": Modality.IMAGE, "pair": Modality.IMAGE_TEXT}


def read_filter(text: str) -> Condition | None:
    """The condition; None for a blank text. Raises QueryError with the place and the way out."""
    try:
        require_clean(text, "the filter")
    except InputFailure as failure:
        raise QueryError(f"The query can't be used: {failure.reason}.") from None
    return _Reader(text).read() if text.strip() else None


class _Reader:
    """One pass over the text, `_at` is where it stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._conditions = 0

    def read(self) -> Condition:
        condition = self._either(0)
        if self._at < len(self._text):
            self._refuse(f"nothing was opened that `{self._here}` closes", "Take it out, or put it in quotes.")
        return condition

    def _either(self, depth: int) -> Condition:
        found = [self._every(depth)]
        while self._take_word("or"):
            found.append(self._every(depth))
        return found[0] if len(found) == 1 else Either(tuple(found))

    def _every(self, depth: int) -> Condition:
        found = [self._single(depth)]
        while True:
            if not self._take_word("and"):
                self._skip()
                if self._here in {"", ")"} or self._sees_word("or"):
                    return found[0] if len(found) == 1 else Every(tuple(found))
            found.append(self._single(depth))

    def _single(self, depth: int) -> Condition:
        self._skip()
        if depth > MAX_DEPTH:
            self._refuse("it is nested too deeply", f"{MAX_DEPTH} levels are possible.")
        if self._here == "-" or self._sees_word("not"):
            self._at += 1 if self._here == "-" else 3
            return Not(self._single(depth + 1))
        if self._here == "(":
            opened = self._at
            self._at += 1
            condition = self._either(depth + 1)
            if self._here != ")":
                self._at = opened
                self._refuse("this parenthesis is never closed", "Close it with `)`, or put the text in quotes.")
            self._at += 1
            return condition
        return self._term()

    def _term(self) -> Condition:
        start = self._at
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            self._refuse(
                f"it has more than {MAX_CONDITIONS} conditions", "Write `key in (one, other, ...)` where a key may have many values."
            )
        names, is_bare = self._names()
        word = self._text[start : self._at] if is_bare else names[0]
        own = word.lower() if is_bare and word.lower() in {"path", "modality", "has"} else None
        end = self._at
        self._skip()
        operator = next((one for one in _OPERATORS if self._text.startswith(one, self._at)), None)
        if operator is not None:
            self._at += len(operator)
            return self._compared(own, names, operator, start)
        if self._take_word("in"):
            return self._among(own, Key(names), self._list(), start)
        self._at = end
        self._require_an_end("after a word")
        if is_bare and word.lower() in _CONNECTING:
            self._refuse(f"`{word}` connects conditions, and one is missing", "Put it in quotes if it is a word of your own.", start)
        if own is not None:
            self._refuse(f"`{word}` says nothing by itself", f"Write `{word}:...`, or put it in quotes if it is a word of your own.", start)
        if not is_bare and len(names) > 1:
            self._refuse("a key says nothing by itself", "Write `has:` before it, or compare it with `=`.", start)
        return Marked(word)

    def _compared(self, own: str | None, names: tuple[str, ...], operator: str, start: int) -> Condition:
        if own == "has":
            if operator != ":":
                self._refuse("`has` takes a colon", "Write `has:key`.", start)
            self._skip()
            key = Key(self._names()[0])
            self._require_an_end("after a key")
            return Has(key)
        self._skip()
        place = self._at
        value = self._value(in_list=False)
        self._require_an_end("after a value")
        if operator == ":" and "*" in value.text and own != "modality":
            if not _NONCHARACTERS.isdisjoint(value.text):  # SQLite takes them for U+FFFD where it compares patterns
                self._refuse("a pattern can't hold U+FFFE and U+FFFF, which are no characters", "Write the text whole, with `=`.", place)
            return PathFits(Pattern(value.text)) if own == "path" else Fits(Key(names), Pattern(value.text))
        if operator in {"=", ":", "!="}:
            found = self._among(own, Key(names), (value,), place)
            if operator != "!=":
                return found
            return Not(found) if own is not None else Differs(Key(names), value)
        if own is not None:
            self._refuse(f"`{own}` has no greater and smaller", f"Write `{own}=...` or `{own}:...`.", start)
        return Compared(Key(names), Order(operator), value)

    def _among(self, own: str | None, key: Key, values: tuple[Value, ...], place: int) -> Condition:
        if own == "has":
            self._refuse("`has` takes one key", "Write `has:one or has:other`.", place)
        if own == "path":
            return PathIs(tuple(value.text for value in values))
        if own == "modality":
            for value in values:
                if value.text not in _KINDS:
                    self._refuse(f"{value.text!r} is no modality", f"There are {', '.join(Modality)}.", place)
            return OfModality(frozenset(_KINDS[value.text] for value in values))
        return Among(key, values)

    def _list(self) -> tuple[Value, ...]:
        self._skip()
        opened = self._at
        if self._here != "(":
            self._refuse(
                "a list in parentheses is missing", "Write `key in (one, other)`; put the word `in` into quotes where it is yours."
            )
        self._at += 1
        values = []
        while True:
            self._skip()
            values.append(self._value(in_list=True))
            self._skip()
            if self._here == "":
                self._refuse("this list is never closed", "Close it with `)`.", opened)
            if self._here not in {",", ")"}:
                self._refuse("a comma is missing in the list", "Put values with spaces into quotes.")
            self._at += 1
            if self._text[self._at - 1] == ")":
                self._require_an_end("after a list")
                return tuple(values)

    def _value(self, *, in_list: bool) -> Value:
        if self._here in _QUOTES:
            return Value(self._quoted(), quoted=True)
        start = self._at
        stops = frozenset('(),"' if in_list else '()"')
        if self._here in {"=", "!", "<", ">", ":"}:
            self._refuse(f"`{self._here}` stands where a value should", "Operators are = != < <= > >= : and nothing else; quote the value.")
        while self._here not in stops and self._here and not self._here.isspace():
            self._at += 1
        if self._at == start:
            self._refuse("a value is missing", 'Write one; an empty text is "".')
        value = Value(self._text[start : self._at])
        if value.is_too_large:
            self._refuse(f"{value.text} is too large a number", "Put it in quotes if it is a text.", start)
        return Value(value.text, quoted=value.is_text)

    def _names(self) -> tuple[tuple[str, ...], bool]:
        """The names of a key, and whether all of it is bare."""
        names, is_bare, start = [], True, self._at
        while True:
            if self._here in _QUOTES:
                names.append(self._quoted())
                is_bare = False
            else:
                names.append(self._bare_name())
            if self._here != ".":
                break
            self._at += 1
        if len(names) > _MAX_LEVELS:
            self._refuse("this key has too many levels", f"{_MAX_LEVELS} are possible; put a name that has dots into quotes.", start)
        return tuple(names), is_bare

    def _bare_name(self) -> str:
        start = self._at
        while self._here and not self._here.isspace() and self._here not in _ENDS_A_NAME and self._here != ".":
            self._at += 1
        if self._at == start:
            what = f"`{self._here}` stands where a key or a word should" if self._here.strip() else "a key or a word is missing"
            self._refuse(what, "Write `key=value`; put names with spaces or signs into quotes.")
        return self._text[start : self._at]

    def _quoted(self) -> str:
        mark, start, found = self._here, self._at, []
        self._at += 1
        while self._here != mark:
            if not self._here:
                self._refuse("this quotation mark is never closed", f"Close it with {mark}, or write it as \\{mark} between others.", start)
            if self._here == "\\" and self._text[self._at + 1 : self._at + 2] in {"\\", mark}:
                self._at += 1
            found.append(self._here)
            self._at += 1
        self._at += 1
        return "".join(found)

    def _require_an_end(self, place: str) -> None:
        if self._here and self._here != ")" and not self._here.isspace():
            self._refuse(f"`{self._here}` can't stand {place}", "Put a space between conditions, and a value with signs into quotes.")

    @property
    def _here(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        while self._here.isspace():
            self._at += 1

    def _sees_word(self, word: str) -> bool:
        after = self._text[self._at + len(word) : self._at + len(word) + 1]
        ends = not after or after.isspace() or after == "("
        return ends and self._text[self._at : self._at + len(word)].lower() == word

    def _take_word(self, word: str) -> bool:
        self._skip()
        if not self._sees_word(word):
            return False
        self._at += len(word)
        return True

    def _refuse(self, what: str, way_out: str, place: int | None = None) -> NoReturn:
        at = self._at if place is None else place
        before, after = self._text[max(0, at - 20) : at], self._text[at : at + 20]
        where = f"character {at + 1}, here: {before}\N{BLACK RIGHT-POINTING SMALL TRIANGLE}{after}" if after else f"its end, after {before}"
        raise QueryError(f"The filter can't be read at {where}: {what}.", way_out)
