"""Sentences of a text, with their places."""

from __future__ import annotations

import re
from collections.abc import Sequence

_END = re.compile(r"\n\s*\n|(?<=[.!?…。！？])[\"')\]»«”“]*\s+|(?<=[。！？])|\n")  # noqa: RUF001
_WORD = re.compile(r"\w")
Span = tuple[int, int]


def sentences(text: str) -> Sequence[Span]:
    """Start and end of every sentence, in order, without the white space around it; what holds no word is left out."""
    found: list[Span] = []
    start = 0
    for end in (*_END.finditer(text), None):
        stop = len(text) if end is None else end.end()
        piece = text[start:stop]
        if _WORD.search(piece):
            first = start + len(piece) - len(piece.lstrip())
            found.append((first, first + len(piece.strip())))
        start = stop
    return found
