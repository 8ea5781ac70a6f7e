"""Cutting long texts into passages at natural boundaries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 1_000  # characters: about 250 word pieces, what small text encoders read; longer ones lose their end silently
_BOUNDARIES = (
    re.compile(r"\n\s*\n"),  # paragraphs
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…。！？])[\"')\]»«”“]*\s+"),  # sentences  # noqa: RUF001
    re.compile(r"[;:,]\s+"),
    re.compile(r"\s+"),
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a text and where it stands: characters `start` to `end` of the decoded file."""

    text: str
    start: int
    end: int


def cut(text: str, longest: int = LONGEST) -> Iterator[Passage]:
    """Passages of at most `longest` characters, none blank, in order; a text that is short enough is one."""
    pieces = _pieces(text, 0, len(text), longest, 0)
    start = end = -1
    for piece_start, piece_end in pieces:
        if start >= 0 and piece_end - start <= longest:
            end = piece_end
            continue
        if start >= 0:
            yield Passage(text[start:end], start, end)
        start, end = piece_start, piece_end
    if start >= 0:
        yield Passage(text[start:end], start, end)


def _pieces(text: str, start: int, end: int, longest: int, level: int) -> Iterator[tuple[int, int]]:
    """Stripped spans no longer than `longest`, cut at the strongest boundary that is enough."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start == end:
        return
    if end - start <= longest:
        yield start, end
        return
    if level == len(_BOUNDARIES):
        for position in range(start, end, longest):
            yield position, min(position + longest, end)
        return
    inner = start
    for boundary in _BOUNDARIES[level].finditer(text, start, end):
        yield from _pieces(text, inner, boundary.end(), longest, level + 1)
        inner = boundary.end()
    yield from _pieces(text, inner, end, longest, level + 1)
