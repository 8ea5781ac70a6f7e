"""Search and explanation: from a request to a query, from a result to an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TypeVar

from app.local.judgments.judging import Judging
from app.local.searches.answers import search_answer
from app.local.searches.kept_pictures import KeptPictures
from app.local.searches.unfinished import unfinished
from app.wiring.owned import OwnedInstallation
from search.service import SearchService
from storage.sql.collections import CollectionRecord
from uniir.documents import ImageReference
from uniir.errors import UniirError
from uniir.filter_language import read_filter
from uniir.hits import SearchResult
from uniir.ids import parse_id
from uniir.queries import Query, Reranking, Weights
from uniir.wire import ExplainRequest, Explanation, ScoreTerm, SearchAnswer, SearchRequest

_Found = TypeVar("_Found")


class Searching:
    """Answers queries on any collection."""

    def __init__(self, everything: OwnedInstallation, pictures: KeptPictures, judging: Judging) -> None:
        self._everything = everything
        self._installation = everything.installation
        self._pictures = pictures
        self._judging = judging

    def search(self, request: SearchRequest, picture: Path | None = None) -> SearchAnswer:
        query = self.query(request, picture)
        collection, result = self._in_one_space(
            request.collection, query.rerank, lambda searched: searched.search(query), lambda result: len(result.hits) >= query.k
        )
        return self._answer(request, picture, collection, result)

    def search_in_steps(self, request: SearchRequest, picture: Path | None = None) -> Iterator[SearchAnswer]:
        """The first order where reading again takes more than a moment, then what `search` answers."""
        query = self.query(request, picture)

        def begun(searched: SearchService) -> tuple[SearchResult, Iterator[SearchResult]]:
            steps = searched.search_in_steps(query)
            return next(steps), steps

        collection, (first, rest) = self._in_one_space(request.collection, query.rerank, begun, lambda found: len(found[0].hits) >= query.k)
        for result in chain((first,), rest):
            yield self._answer(request, picture, collection, result)

    def _answer(self, request: SearchRequest, picture: Path | None, collection: CollectionRecord, result: SearchResult) -> SearchAnswer:
        answer = search_answer(result, collection.name, request.image if picture is None else str(picture))
        if not answer.hits:
            why = unfinished(self._installation, collection)
            return answer if why is None else answer.model_copy(update={"notes": [*answer.notes, why]})
        return answer.model_copy(update={"hits": self._judging.graded(collection, result.query, answer.hits)})

    def explain(self, request: ExplainRequest) -> Explanation:
        query = self.query(request.search, None)
        document = parse_id(request.document)
        _, found = self._in_one_space(
            request.search.collection, Reranking.OFF, lambda searched: searched.explain(query, document), lambda _: True
        )
        return Explanation(
            terms=[ScoreTerm(query=term.query, document=term.document, value=term.value) for term in found.terms],
            modality=found.modality,
            score=found.score,
            separable=found.separable,
            marked=found.marked,
        )

    def _in_one_space(
        self, name: str | None, rerank: Reranking, ask: Callable[[SearchService], _Found], is_whole: Callable[[_Found], bool]
    ) -> tuple[CollectionRecord, _Found]:
        """The collection as it is searched now, and what is found there.

        A space that is retired and then removed while it answers falls short or fails: then the one after it is asked.
        """
        while True:
            collection = self._installation.collection(name)
            try:
                found = ask(self._everything.search_service(collection, rerank))
            except UniirError:
                if self._is_searched(collection):
                    raise
            else:
                if is_whole(found) or self._is_searched(collection):
                    return collection, found

    def _is_searched(self, collection: CollectionRecord) -> bool:
        now = self._installation.collections.find(collection.name)
        return now is None or now.space_id == collection.space_id

    def query(self, request: SearchRequest, picture: Path | None) -> Query:
        """What a request asks; `picture` is a file that came with it. Raises QueryError, NotFound."""
        if picture is None and request.image is not None:
            picture = self._pictures.original(request.image)
            image: ImageReference | None = ImageReference(picture, request.image)
        else:
            image = ImageReference(picture) if picture is not None else None
        weights = request.weights
        query = Query(
            text=request.text,
            image=image,
            instruction=self._installation.instructions.named(request.instruction) if request.instruction is not None else None,
            target=request.target,
            weights=Weights(text=weights.text, image=weights.image, like=weights.like, negative=weights.negative),
            negatives=tuple(request.negatives),
            like=tuple(map(parse_id, request.like)),
            path=request.path,
            where=read_filter(request.where or ""),
            rerank=request.rerank,
            words=request.words,
            guess=request.guess,
            complement=request.complement,
            k=request.k,
        )
        query.validate()
        return query
