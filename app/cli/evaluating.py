"""What `uniir evaluate` measures with: an encoder alone, or the application's own search over a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.cli.output import tell
from encoders.arithmetic import ArithmeticEncoder
from encoders.catalogue import load_encoder
from models.devices import Device
from uniir.errors import ModelUnavailable
from uniir.filters import Filter
from uniir.queries import Query, Reranking

if TYPE_CHECKING:
    from app.wiring import OwnedInstallation
    from uniir.documents import Document
    from uniir.protocols import Encoder
    from uniir.spaces import VectorSpace


class SearchedCollection:
    """Implements `evaluation.retrieval.Application`."""

    def __init__(self, installation: OwnedInstallation, name: str, rerank: Reranking) -> None:
        collection = installation.installation.collection(name)
        self.space: VectorSpace = collection.space
        self._encoder = installation.installation.encoder_of(collection)
        self._images = installation.installation.images
        self._store = installation.store(collection)
        self._library = installation.installation.library(collection)
        self._service = installation.search_service(collection, rerank)
        self._rerank = rerank

    def find(self, query: Query) -> Sequence[tuple[str, float]]:
        hits = self._service.search(replace(query, rerank=self._rerank)).hits
        return [(hit.document.external_id or f"document:{hit.document.id}", hit.score) for hit in hits]

    def nearest_to(self, document: Document) -> str | None:
        prepared = self._encoder.prepare([document], self._images)
        if not prepared.positions:
            return None
        vectors = self._encoder.encode(prepared).astype(np.float16).astype(np.float32)
        nearest = int(self._store.search(vectors, 1, Filter()).ids[0, 0])
        found = self._library.documents([nearest]).get(nearest)
        return None if found is None else found.external_id


class Told:
    """Says every tenth of something long that it has come to."""

    def __init__(self) -> None:
        self._said: dict[str, int] = {}

    def __call__(self, name: str, done: int, whole: int) -> None:
        tenth = 10 * done // max(1, whole)
        if tenth > self._said.get(name, -1):
            self._said[name] = tenth
            tell(f"{name}: {done:,} of {whole:,}")


def encoder_named(name: str, device: str, dtype: str) -> Encoder:
    """The encoder, loaded. Raises UsageError for an unknown one and ModelUnavailable where weights or libraries are missing."""
    try:
        return ArithmeticEncoder() if name == "arithmetic" else load_encoder(name, Device(device, dtype))
    except ImportError as error:
        raise ModelUnavailable(f"The encoder {name!r} needs {error.name}, which is not installed.", "Install `uniir[local]`.") from None
