"""What a worker does with a chunk of sources: read, decode, make thumbnails, prepare for the encoder. CPU only, thread-safe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ingest.compare import is_missing
from ingest.manifests import ManifestLine, read_manifest
from ingest.reading import Reading, read_line, read_source
from ingest.walk import Found
from uniir.documents import Document, ImageReference
from uniir.errors import InputFailure
from uniir.images import FileImages
from uniir.ledger import Failure, Ledger, SourceDraft, SourceKey, SourceKind, SourceRecord
from uniir.protocols import Encoder, Prepared


class ThumbnailWriter(Protocol):
    """Keeps small pictures under the hash of the original."""

    def exist(self, sha256: str) -> bool: ...

    def write(self, sha256: str, picture: Image.Image) -> None: ...

    def remove(self, sha256: str) -> None: ...

    def hashes(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Task:
    """A source to read: a file found on disk, or a line of a manifest."""

    key: SourceKey
    what: Found | ManifestLine
    record: SourceRecord | None

    @property
    def signature(self) -> str:
        return self.what.signature

    @property
    def has_picture(self) -> bool:
        if isinstance(self.what, Found):
            return self.what.kind is not SourceKind.TEXT
        return self.what.picture is not None

    @property
    def size(self) -> int:
        """Bytes of the file, or characters of a manifest's text: what batches are sorted by."""
        return self.what.file.size if isinstance(self.what, Found) else len(self.what.text or "")


@dataclass(frozen=True, slots=True)
class LoadedSource:
    """A source that can be recorded. `moved_from` is the row it had under another path; `same_content` says only its times changed."""

    draft: SourceDraft
    task: Task
    moved_from: SourceRecord | None = None
    same_content: bool = False

    def as_new(self) -> LoadedSource:
        """The same, as a source that was never seen before."""
        return LoadedSource(replace(self.draft, known_as=None), self.task)


@dataclass(frozen=True, slots=True)
class LoadedChunk:
    """Sources ready to be recorded, and the documents among them that must be encoded, in the order of `prepared`."""

    sources: tuple[LoadedSource, ...]
    failures: tuple[Failure, ...]
    unreadable: tuple[int, ...]  # rows, left unfinished by an earlier run, of sources that failed now
    documents: tuple[Document, ...]
    prepared: Prepared
    vectors: Mapping[str, NDArray[np.float16]]  # by fingerprint: content that was encoded before


class Loader:
    """Loads chunks. One for a run; its methods may run in several threads at once."""

    def __init__(self, ledger: Ledger, encoder: Encoder, thumbnails: ThumbnailWriter, images: FileImages) -> None:
        self._ledger = ledger
        self._encoder = encoder
        self._thumbnails = thumbnails
        self._images = images
        self._reading = Lock()
        self._read: dict[Path, frozenset[str]] = {}

    def load(self, tasks: Sequence[Task]) -> LoadedChunk:
        sources: list[LoadedSource] = []
        failures: list[Failure] = []
        unreadable: list[int] = []
        decoded = _Decoded(self._images)
        for task in tasks:
            try:
                sources.append(self._load(task, decoded))
            except InputFailure as failure:
                failures.append(Failure(task.key, failure.code, failure.reason, task.signature))
                if task.record is not None and not task.record.signature:
                    unreadable.append(task.record.id)
        documents = {document.fingerprint: document for source in sources for document in source.draft.documents}
        vectors = self._ledger.vectors_of(list(documents))
        to_encode = tuple(document for fingerprint, document in documents.items() if fingerprint not in vectors)
        return LoadedChunk(
            tuple(sources), tuple(failures), tuple(unreadable), to_encode, self._encoder.prepare(to_encode, decoded), vectors
        )

    def _load(self, task: Task, decoded: _Decoded) -> LoadedSource:
        known_as = task.record.id if task.record is not None else None
        if isinstance(task.what, ManifestLine):
            reading = read_line(task.key, task.what, known_as)
        else:
            reading = read_source(task.key, task.what, known_as)
        self._refuse_modality(reading.draft)
        self._take_picture(reading, decoded)
        if task.record is not None:
            same = bool(task.record.signature) and task.record.sha256 == reading.draft.sha256
            return LoadedSource(reading.draft, task, same_content=same)
        if isinstance(task.what, ManifestLine):
            owner = self._former_owner(task.key, task.what)
            if owner is not None:
                return LoadedSource(replace(reading.draft, known_as=owner.id), task, moved_from=owner)
        else:
            for other in self._ledger.with_content(reading.draft.sha256):
                if other.kind == reading.draft.kind and is_missing(other.key):
                    return LoadedSource(replace(reading.draft, known_as=other.id), task, moved_from=other)
        return LoadedSource(reading.draft, task)

    def _former_owner(self, key: SourceKey, line: ManifestLine) -> SourceRecord | None:
        """The line of another manifest that had this line's id and is there no more: its document moves here."""
        owner = self._ledger.owner_of(line.did) if line.did is not None else None
        if owner is None or owner.kind is not SourceKind.RECORD or owner.key == key:
            return None
        return owner if is_missing(owner.key) or owner.key.locator not in self._locators(owner.key.file) else None

    def _locators(self, manifest: Path) -> frozenset[str]:
        """Every place in a manifest as it is now, read once: it is asked for each line that moved."""
        with self._reading:
            if manifest not in self._read:
                try:
                    self._read[manifest] = frozenset(line.locator for line in read_manifest(manifest))
                except InputFailure:
                    self._read[manifest] = frozenset()
            return self._read[manifest]

    def _refuse_modality(self, draft: SourceDraft) -> None:
        for document in draft.documents:
            if document.modality not in self._encoder.accepts:
                accepted = ", ".join(sorted(self._encoder.accepts))
                raise InputFailure("not-accepted", f"the encoder takes {accepted}, not {document.modality}")

    def _take_picture(self, reading: Reading, decoded: _Decoded) -> None:
        image = reading.draft.documents[0].image
        if image is None or image.sha256 is None or reading.picture is None:
            return
        if self._thumbnails.exist(image.sha256) and self._ledger.vectors_of([reading.draft.documents[0].fingerprint]):
            return
        picture = self._images.upright_bytes(reading.picture)
        decoded.add(image, picture)
        if not self._thumbnails.exist(image.sha256):
            self._thumbnails.write(image.sha256, picture)


class _Decoded:
    """The ImageLoader of one chunk: upright pictures that are decoded already; anything else is read from its file."""

    def __init__(self, images: FileImages) -> None:
        self._images = images
        self._pictures: dict[ImageReference, Image.Image] = {}

    def add(self, image: ImageReference, picture: Image.Image) -> None:
        self._pictures[image] = picture

    def upright(self, image: ImageReference) -> Image.Image:
        found = self._pictures.get(image)
        return self._images.upright(image) if found is None else found

    def faithful(self, image: ImageReference) -> Image.Image:
        return self._images.faithful(image)
