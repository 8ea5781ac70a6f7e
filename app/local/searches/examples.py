"""Searches that find something, for a first visit."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import cycle

from app.local.liveliness import colourfulness
from app.local.searches.phrases import fragment, query, subject
from app.local.searches.searching import Searching
from app.wiring.installation import Installation
from storage.sql.collections import CollectionRecord
from storage.thumbnails import ThumbnailSize
from uniir.documents import Document, Modality
from uniir.errors import QueryError
from uniir.ids import format_id
from uniir.wire import ExampleQuery, SearchRequest

_TRIED = 12  # documents of each modality
_SHOWN = 6
_FOUND_AMONG = 10
_PAIR, _TEXT, _IMAGE = Modality.IMAGE_TEXT, Modality.TEXT, Modality.IMAGE


class Examples:
    """Remembers the examples of a collection until something was ingested into it."""

    def __init__(self, installation: Installation, searching: Searching) -> None:
        self._installation = installation
        self._searching = searching
        self._lock = threading.Lock()
        self._known: dict[int, tuple[object, Sequence[ExampleQuery]]] = {}

    def examples(self, collection: str | None) -> Sequence[ExampleQuery]:
        """Up to six, the same ones while the collection stays as it is. Raises NotFound."""
        record = self._installation.collection(collection)
        state = (record.space_id, *self._installation.collections.counts(record).indexed.values())
        with self._lock:
            known = self._known.get(record.id)
        if known is None or known[0] != state:
            known = (state, self._made(record))
            with self._lock:
                self._known[record.id] = known
        return known[1]

    def _made(self, record: CollectionRecord) -> Sequence[ExampleQuery]:
        """One of each kind that the collection allows, then more of the same."""
        some = {modality: self._some(record, modality) for modality in Modality}
        kinds = [
            _by_words([*some[_PAIR], *some[_TEXT]], "find-anything"),
            _by_picture([*some[_IMAGE], *some[_PAIR]], "find-related"),
            _by_words(some[_TEXT][1:], "find-texts"),
            _by_both(some[_PAIR][2:] + some[_PAIR][:2]),
            _by_words(some[_PAIR][1:], "find-captioned-pictures"),
            _by_picture([*some[_IMAGE], *some[_PAIR]][1:], "find-similar-pictures"),
        ]
        kept: list[ExampleQuery] = []
        left = len(kinds)
        for kind in cycle(kinds):
            if len(kept) == _SHOWN or not left:
                return kept
            found = next((one for one, made_of in kind if _is_new(one, kept) and self._finds(record, one, made_of)), None)
            left = len(kinds) if found is not None else left - 1
            kept += [found] if found is not None else []
        return kept

    def _some(self, record: CollectionRecord, modality: Modality) -> list[Document]:
        """A few documents; those with pictures by how much there is to see, as it looks to who comes by for the first time."""
        found = self._installation.browser.some(record, modality, _TRIED)
        return sorted(found, key=self._dullness) if modality.has_image else list(found)

    def _dullness(self, document: Document) -> float:
        if document.image is None or document.image.sha256 is None:
            return 0.0
        return -round(colourfulness(self._installation.thumbnails.path(document.image.sha256, ThumbnailSize.SMALL)))

    def _finds(self, record: CollectionRecord, example: ExampleQuery, made_of: Document | None) -> bool:
        """Whether it finds what its words were taken from; likeness has nothing of the kind, and finds anything at all."""
        like = [example.like] if example.like is not None else []
        try:
            request = SearchRequest(text=example.text, like=like, instruction=example.instruction, k=_FOUND_AMONG, collection=record.name)
            hits = self._searching.search(request).hits
        except QueryError:
            return False
        return bool(hits) and (made_of is None or format_id(made_of.id) in {hit.id for hit in hits})


def _is_new(example: ExampleQuery, kept: Sequence[ExampleQuery]) -> bool:
    """Whether neither its name nor its words are there already."""
    return all(example.title != one.title and (example.text is None or example.text != one.text) for one in kept)


def _by_words(documents: Sequence[Document], instruction: str) -> Iterator[tuple[ExampleQuery, Document | None]]:
    for say in (query, fragment):
        for document in documents:
            if words := say(document):
                yield ExampleQuery(title=words, text=words, like=None, instruction=instruction), document


def _by_picture(documents: Sequence[Document], instruction: str) -> Iterator[tuple[ExampleQuery, Document | None]]:
    for document in documents:
        yield ExampleQuery(title=subject(document), text=None, like=format_id(document.id), instruction=instruction), None


def _by_both(pairs: Sequence[Document]) -> Iterator[tuple[ExampleQuery, Document | None]]:
    """The picture of a pair with its own words: any other words might have nothing to do with it."""
    for pair in pairs:
        if words := query(pair):
            title = f"{subject(pair)} + {words}"
            yield ExampleQuery(title=title, text=words, like=format_id(pair.id), instruction="find-about-both"), None
