"""What the command line prints, the service answers and the client reads: one set of values for all three."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from uniir.documents import Modality
from uniir.hits import Band, RerankState
from uniir.queries import MAX_RESULTS, MAX_WEIGHT, Reranking, Weights

MAX_TEXT = 20_000  # characters of a query; the longest passage any encoder reads is far shorter
Weight = Annotated[float, Field(ge=0, le=MAX_WEIGHT, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
DocumentId = Annotated[str, Field(pattern="^[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{13}$")]
_NORMAL = Weights()


class Request(BaseModel):
    """What is asked for. A field nobody knows is refused, since it is a misspelling."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class Answer(BaseModel):
    """What comes back. Unknown fields are read over: they are a newer service's."""

    model_config = ConfigDict(extra="ignore", frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)


# --- search ---------------------------------------------------------------------------------------------------------


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
    rerank: Reranking = Reranking.AUTO
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


class UsedInstruction(Answer):
    id: str
    text: str
    chosen: bool = Field(False, description="whether it was chosen for the user")


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


class RerankAnswer(Answer):
    """What became of reranking."""

    state: RerankState
    by_default: bool = Field(description="whether it is on for this kind of query when nobody says otherwise")
    reranker: str | None = None
    count: int = Field(0, description="how many of the best hits it read")
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


# --- documents and pictures -----------------------------------------------------------------------------------------


class KeptPicture(Answer):
    """A query picture that the service keeps for a while, so that a link reproduces the search."""

    id: Sha256
    width: int
    height: int


class Neighbour(Answer):
    """A document beside another one in the same file or folder."""

    id: str
    modality: Modality
    text: str | None
    path: str
    locator: str | None
    image: str | None
    metadata: dict[str, object]


class PictureFacts(Answer):
    path: str
    width: int
    height: int
    bytes: int


class DocumentAnswer(Neighbour):
    """One document with all that is known of it. `passage` is its place in `whole_text` where it is a part of a longer text."""

    collection: str
    root: str
    external_id: str | None
    picture: PictureFacts | None
    whole_text: str | None
    passage: tuple[int, int] | None
    neighbours: list[Neighbour]


class ExampleQuery(Answer):
    """A search that finds something in this collection, for a first visit."""

    title: str
    text: str | None
    like: str | None = Field(None, description="the id of a document whose picture is the query")
    instruction: str


# --- instructions, collections, failures ----------------------------------------------------------------------------


class InstructionAnswer(Answer):
    id: str
    query: Modality
    target: Modality | None
    text: str
    dataset: str | None
    rerank: bool = Field(description="whether reranking is on by default for it")


class InstructionsAnswer(Answer):
    instructions: list[InstructionAnswer]


class HeldDocuments(Answer):
    indexed: dict[Modality, int]
    pending: dict[Modality, int]


class IndexFacts(Answer):
    kind: str
    engine: str
    vectors: int


class DiskUse(Answer):
    """Bytes. The catalog's are the whole data directory's."""

    catalog: int
    vectors: int
    thumbnails: int


class LastRun(Answer):
    command: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    failed: int


class CollectionAnswer(Answer):
    """One collection. `dimension` and what follows is left out where only the catalog was asked."""

    name: str
    encoder: str
    documents: HeldDocuments
    failed: int
    dimension: int | None = None
    last_run: LastRun | None = None
    index: IndexFacts | None = None
    disk: DiskUse | None = None


class CollectionsAnswer(Answer):
    """All collections. `default` is the one used when none is named; below `corpus_roots` anybody who may search may ingest."""

    collections: list[CollectionAnswer]
    default: str | None = None
    corpus_roots: list[str] = []


class NewCollection(Request):
    name: str = Field(max_length=100)
    encoder: str | None = Field(None, max_length=100)


class FailureAnswer(Answer):
    """An input in quarantine."""

    path: str
    code: str
    reason: str
    way_out: str
    ignored: bool
    attempts: int
    first_seen: datetime
    last_seen: datetime
    file: str | None = Field(None, description="the path without its locator")
    locator: str | None = None


class FailuresAnswer(Answer):
    failures: list[FailureAnswer]


class FailureSelection(Request):
    """Failures at these files or below these folders; none: all."""

    collection: str | None = None
    paths: list[str] | None = None


# --- ingest ---------------------------------------------------------------------------------------------------------


class IngestRequest(Request):
    """Make a collection equal to folders and files; `paths` are absolute and on the machine that owns the data."""

    paths: list[str] = Field(min_length=1, max_length=1000)
    collection: str | None = Field(None, max_length=100)
    encoder: str | None = Field(None, max_length=100)
    exclude: list[str] = []
    prune: bool = False
    retry: bool = False
    within_roots: bool = Field(False, description="refuse what lies outside `corpus_roots` even to who has the secret or token")


class FailedInput(Answer):
    path: str
    code: str
    reason: str


class IngestReport(Answer):
    """What `uniir ingest --json` prints; counts are of sources in this run, `documents` is what the collection holds afterwards."""

    collection: str
    added: int
    changed: int
    moved: int
    unchanged: int
    deleted: int
    failed: list[FailedInput]
    documents: dict[Modality, int]
    seconds: float
    documents_per_second: float
    gone: int = 0
    quarantined: int = 0
    interrupted: bool = False
    notes: list[str] = []


class Phase(StrEnum):
    WAITING = "waiting"
    LOOKING = "looking"
    READING = "reading"
    INDEXING = "indexing"
    ENDED = "ended"


class Progress(Answer):
    """Where a job stands, in sources. `total` is what must be read, none before the walk is done."""

    phase: Phase = Phase.WAITING
    total: int | None = None
    done: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    rate: float | None = Field(None, description="sources per second, lately")
    seconds_left: float | None = None
    current: str | None = None


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobAnswer(Answer):
    """An ingest that the service does or did."""

    id: str
    state: JobState
    collection: str
    paths: list[str]
    request: IngestRequest
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    progress: Progress = Progress()
    report: IngestReport | None = None
    problem: Problem | None = None

    @property
    def is_over(self) -> bool:
        return self.state in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


class JobsAnswer(Answer):
    jobs: list[JobAnswer]


# --- upkeep ---------------------------------------------------------------------------------------------------------


class DoctorRequest(Request):
    collection: str | None = None
    repair: bool = False


class FindingAnswer(Answer):
    collection: str
    check: str
    count: int
    message: str
    examples: list[str]
    way_out: str
    mended: bool


class DoctorAnswer(Answer):
    findings: list[FindingAnswer]
    checked_at: datetime


class RebuildRequest(Request):
    collection: str | None = None


class RebuiltCollection(Answer):
    collection: str
    written: int
    without_vector: int


class RebuildAnswer(Answer):
    collections: list[RebuiltCollection]


class DeleteRequest(Request):
    """Documents by id, all of some files or folders, or the whole collection. `dry_run` says what would go, and does nothing."""

    ids: list[DocumentId] = []
    paths: list[str] = []
    whole: bool = False
    collection: str | None = None
    dry_run: bool = False


class DeleteAnswer(Answer):
    """What went: documents by id, sources by path; `held` is how many documents the collection had before."""

    collection: str
    documents: int
    sources: int
    held: int


# --- errors ---------------------------------------------------------------------------------------------------------


class Problem(Answer):
    """Problem details (RFC 9457). `detail` says what happened, `way_out` what to do, `code` names the error of uniir.errors."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    way_out: str = ""
    code: str
    request_id: str | None = None


JobAnswer.model_rebuild()
