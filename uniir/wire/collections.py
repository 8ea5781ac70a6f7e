"""Instructions, collections, and inputs in quarantine."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from uniir.documents import Modality
from uniir.wire.spaces import SpaceAnswer
from uniir.wire.values import Answer, Request


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
    why: str = ""
    recall: float | None = Field(None, description="recall@10 against exact search when it was last measured")
    search: dict[str, int] = {}


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
    """One collection. `dimension` and what follows is left out where only the catalog was asked.

    `spaces` is empty where nothing stands beside the space that is searched, and that one has every document.
    """

    name: str
    encoder: str
    documents: HeldDocuments
    failed: int
    spaces: list[SpaceAnswer] = []
    dimension: int | None = None
    last_run: LastRun | None = None
    index: IndexFacts | None = Field(None, description="none while a service that was just started has not opened the vectors yet")
    disk: DiskUse | None = Field(None, description="as with the index")


class CollectionsAnswer(Answer):
    """All collections. `default` is the one used when none is named; below `corpus_roots` anybody who may search may ingest."""

    collections: list[CollectionAnswer]
    default: str | None = None
    corpus_roots: list[str] = []
    guess_model: str | None = Field(None, description="the model that writes guesses; none: no search can ask for one")


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
