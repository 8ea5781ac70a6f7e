"""Doctor, rebuild and deletion."""

from __future__ import annotations

from datetime import datetime

from uniir.wire.values import Answer, DocumentId, Request


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


class IndexAnswer(Answer):
    """An index as it was measured just now: recall@10 against looking at every vector, 1 where it does that itself."""

    collection: str
    kind: str
    why: str
    recall: float | None
    search: dict[str, int]
    beside: str | None = None


class DoctorAnswer(Answer):
    findings: list[FindingAnswer]
    checked_at: datetime
    indexes: list[IndexAnswer] = []


class RebuildRequest(Request):
    collection: str | None = None


class RebuiltCollection(Answer):
    """One space of a collection. `beside` is its encoder where it is not the space that is searched."""

    collection: str
    written: int
    without_vector: int
    beside: str | None = None


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
