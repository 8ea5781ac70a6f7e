"""Many searches at once, and documents put to the vector store as they are: what an evaluation asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.local.judgments.files import did
from app.wiring.owned import OwnedInstallation
from search.service import SearchService
from storage.sql.collections import CollectionRecord
from uniir.documents import Document, ImageReference, Modality, Source
from uniir.errors import QueryError, UsageError
from uniir.filters import Filter
from uniir.hits import Hit, RerankState, SearchResult
from uniir.instructions import Instruction
from uniir.queries import Query, Reranking
from uniir.wire import (
    FoundDocument,
    FoundForOne,
    NearestAnswer,
    NearestRequest,
    SearchManyAnswer,
    SearchManyRequest,
    WrittenDocument,
    WrittenQuery,
)


class ManySearches:
    """Answers each as if it came alone, all in the one space that is meant."""

    def __init__(self, everything: OwnedInstallation) -> None:
        self._everything = everything
        self._installation = everything.installation

    def search(self, request: SearchManyRequest) -> SearchManyAnswer:
        """Raises UsageError where the collection is searched in another space by now."""
        collection = self._collection(request.collection, request.space)
        service = self._everything.search_service(collection, request.rerank, request.reranker)
        found = [_found(service, query, request) for query in request.queries]
        self._collection(request.collection, request.space)  # a space that was removed meanwhile fell short
        return SearchManyAnswer(found=found)

    def nearest(self, request: NearestRequest) -> NearestAnswer:
        """Raises UsageError as `search` does."""
        collection = self._collection(request.collection, request.space)
        encoder, library = self._installation.encoder_of(collection), self._installation.library(collection)
        documents = [one for number, each in enumerate(request.documents) if (one := _document(each, number)) is not None]
        prepared = encoder.prepare(documents, self._installation.images)
        names: list[str | None] = [None] * len(request.documents)
        if prepared.positions:
            vectors = encoder.encode(prepared).astype(np.float16).astype(np.float32)
            ids = self._everything.store(collection).search(vectors, 1, Filter()).ids[:, 0].tolist()
            known = library.documents([one for one in ids if one >= 0])
            for position, one in zip(prepared.positions, ids, strict=True):
                names[documents[position].id] = did(known[one]) if one in known else None
        self._collection(request.collection, request.space)
        return NearestAnswer(nearest=names)

    def _collection(self, name: str | None, space: str) -> CollectionRecord:
        collection = self._installation.collection(name)
        if collection.space.fingerprint != space:
            raise UsageError(
                f"The collection {collection.name!r} is searched in another vector space by now.",
                "Ask again.",
            )
        return collection


def _found(service: SearchService, asked: WrittenQuery, request: SearchManyRequest) -> FoundForOne:
    query = Query(
        text=asked.text,
        image=_picture(asked.image),
        instruction=_instruction(asked),
        rerank=request.rerank,
        complement=request.complement,
        k=request.k,
    )
    try:
        result = service.search(query)
    except QueryError:
        return FoundForOne(hits=None)
    return FoundForOne(hits=_hits(result.hits), read=result.rerank.count, unread=_is_unread(request, result))


def _is_unread(request: SearchManyRequest, result: SearchResult) -> bool:
    """Whether hits should have been read again and were not: in time, or at all since no reranker could be loaded."""
    state = result.rerank.state
    return state is RerankState.FAILED or (request.rerank is Reranking.ON and bool(result.hits) and state is not RerankState.DONE)


def _instruction(asked: WrittenQuery) -> Instruction | None:
    one = asked.instruction
    return None if one is None else Instruction("written", one.query, one.target, one.wording, one.dataset)


def _hits(hits: Sequence[Hit]) -> list[FoundDocument]:
    return [
        FoundDocument(name=did(hit.document), score=hit.score, complement=None if hit.complement is None else did(hit.complement.document))
        for hit in hits
    ]


def _document(written: WrittenDocument, number: int) -> Document | None:
    if written.text is None and written.image is None:
        return None
    modality = Modality.of(text=written.text is not None, image=written.image is not None)
    return Document(id=number, modality=modality, text=written.text, image=_picture(written.image), source=Source("", str(number)))


def _picture(path: str | None) -> ImageReference | None:
    return None if path is None else ImageReference(Path(path))
