"""How well a collection answers its judged queries, measured with the code that measures encoders on M-BEIR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

import uniir
from app.local.judgments.judging import query_answer
from app.local.searches.kept_pictures import KeptPictures
from app.wiring.owned import OwnedInstallation
from search.service import SearchService
from storage.sql.collections import CollectionRecord
from uniir.documents import Json
from uniir.errors import NotFound, QueryError, UsageError
from uniir.ids import format_id
from uniir.judgments import JudgedQuery, Judgment, Measured, Scoring
from uniir.queries import Reranking
from uniir.wire import MeasureAnswer, ScoredSearch, ScoringAnswer, ScoringRequest, ScoringsAnswer


class ScoringJudgments:
    """Asks the judged queries as anybody's search is answered now, and keeps how it came out."""

    def __init__(self, everything: OwnedInstallation, pictures: KeptPictures) -> None:
        self._everything = everything
        self._installation = everything.installation
        self._pictures = pictures

    def score(self, request: ScoringRequest) -> ScoringAnswer:
        """Raises UsageError where nothing is judged right, ModelUnavailable without the extra `eval`."""
        from evaluation.metrics.resampling import interval
        from evaluation.metrics.scoring import DEPTH, measured, require_libraries

        require_libraries()
        collection = self._installation.collection(request.collection)
        judgments = self._installation.judgments.of(collection)
        asked = _by_query(judgments)
        right = {key: one for key, one in asked.items() if any(grade > 0 for grade in one[1].values())}
        if not right:
            raise UsageError(
                f"There is no judged query with a right answer in the collection {collection.name!r}.",
                "Give hits a thumb on the page, or use `uniir judge add`.",
            )
        service = self._everything.search_service(collection, request.rerank)
        ranked, failed = [], 0
        for query, _ in right.values():
            found = self._ranked(service, query, request.rerank, DEPTH)
            failed += found is None
            ranked.append(found or [])
        grades = [{format_id(number): grade for number, grade in one.items()} for _, one in right.values()]
        values = measured(ranked, grades, DEPTH)
        shown = [one in judged for line, judged in zip(ranked, grades, strict=True) for one in line]
        scoring = Scoring(
            made_at=datetime.now(UTC),
            encoder=asdict(collection.space),
            settings=self._settings(collection, request.rerank),
            measures={name: Measured(**asdict(interval([one]))) for name, one in values.items()},
            queries=len(right),
            judgments=len(judgments),
            documents=sum(self._installation.collections.counts(collection).indexed.values()),
            left_out=len(asked) - len(right),
            failed=failed,
            judged_share=sum(shown) / len(shown) if shown else 0.0,
        )
        self._installation.judgments.keep_scoring(collection, scoring)
        searches = [
            _scored(query, given, line, float(ndcg))
            for (query, given), line, ndcg in zip(right.values(), ranked, values["ndcg@10"], strict=True)
        ]
        return scoring_answer(scoring).model_copy(update={"searches": searches})

    def scorings(self, collection: str | None) -> ScoringsAnswer:
        record = self._installation.collection(collection)
        return ScoringsAnswer(
            collection=record.name, scorings=[scoring_answer(one) for one in self._installation.judgments.scorings(record)]
        )

    def _ranked(self, service: SearchService, query: JudgedQuery, rerank: Reranking, depth: int) -> list[str] | None:
        """Ids, best first; None for a query that can't be asked any more, such as one that resembles a deleted document."""
        try:
            picture = self._pictures.original(query.image) if query.image is not None else None
            found = service.search(replace(query.asked(picture), rerank=rerank, k=depth))
        except (QueryError, NotFound):
            return None
        return [format_id(hit.document.id) for hit in found.hits]

    def _settings(self, collection: CollectionRecord, rerank: Reranking) -> dict[str, Json]:
        """What the answers depend on beside the encoder and the documents."""
        store = self._everything.store(collection)
        return {"rerank": rerank, "store": self._installation.settings.vector_store, "index": store.index_kind, "uniir": uniir.__version__}


def scoring_answer(scoring: Scoring) -> ScoringAnswer:
    return ScoringAnswer(
        made_at=scoring.made_at,
        encoder=dict(scoring.encoder),
        settings=dict(scoring.settings),
        measures={name: MeasureAnswer(value=one.value, low=one.low, high=one.high) for name, one in scoring.measures.items()},
        queries=scoring.queries,
        judgments=scoring.judgments,
        documents=scoring.documents,
        left_out=scoring.left_out,
        failed=scoring.failed,
        judged_share=scoring.judged_share,
    )


def _scored(query: JudgedQuery, given: Mapping[int, int], ranked: Sequence[str], ndcg: float) -> ScoredSearch:
    wanted = {format_id(number) for number, grade in given.items() if grade > 0}
    first = next((place for place, one in enumerate(ranked, start=1) if one in wanted), None)
    return ScoredSearch(query=query_answer(query), right=len(wanted), first_right=first, ndcg=round(ndcg, 6))


def _by_query(judgments: Sequence[Judgment]) -> Mapping[str, tuple[JudgedQuery, dict[int, int]]]:
    """Each query once, with the grades of its documents."""
    found: dict[str, tuple[JudgedQuery, dict[int, int]]] = {}
    for one in judgments:
        found.setdefault(one.query.key, (one.query, {}))[1][one.document] = one.grade
    return found
