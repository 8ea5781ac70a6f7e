"""How the command line speaks: results on stdout, everything else on stderr, nothing that could steer a terminal."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence

from uniir.documents import Json


def say(text: str = "") -> None:
    """A line of the result, or several."""
    sys.stdout.write(_harmless(text) + "\n")


def tell(text: str) -> None:
    """A line about the result."""
    sys.stderr.write(_harmless(text) + "\n")


def say_json(value: Json) -> None:
    """The one object that `--json` promises, with every character that could steer a terminal written as \\uXXXX."""
    written = json.dumps(value, ensure_ascii=False, indent=2)
    say("".join(json.dumps(character)[1:-1] if _steers(character) else character for character in written))


def printable(text: str) -> str:
    """The text on one line, with control and formatting characters written out."""
    return _harmless(text.replace("\n", "\\n").replace("\t", "\\t"))


def _harmless(text: str) -> str:
    return "".join(character.encode("unicode_escape").decode() if _steers(character) else character for character in text)


def _steers(character: str) -> bool:
    """Whether a character is for machines: control, formatting, lone surrogates, private use. Newlines and tabs are ours."""
    return character not in "\n\t" and unicodedata.category(character)[0] == "C"


def shortened(text: str, width: int) -> str:
    """The beginning of a text on one line of at most `width` characters."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns padded to their widest cell; the last one is left as it is."""
    cells = [list(header), *map(list, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header) - 1)]
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in cells]
    return "\n".join(lines)
