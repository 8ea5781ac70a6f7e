"""An installation with its vectors: what searches, ingests and checks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias

from app.guessing import Guessing
from app.reranking import Rerankers
from app.wiring.installation import Installation
from encoders.bands import band_cuts
from encoders.catalogue import remarks_on
from encoders.words import words_help
from ingest.beside import Beside, OtherSpace
from ingest.changes import Request, outermost, walked_before
from ingest.doctor import Patient
from ingest.encoding import DocumentEncoder
from ingest.events import Sink
from ingest.loading import Loader
from ingest.pipeline import Ingest
from ingest.reembedding import Reembedding
from ingest.writing import Writer
from search.embedding import Embed, EncodeAtOnce
from search.service import SearchService
from storage.databases import VectorDatabase, open_database
from storage.sql.collections import CollectionRecord
from uniir.protocols import Encoder, ImageLoader, Reranker, VectorStore
from uniir.queries import Reranking
from uniir.reranker_names import named
from uniir.spaces import VectorSpace

Embedding: TypeAlias = Callable[[Encoder, ImageLoader], Embed]


class OwnedInstallation:
    """An installation whose vectors may be opened, because this process owns the directory."""

    def __init__(self, installation: Installation, embedding: Embedding = EncodeAtOnce) -> None:
        """`embedding` makes what encodes queries, once for each encoder."""
        self.installation = installation
        self._embedding = embedding
        self._embeds: dict[VectorSpace, Embed] = {}
        self._rerankers = Rerankers(installation.settings, installation.encoder, installation.images)
        self._stores: dict[str, VectorStore] = {}
        self._opening = threading.Lock()

    @cached_property
    def _guessing(self) -> Guessing:
        return Guessing(self.installation.settings, self.installation.images, self.installation.instructions)

    @cached_property
    def database(self) -> VectorDatabase:
        return open_database(self.installation.settings, self.installation.identity)

    def close(self) -> None:
        for store in self._stores.values():
            store.close()
        if "database" in self.__dict__:  # opened
            self.database.close()
        if "_guessing" in self.__dict__:
            self._guessing.close()

    def store(self, collection: CollectionRecord) -> VectorStore:
        """The collection's vectors, opened once; safe to call from several threads."""
        with self._opening:
            if collection.vectors not in self._stores:
                self._stores[collection.vectors] = self.database.open(collection.vectors, collection.space.dimension)
            return self._stores[collection.vectors]

    def opened_store(self, collection: CollectionRecord) -> VectorStore | None:
        """The collection's vectors where they are open already, for those who would not wait for that."""
        return self._stores.get(collection.vectors)

    def drop_vectors(self, collection: CollectionRecord) -> None:
        """Forgets all vectors of a collection; the catalog still has them."""
        with self._opening:
            store = self._stores.pop(collection.vectors, None)
            if store is not None:
                store.close()
            self.database.drop(collection.vectors)

    def search_service(
        self, collection: CollectionRecord, rerank: Reranking = Reranking.AUTO, reranker: str | None = None
    ) -> SearchService:
        """What answers queries; `rerank` is what the query asks for, since a reranker may have to be loaded first.

        `reranker` names another one than the settings'.
        """
        name = collection.space.encoder
        encoder = self.installation.encoder_of(collection)
        stage = self._rerankers.stage(name, encoder, rerank, reranker)
        return SearchService(
            encoder,
            self.store(collection),
            self.installation.library(collection),
            self.installation.images,
            self.installation.instructions,
            lambda query, target: remarks_on(name, query, target),
            self._embed(encoder),
            lambda query, target: band_cuts(name, query, target),
            stage,
            self._guessing.stage,
            lambda: None if stage is None else self.installation.calibrations.find(collection, named(stage.reranker)),
            lambda query, target: words_help(name, query, target),
        )

    def reranker(self, collection: CollectionRecord, name: str | None) -> Reranker:
        """The one of the settings, or another by name. Raises UsageError, ModelUnavailable."""
        return self._rerankers.named(name, self.installation.encoder_of(collection))

    def _embed(self, encoder: Encoder) -> Embed:
        with self._opening:
            if encoder.space not in self._embeds:
                self._embeds[encoder.space] = self._embedding(encoder, self.installation.images)
            return self._embeds[encoder.space]

    def writer(self, collection: CollectionRecord) -> Writer:
        """Writes to the collection; opens its vectors only when there is something to write."""
        return Writer(
            self.installation.ledger(collection),
            self.installation.library(collection),
            lambda: self.store(collection),
            DocumentEncoder(self.installation.encoder_of(collection), self.installation.images),
            self.installation.thumbnails,
            Beside([self._other(one) for one in self.installation.others(collection)]),
        )

    def _other(self, collection: CollectionRecord) -> OtherSpace:
        return OtherSpace(self.installation.library(collection), lambda: self.store(collection))

    def reembedding(
        self, collection: CollectionRecord, encoder: Encoder, sink: Sink, stop: threading.Event, hurry: threading.Event | None = None
    ) -> Reembedding:
        """For a collection seen through the space that is filled, with that space's encoder."""
        return Reembedding(
            self.installation.filling(collection),
            self.installation.library(collection),
            lambda: self.store(collection),
            encoder,
            self.installation.images,
            sink=sink,
            stop=stop,
            workers=self.installation.settings.workers,
            hurry=hurry,
        )

    def ingest(
        self, collection: CollectionRecord, request: Request, sink: Sink, stop: threading.Event, hurry: threading.Event | None = None
    ) -> Ingest:
        ledger, encoder = self.installation.ledger(collection), self.installation.encoder_of(collection)
        return Ingest(
            request,
            ledger,
            DocumentEncoder(encoder, self.installation.images),
            Loader(ledger, encoder, self.installation.thumbnails, self.installation.images),
            self.writer(collection),
            sink=sink,
            stop=stop,
            workers=self.installation.settings.workers,
            hurry=hurry,
        )

    def patient(self, collection: CollectionRecord) -> Patient:
        """The collection as the doctor sees it, through the space that is searched."""
        ledger = self.installation.ledger(collection)
        return Patient(
            self.installation.library(collection),
            ledger,
            self.store(collection),
            self.installation.words(collection),
            self.installation.thumbnails,
            self.installation.images,
            outermost(walked_before(ledger.walked())),
        )
