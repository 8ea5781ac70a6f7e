"""Files that were sent: kept below the data directory, one folder for each collection, and ingested from there."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import BinaryIO, Protocol

from ingest.walk import IGNORE_FILE, readable_suffix
from uniir.errors import StoreUnavailable, UsageError

_LONGEST = 200  # bytes of a name, so that a suffix of ours still fits


class SentFile(Protocol):
    """A file as it came: the name is the sender's, and nobody has looked at it."""

    @property
    def name(self) -> str: ...

    @property
    def content(self) -> BinaryIO: ...


class Uploads:
    """The folder of one collection's uploads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, files: Sequence[SentFile]) -> Sequence[Path]:
        """Writes the files under their names; the same name with other content gets a number. Raises UsageError, StoreUnavailable.

        A picture and its sidecars (files of one stem) move to one new stem together.
        """
        if not files:
            raise UsageError("No file was sent.", "Choose at least one.")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # below a corpus the data directory is left out of every walk; these files are not
            (self._folder.parent / IGNORE_FILE).write_text("!*\n")
            return [path for family in _families(files) for path in self._keep_family(family)]
        except OSError as error:
            raise StoreUnavailable(f"The files can't be kept in {self._folder}: {error.strerror or error}.", "Make room.") from error

    def _keep_family(self, family: Sequence[tuple[str, str, SentFile]]) -> Iterator[Path]:
        incoming = []
        for number, (stem, suffix, file) in enumerate(family):
            unfinished = self._folder / f".{os.getpid()}-{id(family)}-{number}.new"
            with unfinished.open("wb") as target:
                shutil.copyfileobj(file.content, target)
            incoming.append((stem, suffix, unfinished))
        for attempt in count(1):
            places = [self._folder / f"{stem}{'' if attempt == 1 else f'-{attempt}'}{suffix}" for stem, suffix, _ in incoming]
            if all(not place.exists() or _same(place, new) for place, (_, _, new) in zip(places, incoming, strict=True)):
                break
        for place, (_, _, new) in zip(places, incoming, strict=True):
            if place.exists():
                new.unlink()
            else:
                new.replace(place)
            yield place


def _families(files: Sequence[SentFile]) -> Sequence[Sequence[tuple[str, str, SentFile]]]:
    """Files by stem, names made safe, in the order in which they came. Raises UsageError for what no collection can take."""
    families: dict[str, list[tuple[str, str, SentFile]]] = {}
    for file in files:
        stem, suffix = _safe_name(file.name)
        family = families.setdefault(stem, [])
        if any(known == suffix for _, known, _ in family):  # two files of one name in one go
            family = families.setdefault(f"{stem}\0{len(families)}", [])
        family.append((stem, suffix, file))
    return list(families.values())


def _safe_name(name: str) -> tuple[str, str]:
    """Stem and suffix of the last part of a name, without anything that could lead elsewhere or hide."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(character for character in unicodedata.normalize("NFC", last) if unicodedata.category(character)[0] != "C")
    stem, suffix = os.path.splitext(plain.strip())
    stem = stem.strip(". ")
    if not stem or not readable_suffix(plain.strip()):
        raise UsageError(
            f"{name!r} is of no kind that can be ingested.",
            "Pictures (jpg, png, webp, gif, bmp, tiff), texts (txt, md), manifests (jsonl) and sidecars (json) can.",
        )
    while len(stem.encode()) > _LONGEST:
        stem = stem[:-1]
    return stem, suffix.lower()


def _same(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        return hashlib.file_digest(left, "sha256").digest() == hashlib.file_digest(right, "sha256").digest()
