"""One document with all that is known of it, and the files behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from app.local.searches.answers import in_short, neighbour
from app.wiring.installation import Installation
from storage.sql.collections import CollectionRecord
from storage.thumbnails import ThumbnailSize
from uniir.documents import Document
from uniir.errors import InputFailure, NotFound
from uniir.ids import parse_id
from uniir.texts import decode_text
from uniir.wire import DocumentAnswer, PictureFacts

_NEIGHBOURS = 6
_SHOWN = 200_000  # characters of a longer text that are shown around its passage
_CHARACTERS = re.compile(r"chars=(\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class _Text:
    """A text, and which characters of it the document is."""

    whole: str | None
    passage: tuple[int, int] | None = None


class Documents:
    """Finds documents of any collection by id."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def document(self, number: str) -> DocumentAnswer:
        """Raises NotFound."""
        collection, document = self._find(number)
        text = _whole_text(document)
        return DocumentAnswer(
            **in_short(document),
            collection=collection.name,
            root=document.source.root,
            external_id=document.external_id,
            picture=self._facts(document),
            whole_text=text.whole,
            passage=text.passage,
            neighbours=[neighbour(one) for one in self._installation.browser.beside(collection, document, _NEIGHBOURS)],
        )

    def thumbnail(self, number: str, size: int) -> Path:
        """The document's picture as a small JPEG file. Raises NotFound."""
        _, document = self._find(number)
        if document.image is None or document.image.sha256 is None:
            raise NotFound(f"The document {number} has no picture.")
        file = self._installation.thumbnails.path(document.image.sha256, ThumbnailSize(size))
        if not file.is_file():
            raise NotFound(f"The picture of {number} has no thumbnail.", "`uniir doctor --repair` makes it anew.")
        return file

    def original(self, number: str) -> Path:
        """The file with the document's picture, or with its text where it has none. Raises NotFound."""
        _, document = self._find(number)
        file = document.image.path if document.image is not None else document.source.file
        if not file.is_file():
            raise NotFound(f"The file {file} is not there any more.", "Put it back, or take its documents out with `uniir ingest --prune`.")
        return file

    def _find(self, number: str) -> tuple[CollectionRecord, Document]:
        document = parse_id(number)
        name = self._installation.browser.collection_of(document)
        if name is not None:
            collection = self._installation.collections.get(name)
            found = self._installation.library(collection).documents([document])
            if found:
                return collection, found[document]
        raise NotFound(f"There is no document {number}.", "It may have been deleted; search again.")

    def _facts(self, document: Document) -> PictureFacts | None:
        """None where the file is gone or can't be read any more."""
        if document.image is None:
            return None
        try:
            width, height = self._installation.images.measured(document.image)
            return PictureFacts(path=str(document.image.path), width=width, height=height, bytes=document.image.path.stat().st_size)
        except (InputFailure, OSError):
            return None


def _whole_text(document: Document) -> _Text:
    """The text of the whole file around a passage; the passage alone where the file has changed or is gone."""
    place = _CHARACTERS.fullmatch(document.source.locator or "")
    if place is None or document.text is None:
        return _Text(document.text)
    start, end = map(int, place.groups())
    try:
        whole = decode_text(document.source.file.read_bytes())
    except (OSError, InputFailure):
        return _Text(document.text)
    if whole[start:end] != document.text:
        return _Text(document.text)
    first = max(0, start - _SHOWN // 2)
    return _Text(whole[first : max(end, first + _SHOWN)], (start - first, end - first))
