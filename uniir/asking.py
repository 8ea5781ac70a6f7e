"""Making search requests from what a person or a script names, with complaints in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from uniir.documents import ImageReference, Modality
from uniir.errors import QueryError
from uniir.filter_language import read_filter
from uniir.ids import format_id, parse_id
from uniir.queries import Query, Reranking, Weights, WordSearch
from uniir.wire import QueryWeights, SearchRequest


def search_request(
    text: str | None = None,
    *,
    picture: Path | None = None,
    instruction: str | None = None,
    target: Modality | str | None = None,
    k: int = 10,
    weights: Weights | None = None,
    negatives: Sequence[str] = (),
    like: Sequence[str] = (),
    path: str | None = None,
    where: str | None = None,
    rerank: Reranking | str = Reranking.AUTO,
    words: WordSearch | str = WordSearch.AUTO,
    guess: bool = False,
    complement: bool = False,
    collection: str | None = None,
) -> SearchRequest:
    """A request that can be answered; `picture` goes beside it. Raises QueryError, and UsageError for what is no id."""
    weights = weights or Weights()
    liked = [parse_id(one) for one in like]
    try:
        wanted, reranking = (Modality(target) if target is not None else None), Reranking(rerank)
        wording = WordSearch(words)
    except ValueError as error:
        raise QueryError(f"The query can't be used: {error}.") from None
    Query(
        text=text,
        image=ImageReference(picture) if picture is not None else None,
        target=wanted,
        weights=weights,
        negatives=tuple(negatives),
        like=tuple(liked),
        path=path,
        where=read_filter(where or ""),
        k=k,
    ).validate()
    try:
        return SearchRequest(
            text=text,
            instruction=instruction,
            target=wanted,
            k=k,
            weights=QueryWeights(text=weights.text, image=weights.image, like=weights.like, negative=weights.negative),
            negatives=list(negatives),
            like=[format_id(one) for one in liked],
            path=path,
            where=where,
            rerank=reranking,
            words=wording,
            guess=guess,
            complement=complement,
            collection=collection,
        )
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise QueryError(f"The query can't be used: {problems}.") from None
