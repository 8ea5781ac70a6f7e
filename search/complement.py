"""The missing half of a hit: the nearest text for a picture, the nearest picture for a text (UniRAG's complements)."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from search.embedding import Embed, Row
from uniir.documents import Document, Modality
from uniir.errors import ItemFailure, UniirError
from uniir.filters import Filter
from uniir.hits import Complement
from uniir.instructions import Instruction, Instructions
from uniir.protocols import Encoder, Library, ReadsInstructions, Steering, VectorStore
from uniir.queries import Query

_LOG = logging.getLogger(__name__)
_LOOKED_AT = 10  # neighbours of each hit, since the nearest may be the query's own half
_OTHER = {Modality.TEXT: Modality.IMAGE, Modality.IMAGE: Modality.TEXT}
_ASKED_BY = {Modality.TEXT: "mscoco-task0-1", Modality.IMAGE: "mscoco-task3-1"}  # the set whose wordings UniRAG uses


@dataclass(frozen=True, slots=True)
class Complements:
    """By the id of the hit they complete; `note` is what a person should hear of those that could not be looked for."""

    found: Mapping[int, Complement] = field(default_factory=dict)
    note: str | None = None


class ComplementStage:
    """Looks for the missing halves of all hits at once: one search of the store for each kind of half.

    What the collection has of a hit's vector is used as it is; an encoder that reads instructions is asked anew, with one for captions.
    """

    def __init__(self, encoder: Encoder, store: VectorStore, library: Library, instructions: Instructions, embed: Embed) -> None:
        self._encoder = encoder
        self._store = store
        self._library = library
        self._instructions = instructions
        self._embed = embed

    def run(self, query: Query, hits: Sequence[Document]) -> Complements:
        """Never raises for what is not there: hits stand without their other half then, and `note` says why."""
        single = [document for document in hits if document.modality in _OTHER]
        try:
            asked = self._rows(single)
            found = self._nearest(query, [one for one in single if one.id in asked], asked)
        except UniirError as error:
            return Complements(note=f"The missing halves can't be looked for: {error.what.rstrip('.')}. The hits stand without them.")
        except Exception:  # the search has its answer already
            _LOG.exception("complements")
            return Complements(note="Looking for the missing halves failed. The hits stand without them.")
        unread = len(single) - len(asked)
        return Complements(found, f"{unread} of the hits can't be read again, so their other half is not looked for." if unread else None)

    def _rows(self, documents: Sequence[Document]) -> Mapping[int, Row]:
        """What asks for the other half of each document, steered; without those that can't be read any more."""
        rows: dict[int, Row] = {}
        if not isinstance(self._encoder, ReadsInstructions):
            stored = self._library.vectors([one.id for one in documents])
            rows = {number: vector.astype(np.float32) for number, vector in stored.items()}
        anew = [one for one in documents if one.id not in rows]
        if anew:
            encoded = self._embed([Query(text=one.text, image=one.image, instruction=self._instruction(one)) for one in anew])
            rows |= {one.id: row for one, row in zip(anew, encoded, strict=True) if not isinstance(row, ItemFailure)}
        kept = [one for one in documents if one.id in rows]
        if not kept:
            return {}
        steering = [Steering(one.modality, _OTHER[one.modality]) for one in kept]
        steered = self._encoder.steer(np.stack([rows[one.id] for one in kept]), steering)
        return {one.id: row for one, row in zip(kept, steered, strict=True)}

    def _instruction(self, document: Document) -> Instruction:
        return self._instructions.named(_ASKED_BY[document.modality])

    def _nearest(self, query: Query, documents: Sequence[Document], rows: Mapping[int, Row]) -> Mapping[int, Complement]:
        candidates: dict[int, list[tuple[int, float]]] = {}
        for modality, other in _OTHER.items():
            lacking = [one.id for one in documents if one.modality is modality]
            if lacking:
                where = Filter(frozenset({other}), frozenset(query.like))
                near = self._store.search(_matrix(rows, lacking), _LOOKED_AT, where)
                for number, ids, scores in zip(lacking, near.ids, near.scores, strict=True):
                    candidates[number] = [(int(one), float(score)) for one, score in zip(ids, scores, strict=True) if one >= 0]
        known = self._library.documents(sorted({one for line in candidates.values() for one, _ in line}))
        asked = _Asked.of(query)
        found = {}
        for number, line in candidates.items():
            best = next(((known[one], score) for one, score in line if one in known and not asked.is_half(known[one])), None)
            if best is not None:
                found[number] = Complement(best[0], round(best[1], 6))
        return found


def _matrix(rows: Mapping[int, Row], numbers: Sequence[int]) -> NDArray[np.float32]:
    return np.stack([rows[number] for number in numbers])


@dataclass(frozen=True, slots=True)
class _Asked:
    """The query's own text and picture: who asked has them already, so neither completes a hit."""

    query: Query
    sha256: str | None

    @classmethod
    def of(cls, query: Query) -> _Asked:
        if query.image is None:
            return cls(query, None)
        try:
            with query.image.path.open("rb") as file:
                return cls(query, hashlib.file_digest(file, "sha256").hexdigest())
        except OSError:  # it was read a moment ago; its path still tells it from others
            return cls(query, query.image.sha256)

    def is_half(self, document: Document) -> bool:
        if document.image is None or self.query.image is None:
            return document.image is None and document.text == self.query.text
        same = self.sha256 is not None and document.image.sha256 == self.sha256
        return same or document.image.path == self.query.image.path
