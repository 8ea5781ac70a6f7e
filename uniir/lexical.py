"""Words as lexical search knows them: of a text, of a query and of a file's name, cut and folded alike wherever they are kept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

LONGEST = 40  # characters of a word; what follows is cut off, in documents as in queries
_WORD = re.compile(r"[a-z0-9]+")
_ACCENTS = re.compile("[\u0300-\u036f]+")
# scripts without a space between words: Thai, Lao, Myanmar, Khmer, kana, Han
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
_INSIDE_NAMES = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


@dataclass(frozen=True, slots=True)
class LexicalMatch:
    """A document in which words of a query stand, those left aside that half of all documents have, unless it has no other.

    `share` is how much of the query they all are, by their rarity: 1 where it has every word.
    """

    document: int
    words: tuple[str, ...]
    share: float


def words_of(text: str) -> list[str]:
    """Words in their order, without case and accents; each is made of letters, digits and marks alone.

    Scripts that put no space between words give their characters and their pairs of neighbours.
    """
    if text.isascii():
        return [word[:LONGEST] for word in _WORD.findall(text.lower())]
    spaced = "".join(character if _belongs(character) else " " for character in _folded(text))
    return [word[:LONGEST] for run in spaced.split() for word in _within(run)]


def words_of_name(path: str) -> list[str]:
    """The words of a path, and the parts of `RedBoat` and `IMG2034` beside the whole."""
    parted = [part for part in re.split(r"[\W_]+", path) if _INSIDE_NAMES.search(part)]
    return words_of(path) + [word for part in parted for word in words_of(_INSIDE_NAMES.sub(" ", part))]


def _folded(text: str) -> str:
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFC", plain.casefold())


def _belongs(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def _within(run: str) -> Iterator[str]:
    for part in filter(None, _UNSPACED.split(run)):
        if _UNSPACED.match(part):
            yield from part
            yield from ("".join(pair) for pair in pairwise(part))
        else:
            yield part
