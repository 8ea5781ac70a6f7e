"""From the words of the use cases to the words on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.local.ways_out import way_out_of
from uniir.documents import Document, Modality
from uniir.filter_language import written
from uniir.ids import format_id
from uniir.wire import (
    ByWordsAnswer,
    CollectionAnswer,
    ComplementAnswer,
    FailureAnswer,
    GuessAnswer,
    HeldDocuments,
    HitAnswer,
    Neighbour,
    QueryAnswer,
    RerankAnswer,
    SearchAnswer,
    UsedInstruction,
)

if TYPE_CHECKING:
    from storage.sql.collections import CollectionCounts, CollectionRecord
    from storage.sql.library import ListedFailure
    from uniir.hits import Hit, SearchResult
    from uniir.ledger import SourceKey


def search_answer(result: SearchResult, collection: str, picture: str | None) -> SearchAnswer:
    """A result as it goes over the wire; `picture` is how the caller named the query's picture."""
    query, weights, rerank, guess = result.query, result.query.weights, result.rerank, result.guess
    return SearchAnswer(
        query=QueryAnswer(
            text=query.text,
            image=picture,
            target=query.target,
            k=query.k,
            weights={"text": weights.text, "image": weights.image, "like": weights.like, "negative": weights.negative},
            negatives=list(query.negatives),
            like=[format_id(one) for one in query.like],
            path=query.path,
            where=None if query.where is None else written(query.where),
        ),
        instruction=UsedInstruction(id=result.instruction.id, text=result.instruction.wording, chosen=result.instruction_chosen),
        hits=[_hit(hit) for hit in result.hits],
        timings_ms=dict(result.timings_ms),
        notes=list(result.notes),
        collection=collection,
        rerank=RerankAnswer(
            state=rerank.state, by_default=rerank.by_default, reranker=rerank.reranker, count=rerank.count, reason=rerank.reason
        ),
        guess=None
        if guess is None
        else GuessAnswer(text=guess.text, model=guess.model, milliseconds=guess.milliseconds, reason=guess.reason),
    )


def _hit(hit: Hit) -> HitAnswer:
    half, words = hit.complement, hit.by_words
    return HitAnswer(
        rank=hit.rank,
        score=hit.score,
        parts=dict(hit.parts),
        band=hit.band,
        retrieval_rank=hit.retrieval_rank,
        relevance=hit.relevance,
        complement=None if half is None else ComplementAnswer(document=neighbour(half.document), score=half.score),
        by_words=None
        if words is None
        else ByWordsAnswer(nearest_rank=words.nearest_rank, lexical_rank=words.lexical_rank, words=list(words.words)),
        **in_short(hit.document),
    )


def neighbour(document: Document) -> Neighbour:
    """A document in short."""
    return Neighbour(**in_short(document))


def in_short(document: Document) -> dict[str, Any]:
    """What every answer says of a document: the fields of Neighbour."""
    return {
        "id": format_id(document.id),
        "modality": document.modality,
        "text": document.text,
        "path": str(document.source.file),
        "locator": document.source.locator,
        "image": str(document.image.path) if document.image is not None else None,
        "metadata": document.metadata,
    }


def collection_answer(record: CollectionRecord, counts: CollectionCounts) -> CollectionAnswer:
    """What the catalog alone can tell of a collection."""
    return CollectionAnswer(
        name=record.name,
        encoder=record.space.encoder,
        documents=HeldDocuments(indexed=dict(counts.indexed), pending=dict(counts.pending)),
        failed=counts.failed,
    )


def failure_answer(failure: ListedFailure) -> FailureAnswer:
    return FailureAnswer(
        path=place(failure.key),
        code=failure.code,
        reason=failure.reason,
        way_out=way_out_of(failure.code),
        ignored=failure.ignored,
        attempts=failure.attempts,
        first_seen=failure.first_seen,
        last_seen=failure.last_seen,
        file=str(failure.key.file),
        locator=failure.key.locator or None,
    )


def place(key: SourceKey) -> str:
    """A source for people: its file, and its place in it."""
    return f"{key.file}#{key.locator}" if key.locator else str(key.file)


NONE_HELD = dict.fromkeys(Modality, 0)
