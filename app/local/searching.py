"""Search and explanation: from a request to a query, from a result to an answer."""

from __future__ import annotations

from pathlib import Path

from app.local.answers import search_answer
from app.local.judging import Judging
from app.local.kept_pictures import KeptPictures
from app.wiring import OwnedInstallation
from uniir.documents import ImageReference
from uniir.ids import parse_id
from uniir.queries import Query, Reranking, Weights
from uniir.wire import ExplainRequest, Explanation, ScoreTerm, SearchAnswer, SearchRequest


class Searching:
    """Answers queries on any collection."""

    def __init__(self, everything: OwnedInstallation, pictures: KeptPictures, judging: Judging) -> None:
        self._everything = everything
        self._installation = everything.installation
        self._pictures = pictures
        self._judging = judging

    def search(self, request: SearchRequest, picture: Path | None = None) -> SearchAnswer:
        query = self.query(request, picture)
        collection = self._installation.collection(request.collection)
        result = self._everything.search_service(collection, query.rerank).search(query)
        answer = search_answer(result, collection.name, request.image if picture is None else str(picture))
        return answer.model_copy(update={"hits": self._judging.graded(collection, result.query, answer.hits)})

    def explain(self, request: ExplainRequest) -> Explanation:
        query = self.query(request.search, None)
        collection = self._installation.collection(request.search.collection)
        found = self._everything.search_service(collection, Reranking.OFF).explain(query, parse_id(request.document))
        return Explanation(
            terms=[ScoreTerm(query=term.query, document=term.document, value=term.value) for term in found.terms],
            modality=found.modality,
            score=found.score,
            separable=found.separable,
            marked=found.marked,
        )

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
            rerank=request.rerank,
            complement=request.complement,
            k=request.k,
        )
        query.validate()
        return query
