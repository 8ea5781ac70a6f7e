"""What the catalog remembers of a corpus, so that an ingest can tell new from changed, moved, unchanged and gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from uniir.documents import Document, Json


class SourceKind(StrEnum):
    """What a source is. A manifest holds no documents itself; each of its lines is a record."""

    IMAGE = "image"
    TEXT = "text"
    PAIR = "pair"
    MANIFEST = "manifest"
    RECORD = "record"


@dataclass(frozen=True, slots=True, order=True)
class SourceKey:
    """Where a source stands: a file below a root, and for a record its place in the manifest."""

    root: str
    path: str
    locator: str = ""

    @property
    def file(self) -> Path:
        return Path(self.root) / self.path


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source as the catalog knows it. `signature` holds size and modification time of all its files."""

    id: int
    key: SourceKey
    kind: SourceKind
    signature: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SourceDraft:
    """A source as just read. `known_as` is the row it already has: changed in place, or moved here."""

    key: SourceKey
    kind: SourceKind
    signature: str
    sha256: str
    documents: tuple[Document, ...]
    known_as: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An input in quarantine. It is tried again when its signature changes or on request."""

    key: SourceKey
    code: str
    reason: str
    signature: str
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """What is left to do after sources were recorded.

    `pending` are documents to bring into the vector store, `deleting` ids to take out; `refused` are sources with an
    external id that belongs to another one; `left_pictures` are hashes of pictures that some document shows no more;
    `outdated` are ids of changed documents whose vectors of before still stand in other spaces' stores.
    """

    pending: tuple[Document, ...]
    deleting: tuple[int, ...]
    refused: tuple[Failure, ...]
    left_pictures: tuple[str, ...] = ()
    outdated: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it begins. `resumes` says that the one before it did not come to its end."""

    id: int
    resumes: bool


class Ledger(Protocol):
    """The ingest's side of the catalog, for one collection and one space. Every method is one transaction."""

    def roots(self) -> Sequence[str]: ...

    def adopt(self, root: str) -> None:
        """Makes `root` the root of every source that stands below it under a deeper root."""
        ...

    def entries(self, root: str, prefix: str) -> Iterator[SourceRecord]:
        """All sources but records whose path starts with `prefix`, in order of path."""
        ...

    def known(self, key: SourceKey) -> SourceRecord | None: ...

    def records(self, root: str, manifest: str) -> Iterator[SourceRecord]:
        """The records of one manifest."""
        ...

    def manifests(self, root: str) -> Sequence[SourceRecord]:
        """Every manifest below a root."""
        ...

    def owner_of(self, external_id: str) -> SourceRecord | None:
        """The source of the document with this external id."""
        ...

    def with_content(self, sha256: str) -> Sequence[SourceRecord]:
        """Sources, records excepted, with this content."""
        ...

    def vectors_of(self, fingerprints: Sequence[str]) -> Mapping[str, NDArray[np.float16]]:
        """Vectors of content that some indexed document has already, by fingerprint."""
        ...

    def record(self, drafts: Sequence[SourceDraft]) -> Recording:
        """Writes sources and documents; new and changed documents become pending, dropped ones deleting.

        What changed goes from every other space. Raises UsageError where another space is searched by now.
        """
        ...

    def move_manifest(self, manifest: SourceRecord, to: SourceKey, signature: str) -> None:
        """A manifest under a new name, with its records and those of its lines that are in quarantine."""
        ...

    def mark_indexed(self, vectors: Mapping[int, NDArray[np.float16]]) -> None:
        """These documents are in the vector store now, with these vectors."""
        ...

    def retire(self, sources: Sequence[int]) -> Sequence[int]:
        """Hides all documents of these sources at once and returns their ids; sources without documents go."""
        ...

    def retire_documents(self, documents: Sequence[int]) -> None:
        """Hides single documents at once."""
        ...

    def forget(self, documents: Sequence[int]) -> Sequence[str]:
        """Removes retired documents, and sources left without any; returns the hashes of their pictures."""
        ...

    def unused_pictures(self, hashes: Sequence[str]) -> Sequence[str]:
        """Those of the pictures that no document of any collection shows."""
        ...

    def unfinished_deletes(self) -> Sequence[int]: ...

    def reopen_unfinished(self) -> int:
        """Makes sources with pending documents look new, so that this run reads them again; returns how many."""
        ...

    def failures(self, root: str) -> Mapping[SourceKey, Failure]: ...

    def quarantine(self, failures: Sequence[Failure]) -> None: ...

    def release(self, keys: Sequence[SourceKey]) -> None:
        """Takes inputs out of quarantine."""
        ...

    def touched_since_done(self) -> Sequence[int]:
        """Indexed documents that were written since the last run that came to its end."""
        ...

    def walked(self) -> Sequence[Json]:
        """What the runs of this collection walked, newest first, as `start_run` was told."""
        ...

    def retire_pending(self, sources: Sequence[int]) -> Sequence[int]:
        """Hides the documents of these sources that never became searchable, and returns their ids."""
        ...

    def start_run(self, command: str, scopes: Json) -> Run: ...

    def finish_run(self, run: int, state: str, counts: Json) -> None: ...


class Filling(Protocol):
    """One space's side of the catalog while known documents are encoded for it. Every method is one transaction or one walk."""

    def count(self) -> int:
        """How many documents are not searchable in this space, those on their way out left aside."""
        ...

    def lacking(self) -> Iterator[Sequence[Document]]:
        """Those documents, in pages; what is written meanwhile is not met again."""
        ...

    def vectors_of(self, fingerprints: Sequence[str]) -> Mapping[str, NDArray[np.float16]]:
        """Vectors of content that some document has in this space already, by fingerprint."""
        ...

    def claim(self, wanted: Sequence[Document]) -> Sequence[Document]:
        """Makes documents pending here; returns those that are still what they were when they were read."""
        ...

    def mark_indexed(self, vectors: Mapping[int, NDArray[np.float16]]) -> None:
        """These pending documents are in the vector store now, with these vectors."""
        ...

    def refuse(self, codes: Sequence[tuple[Document, str]]) -> None:
        """Notes what the encoder could not take, and why."""
        ...

    def lose(self, ids: Sequence[int]) -> None:
        """Documents whose vectors were lost are lacking again."""
        ...
