"""A search and what it answers."""

from __future__ import annotations

from pydantic import Field

from uniir.documents import Modality
from uniir.filter_language import MAX_LENGTH
from uniir.hits import Band, RerankState
from uniir.queries import MAX_RESULTS, Reranking, Weights, WordSearch
from uniir.wire.documents import Neighbour
from uniir.wire.values import Answer, DocumentId, Request, Sha256, Text, Weight

_NORMAL = Weights()


class QueryWeights(Request):
    """How much each part counts in the sum that makes the query vector."""

    text: Weight = _NORMAL.text
    image: Weight = _NORMAL.image
    like: Weight = _NORMAL.like
    negative: Weight = _NORMAL.negative


class SearchRequest(Request):
    """A search as it goes over the wire. A picture is named by the hash under which the service keeps it, or comes beside the request."""

    text: Text | None = None
    image: Sha256 | None = Field(None, description="a picture kept by POST /v1/images")
    instruction: str | None = Field(None, max_length=1000, description="an id of GET /v1/instructions; none: one is chosen that fits")
    target: Modality | None = Field(None, description="only results of this modality; none: a fair mixed list")
    k: int = Field(10, ge=1, le=MAX_RESULTS)
    weights: QueryWeights = QueryWeights()
    negatives: list[Text] = Field([], alias="not", max_length=20, description="what the results should not be like")
    like: list[DocumentId] = Field([], max_length=20, description="ids of documents to resemble")
    path: str | None = Field(None, max_length=4096, description="only documents whose path, as given below its root or in full, starts so")
    where: str | None = Field(None, max_length=MAX_LENGTH, description='a filter such as `tag=shoes year>=2020 path:"slides/*" -draft`')
    rerank: Reranking = Reranking.AUTO
    words: WordSearch = Field(
        WordSearch.AUTO, description="documents the query's words bring forward; auto: those with nearly all of them, where that helps"
    )
    guess: bool = Field(False, description="whether a model's guess of what is looked for is searched in place of words and picture")
    complement: bool = Field(False, description="whether hits that are a text or a picture alone get their missing half")
    collection: str | None = Field(None, max_length=100)


class QueryAnswer(Answer):
    """The query as it was understood."""

    text: str | None
    image: str | None
    target: Modality | None
    k: int
    weights: dict[str, float]
    negatives: list[str] = Field(alias="not")
    like: list[str]
    path: str | None = None
    where: str | None = Field(None, description="the filter, as it was read")


class UsedInstruction(Answer):
    id: str
    text: str
    chosen: bool = Field(False, description="whether it was chosen for the user")


class ComplementAnswer(Answer):
    """The other half of a hit that is a text or a picture alone; `score` is between the two, not to the query."""

    document: Neighbour
    score: float


class GivenGrade(Answer):
    """What somebody said of this hit for this very query; `id` is the judgment's."""

    id: int
    grade: int


class ByWordsAnswer(Answer):
    """What the query's words did for a hit."""

    nearest_rank: int | None = Field(description="its place among the nearest; none: it did not lie near enough to have one")
    lexical_rank: int = Field(description="its place among the documents with the query's words")
    words: list[str] = Field(description="those that it has, folded")


class HitAnswer(Answer):
    """One document with its place."""

    rank: int
    id: str
    modality: Modality
    score: float
    text: str | None
    path: str
    locator: str | None
    image: str | None
    metadata: dict[str, object]
    parts: dict[str, float]
    band: Band | None = None
    retrieval_rank: int | None = Field(None, description="the place before reranking")
    relevance: float | None = Field(None, description="the reranker's probability that it is relevant")
    complement: ComplementAnswer | None = Field(None, description="where it was asked for and something was found")
    by_words: ByWordsAnswer | None = Field(None, description="where the query's words were found in it, or in its file's name")
    judgment: GivenGrade | None = None


class RerankAnswer(Answer):
    """What became of reranking."""

    state: RerankState
    by_default: bool = Field(description="whether it is on for this kind of query when nobody says otherwise")
    reranker: str | None = None
    count: int = Field(0, description="how many of the best hits it read")
    reason: str | None = None


class GuessAnswer(Answer):
    """What a model wrote and what was searched in place of the query; without a text the query itself was, and `reason` says why."""

    text: str | None
    model: str | None
    milliseconds: float
    reason: str | None = None


class SearchAnswer(Answer):
    """One ranked list of documents of all kinds."""

    query: QueryAnswer
    instruction: UsedInstruction
    hits: list[HitAnswer]
    timings_ms: dict[str, float]
    notes: list[str]
    collection: str
    rerank: RerankAnswer
    guess: GuessAnswer | None = Field(None, description="where one was asked for")


class ExplainRequest(Request):
    """Why one document has its score."""

    search: SearchRequest
    document: DocumentId


class ScoreTerm(Answer):
    """One term of the score-fusion sum: a part of the query against a part of the document (none: the document as a whole)."""

    query: str
    document: str | None
    value: float


class Explanation(Answer):
    """The terms whose sum, with `modality` (what steering added), is the score. `marked` is the passage of the text that fits best."""

    terms: list[ScoreTerm]
    modality: float
    score: float
    separable: bool = Field(description="false: this encoder reads text and picture as one, so there are no parts to show")
    marked: tuple[int, int] | None = None
