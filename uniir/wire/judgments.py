"""Judgments of search results, and what they say of a collection."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from uniir.calibration import Method
from uniir.documents import Modality
from uniir.judgments import BEST_GRADE
from uniir.queries import Reranking
from uniir.wire.search import SearchRequest, UsedInstruction
from uniir.wire.values import Answer, DocumentId, Request


class JudgmentRequest(Request):
    """How well a document answers a search. What tells nothing of the query (`k`, `rerank`, `complement`) is read over."""

    search: SearchRequest
    document: DocumentId
    grade: int = Field(ge=0, le=BEST_GRADE, description="0 is wrong, 1 right; what is better may have more")


class JudgedQueryAnswer(Answer):
    """The query as it was understood; `image` is the hash of its picture, which is kept as long as the judgment."""

    text: str | None
    image: str | None
    instruction: UsedInstruction
    target: Modality | None
    weights: dict[str, float]
    negatives: list[str] = Field(alias="not")
    like: list[str]
    path: str | None
    where: str | None = None


class JudgmentAnswer(Answer):
    id: int
    query: JudgedQueryAnswer
    document: str
    grade: int
    judged_at: datetime


class JudgmentsAnswer(Answer):
    """Query by query, in the order in which they were first given."""

    collection: str
    judgments: list[JudgmentAnswer]


class ScoringRequest(Request):
    """Ask the judged queries anew, as anybody's search would be answered now, and keep how it came out."""

    collection: str | None = Field(None, max_length=100)
    rerank: Reranking = Reranking.AUTO


class MeasureAnswer(Answer):
    """A mean over queries, 0..1, with the bounds that hold it with 95 % confidence."""

    value: float
    low: float
    high: float


class ScoredSearch(Answer):
    """One judged query: how many right answers are known, where the first of them came, none within the first ten, and its nDCG@10."""

    query: JudgedQueryAnswer
    right: int
    first_right: int | None
    ndcg: float


class ScoringAnswer(Answer):
    """How the judged queries of a collection were answered, once. `searches` are told when it is made, and not kept."""

    made_at: datetime
    encoder: dict[str, object]
    settings: dict[str, object]
    measures: dict[str, MeasureAnswer]
    queries: int = Field(description="judged queries with a right answer")
    judgments: int
    documents: int = Field(description="what the collection held")
    left_out: int = Field(0, description="judged queries without any right answer")
    failed: int = Field(0, description="queries that could not be asked; they count as missed")
    judged_share: float = Field(0.0, description="share of the first ten hits that anybody has judged; the others count as wrong")
    searches: list[ScoredSearch] = []


class ScoringsAnswer(Answer):
    """Oldest first."""

    collection: str
    scorings: list[ScoringAnswer]


class CalibrationRequest(Request):
    """Find out what the reranker's values mean in a collection, and keep it; `forget` takes that back."""

    collection: str | None = Field(None, max_length=100)
    reranker: str | None = Field(None, max_length=1000, description="none: the one of the settings")
    pairs: int = Field(1000, ge=20, le=100_000, description="unrelated pairs that are read where there are too few judgments")
    forget: bool = False


class CutsAnswer(Answer):
    """From which probability on a hit is strong or good."""

    strong: float
    good: float


class QualityAnswer(Answer):
    """Mean squared difference of probability and truth, and mean distance of said and true share."""

    brier: float
    error: float


class CalibrationAnswer(Answer):
    """What was found. `method` None: nothing is kept any more. `means` are values of the reranker beside what they mean here."""

    collection: str
    reranker: str
    method: Method | None
    pairs: int
    right: int = Field(description="judged pairs that are right; 0 where unrelated pairs were read")
    queries: int
    cuts_before: CutsAnswer | None
    cuts_after: CutsAnswer | None
    means: list[tuple[float, float]] = []
    quality_before: QualityAnswer | None = None
    quality_after: QualityAnswer | None = None
    held_out: bool = Field(False, description="whether the quality afterwards is that of pairs which the fit did not see")
