"""Encoding a collection for another space, from what the catalog knows: its documents' texts and pictures.

Rows are pending, then the vector store has them, then they are indexed, as in an ingest; whatever dies wherever, running
again goes on. What an encoder can't take is noted with a code, and tried again by the next run.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ingest.encoding import DocumentEncoder
from ingest.events import Advanced, Finishing, Planned, Reading, Sink
from ingest.rebuild import settle
from ingest.stages import Stages
from uniir.documents import Document, ImageReference
from uniir.errors import InputFailure
from uniir.images import FileImages, read_image
from uniir.ledger import Filling
from uniir.protocols import Archive, Encoder, Points, Prepared, VectorStore

_PICTURES = 16  # in a chunk: decoded they take some megabytes each
_TEXTS = 64


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that this encoder could not take."""

    document: Document
    code: str
    reason: str


@dataclass
class Filled:
    """What a run did, in documents."""

    indexed: int = 0
    refused: list[Refusal] = field(default_factory=list)
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class _Chunk:
    documents: Sequence[Document]
    refused: Sequence[Refusal]
    to_encode: Sequence[Document]
    prepared: Prepared
    vectors: Mapping[str, NDArray[np.float16]]  # by fingerprint: content that stands in this space already


@dataclass(frozen=True, slots=True)
class _EncodedChunk:
    """Vectors by fingerprint, and every document of the chunk that has none for a reason of its own."""

    documents: Sequence[Document]
    vectors: Mapping[str, NDArray[np.float16]]
    refused: Sequence[Refusal]


class Reembedding:
    """One run. `stop` ends it after the batch at hand; `hurry`, set as well, leaves the index unbuilt."""

    def __init__(
        self,
        filling: Filling,
        archive: Archive,
        open_store: Callable[[], VectorStore],
        encoder: Encoder,
        images: FileImages,
        *,
        sink: Sink,
        stop: threading.Event,
        workers: int,
        hurry: threading.Event | None = None,
    ) -> None:
        self._filling = filling
        self._archive = archive
        self._open_store = open_store
        self._accepts = encoder.accepts
        self._encoder = DocumentEncoder(encoder, _KnownPictures(images))
        self._sink = sink
        self._stop = stop
        self._hurry = hurry or threading.Event()
        self._workers = workers
        self._filled = Filled()

    def run(self) -> Filled:
        """Raises StoreUnavailable; what was done until then is kept."""
        store = self._open_store()
        self._filling.lose(settle(self._archive, store).without_vector)
        # on disk before the first row is indexed: or a death could bring an old vector back under a new row
        store.finish()
        wanted = self._filling.count()
        self._sink(Planned(wanted, sum(page.size for page in self._archive.indexed_ids())))
        if wanted:
            self._fill(store)
            if not (self._stop.is_set() and self._hurry.is_set()):
                self._sink(Finishing())
                store.finish()
        self._filled.interrupted = self._stop.is_set()
        return self._filled

    def _fill(self, store: VectorStore) -> None:
        stages = Stages(self._load, self._encode, lambda encoded: self._write(store, encoded))
        for written in stages.run(_chunks(self._filling.lacking()), self._workers, self._encoder.lanes, self._announce, self._stop):
            self._sink(written)

    def _announce(self, chunk: _Chunk) -> None:
        self._sink(Reading(chunk.documents[0].source.file))

    def _load(self, documents: Sequence[Document]) -> _Chunk:
        accepted = ", ".join(sorted(self._accepts))
        refused = [
            Refusal(document, "not-accepted", f"the encoder takes {accepted}, not {document.modality}")
            for document in documents
            if document.modality not in self._accepts
        ]
        takes = {document.fingerprint: document for document in documents if document.modality in self._accepts}
        vectors = self._filling.vectors_of(list(takes))
        to_encode = [document for fingerprint, document in takes.items() if fingerprint not in vectors]
        return _Chunk(documents, refused, to_encode, self._encoder.prepare(to_encode), vectors)

    def _encode(self, chunk: _Chunk) -> _EncodedChunk:
        encoded = self._encoder.encode(chunk.to_encode, chunk.prepared)
        refused = [
            Refusal(document, encoded.failures[document.fingerprint].code, encoded.failures[document.fingerprint].reason)
            for document in chunk.documents
            if document.fingerprint in encoded.failures
        ]
        return _EncodedChunk(chunk.documents, {**chunk.vectors, **encoded.vectors}, [*chunk.refused, *refused])

    def _write(self, store: VectorStore, encoded: _EncodedChunk) -> Advanced:
        vectors = encoded.vectors
        ready = self._filling.claim([document for document in encoded.documents if document.fingerprint in vectors])
        if ready:
            store.upsert(Points.of(ready, (vectors[document.fingerprint] for document in ready)))
            self._filling.mark_indexed({document.id: vectors[document.fingerprint] for document in ready})
        if encoded.refused:
            self._filling.refuse([(one.document, one.code) for one in encoded.refused])
        self._filled.indexed += len(ready)
        self._filled.refused += encoded.refused
        return Advanced(len(encoded.documents), len(encoded.refused), len(ready))


class _KnownPictures:
    """The ImageLoader of documents that are known already: a picture that is not what it was would make another document's vector."""

    def __init__(self, images: FileImages) -> None:
        self._images = images

    def upright(self, image: ImageReference) -> Image.Image:
        return self._images.upright_bytes(_same_bytes(image))

    def faithful(self, image: ImageReference) -> Image.Image:
        return self._images.faithful_bytes(_same_bytes(image))


def _same_bytes(image: ImageReference) -> bytes:
    if not image.path.exists():
        raise InputFailure("picture-gone", "its picture is gone")
    data = read_image(image.path)
    if image.sha256 is not None and hashlib.sha256(data).hexdigest() != image.sha256:
        raise InputFailure("picture-changed", "its picture has changed since it was ingested")
    return data


def _chunks(pages: Iterable[Sequence[Document]]) -> Iterator[Sequence[Document]]:
    """Chunks of one kind each, of texts about equally long."""
    for page in pages:
        for has_picture, size in ((True, _PICTURES), (False, _TEXTS)):
            alike = sorted((one for one in page if one.modality.has_image is has_picture), key=lambda one: len(one.text or ""))
            yield from (alike[start : start + size] for start in range(0, len(alike), size))
