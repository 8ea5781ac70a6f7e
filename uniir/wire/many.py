"""Many searches at once, their instructions written out and their answers told by external ids: what an evaluation asks of a collection."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from uniir.documents import Modality
from uniir.queries import MAX_RESULTS, Reranking
from uniir.wire.values import Answer, Request

MANY = 256  # queries or documents of one request
MANY_CHARACTERS = 500_000  # of one request together; more may not fit into what a service reads
LongText = Annotated[str, Field(max_length=MANY_CHARACTERS)]
PicturePath = Annotated[str, Field(max_length=4096, pattern="^[^\\x00]+$", description="a file of the service's machine, by its full path")]
Space = Annotated[str, Field(max_length=16, description="the fingerprint of the space that is meant; another one is refused")]


class WrittenInstruction(Request):
    """An instruction that need not be one of the service's own."""

    wording: str = Field(max_length=10_000)
    query: Modality
    target: Modality | None = None
    dataset: str | None = Field(None, max_length=200, description="the set of M-BEIR that it was written for")


class WrittenQuery(Request):
    """One search. It is steered by its instruction and filtered by nothing."""

    text: LongText | None = None
    image: PicturePath | None = None
    instruction: WrittenInstruction | None = None


class SearchManyRequest(Request):
    """Searches of one collection, each answered as if it came alone."""

    collection: str | None = Field(None, max_length=100)
    space: Space
    queries: list[WrittenQuery] = Field(min_length=1, max_length=MANY)
    k: int = Field(10, ge=1, le=MAX_RESULTS)
    rerank: Reranking = Reranking.OFF
    reranker: str | None = Field(None, max_length=4096, description="another reranker than the one of the service's settings")
    complement: bool = False


class FoundDocument(Answer):
    """A hit, by the name that an export of judgments gives it: its external id, else one of its own. `complement` is its missing half's."""

    name: str
    score: float
    complement: str | None = None


class FoundForOne(Answer):
    """What one query found, best first; None for a query that can't be used. `read` hits were read again; `unread`: they could not be."""

    hits: list[FoundDocument] | None
    read: int = 0
    unread: bool = False


class SearchManyAnswer(Answer):
    """One for each query, in their order."""

    found: list[FoundForOne]


class WrittenDocument(Request):
    """A text, a picture, or both."""

    text: LongText | None = None
    image: PicturePath | None = None


class NearestRequest(Request):
    """Encode these as documents and say which document of the collection lies nearest to each."""

    collection: str | None = Field(None, max_length=100)
    space: Space
    documents: list[WrittenDocument] = Field(min_length=1, max_length=MANY)


class NearestAnswer(Answer):
    """The name of the nearest for each document, as `FoundDocument` has it; None where it can't be encoded."""

    nearest: list[str | None]
