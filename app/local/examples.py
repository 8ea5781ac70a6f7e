"""Searches that find something, for a first visit."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence

from app.local.searching import Searching
from app.wiring import Installation
from storage.sql.collections import CollectionRecord
from uniir.documents import Document, Modality
from uniir.errors import QueryError
from uniir.ids import format_id
from uniir.wire import ExampleQuery, SearchRequest

_TRIED = 4  # documents of each modality
_SHOWN = 6
_FOUND_AMONG = 10
_WORDS = 8
_SENTENCE = re.compile(r"(?<=[.!?])\s|\n")
_WORD = re.compile(r"[\w'\u2019-]+")


class Examples:
    """Remembers the examples of a collection until something was ingested into it."""

    def __init__(self, installation: Installation, searching: Searching) -> None:
        self._installation = installation
        self._searching = searching
        self._lock = threading.Lock()
        self._known: dict[tuple[int, object], Sequence[ExampleQuery]] = {}

    def examples(self, collection: str | None) -> Sequence[ExampleQuery]:
        """Up to six, the same ones while the collection stays as it is. Raises NotFound."""
        record = self._installation.collection(collection)
        state = (record.id, tuple(self._installation.collections.counts(record).indexed.values()))
        with self._lock:
            known = self._known.get(state)
        if known is None:
            known = self._made(record)
            with self._lock:
                self._known = {key: value for key, value in self._known.items() if key[0] != record.id} | {state: known}
        return known

    def _made(self, record: CollectionRecord) -> Sequence[ExampleQuery]:
        kept: list[ExampleQuery] = []
        for example, document in _alternating(self._by_words(record), self._by_picture(record), self._by_both(record)):
            if len(kept) == _SHOWN:
                break
            if all(example.title != other.title for other in kept) and self._finds(record, example, document):
                kept.append(example)
        return kept

    def _by_words(self, record: CollectionRecord) -> Iterator[tuple[ExampleQuery, Document]]:
        for modality in (Modality.IMAGE_TEXT, Modality.TEXT):
            for document in self._installation.browser.some(record, modality, _TRIED):
                words = _opening(document.text or "")
                if words:
                    yield ExampleQuery(title=words, text=words, like=None, instruction="find-anything"), document

    def _by_picture(self, record: CollectionRecord) -> Iterator[tuple[ExampleQuery, Document]]:
        for modality in (Modality.IMAGE, Modality.IMAGE_TEXT):
            for document in self._installation.browser.some(record, modality, _TRIED)[1:]:
                number = format_id(document.id)
                yield (
                    ExampleQuery(title=f"More like {document.source.file.name}", text=None, like=number, instruction="find-related"),
                    document,
                )

    def _by_both(self, record: CollectionRecord) -> Iterator[tuple[ExampleQuery, Document]]:
        for modality in (Modality.IMAGE_TEXT, Modality.IMAGE):
            pictures = self._installation.browser.some(record, modality, _TRIED)
            captions = self._installation.browser.some(record, Modality.IMAGE_TEXT, _TRIED)
            for picture, caption in zip(pictures, reversed(captions), strict=False):
                words = _opening(caption.text or "")
                if words and picture.id != caption.id:
                    title = f"{picture.source.file.name} and {words!r}"
                    yield ExampleQuery(title=title, text=words, like=format_id(picture.id), instruction="find-about-both"), caption

    def _finds(self, record: CollectionRecord, example: ExampleQuery, document: Document) -> bool:
        """Whether it finds what it was made from, or, where only likeness was asked for, anything at all."""
        like = [example.like] if example.like is not None else []
        try:
            request = SearchRequest(text=example.text, like=like, instruction=example.instruction, k=_FOUND_AMONG, collection=record.name)
            hits = self._searching.search(request).hits
        except QueryError:
            return False
        return bool(hits) and (example.text is None or any(hit.id == format_id(document.id) for hit in hits))


def _alternating(*streams: Iterator[tuple[ExampleQuery, Document]]) -> Iterator[tuple[ExampleQuery, Document]]:
    """One of each in turn, words twice, since they are what most people begin with."""
    left = [streams[0], *streams]
    while left:
        for stream in list(left):
            found = next(stream, None)
            if found is None:
                left = [other for other in left if other is not stream]
            else:
                yield found


def _opening(text: str) -> str:
    """The first words of a text that say something."""
    for sentence in _SENTENCE.split(text):
        words = _WORD.findall(sentence)
        if len(words) >= 2:
            return " ".join(words[:_WORDS])
    return ""
