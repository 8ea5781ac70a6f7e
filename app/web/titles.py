"""What a document is called on the page: what its makers called it, else its first words, else its file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Protocol

from uniir.documents import Modality
from uniir.wire import DocumentAnswer

_NAMES = ("title", "name", "caption", "class", "label", "headline", "subject")
_LINE_OF_MANIFEST = re.compile(r"(did|line|row|page|passage|paragraph)\s*[=:#]?\s*(.+)", re.IGNORECASE)
_PART_OF_TEXT = re.compile(r"chars=(\d{1,18})-(\d{1,18})")
_WORDS = re.compile(r"[^\W\d_]{2,}([-_ ][^\W\d_]+)+")  # an id that is made of words: `apple-pie`
_LONGEST = 80


class Shown(Protocol):
    """A hit, a neighbour or a document."""

    @property
    def modality(self) -> Modality: ...
    @property
    def text(self) -> str | None: ...
    @property
    def path(self) -> str: ...
    @property
    def image(self) -> str | None: ...
    @property
    def metadata(self) -> dict[str, object]: ...


def title_of(document: Shown) -> str:
    """One line that names the document."""
    named = next(_named(flat(document.metadata)), "")
    if named:
        return named
    heading = next(iter(plain(document.text or "").split("\n")), "")
    if heading:
        return _first_words(heading)
    return file_of(document)


def plain(text: str) -> str:
    """The text line by line without blank lines, and without the mark of a heading at its beginning."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line).lstrip("#>*=- \n")


def file_of(document: Shown) -> str:
    """The name of the file that shows it: a picture's own, else the one its text is in."""
    if document.modality is Modality.IMAGE and document.image:
        return PurePath(document.image).name
    return PurePath(document.path).name


def alternative_text(document: Shown) -> str:
    """What a reader says for the picture."""
    named = next(_named(flat(document.metadata)), "") or " ".join((document.text or "").split())
    return _first_words(named, 160) if named else f"Picture, {file_of(document)}"


def flat(metadata: Mapping[str, object]) -> dict[str, object]:
    """Metadata with the objects that came as JSON text opened up, so that what is in them can be read."""
    opened: dict[str, object] = {}
    for name, value in metadata.items():
        inner = _object_in(value)
        if inner is None:
            opened[name] = value
        else:
            opened.update(inner)
    return opened


def in_words(value: object) -> str:
    """A value of the metadata for people: a list with commas, a truth value as in a filter."""
    if isinstance(value, list):
        return ", ".join(in_words(one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def place_in_file(path: str, locator: str | None) -> str:
    """`catalogue.jsonl, line 28`."""
    return located(PurePath(path).name, locator)


def place_below(document: DocumentAnswer) -> str:
    """The same with the folders below the one that was ingested: `notes/long.txt, characters 1,200 to 1,800`."""
    path = PurePath(document.path)
    inside = path.relative_to(document.root) if path.is_relative_to(document.root) else path
    return located(str(inside) if inside.name else path.name, document.locator)


def located(file: str, locator: str | None) -> str:
    if not locator:
        return file
    if found := _PART_OF_TEXT.fullmatch(locator):
        return f"{file}, characters {int(found[1]):,} to {int(found[2]):,}"
    found = _LINE_OF_MANIFEST.fullmatch(locator)
    return f"{file}, {found[1].lower()} {found[2]}" if found else f"{file}, {locator}"


def _named(metadata: Mapping[str, object]) -> Iterator[str]:
    lowered = {name.lower(): value for name, value in metadata.items()}
    for name in _NAMES:
        value = lowered.get(name)
        if isinstance(value, str) and value.strip():
            words = " ".join(value.split())
            yield _first_words(words if " " in words else _spaced(words))
    identity = lowered.get("id")
    if isinstance(identity, str) and _WORDS.fullmatch(identity.strip()):
        yield _first_words(_spaced(identity))


def _spaced(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _first_words(text: str, longest: int = _LONGEST) -> str:
    if len(text) <= longest:
        return text
    return text[:longest].rsplit(" ", 1)[0].rstrip(",;:. ") + "…"


def _object_in(value: object) -> dict[str, object] | None:
    if isinstance(value, dict):
        return {str(name): inner for name, inner in value.items()}
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            inner = json.loads(value)
        except (ValueError, RecursionError):
            return None
        return inner if isinstance(inner, dict) else None
    return None
