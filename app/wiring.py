"""The one place that puts things together: from settings to encoders, stores and use cases."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TypeAlias

from sqlalchemy import URL

from app.reranking import Rerankers
from encoders.arithmetic import ArithmeticEncoder
from encoders.bands import band_cuts
from encoders.catalogue import load_encoder, remarks_on
from ingest.changes import Request, outermost, walked_before
from ingest.doctor import Patient
from ingest.events import Sink
from ingest.loading import Loader
from ingest.pipeline import Ingest
from ingest.walk import IGNORE_FILE
from ingest.writing import Writer
from models.devices import Device
from search.embedding import Embed, EncodeAtOnce
from search.service import SearchService
from storage.databases import ExactDatabase, MilvusDatabase, VectorDatabase
from storage.ownership import Ownership
from storage.sql.browsing import SqlBrowser
from storage.sql.collections import CollectionRecord, SqlCollections
from storage.sql.engines import Engines, open_catalog
from storage.sql.jobs import SqlJobs
from storage.sql.judgments import SqlJudgments
from storage.sql.ledger import SqlLedger
from storage.sql.library import SqlLibrary, unused_pictures
from storage.thumbnails import Thumbnails
from uniir.errors import ModelUnavailable, StoreUnavailable
from uniir.images import FileImages
from uniir.instructions import Instructions, load_instructions
from uniir.protocols import Encoder, ImageLoader, VectorStore
from uniir.queries import Reranking
from uniir.settings import Settings

Embedding: TypeAlias = Callable[[Encoder, ImageLoader], Embed]


class Installation:
    """A data directory with its catalog open. Vectors need the directory to be owned; see `owned`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        try:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            ignore_file = settings.data_dir / IGNORE_FILE
            if not ignore_file.exists():  # our own pictures are nobody's corpus, wherever the directory lies
                ignore_file.write_text("*\n")
        except OSError as error:
            raise StoreUnavailable(
                f"The data directory {settings.data_dir} can't be made: {error.strerror or error}.",
                "Choose another with `--data-dir` or UNIIR_DATA_DIR.",
            ) from error
        self._engines: Engines = open_catalog(URL.create("sqlite", database=str(settings.catalog_file)))
        self._encoders: dict[tuple[str, str], Encoder] = {}
        self._loading = threading.Lock()
        self.collections = SqlCollections(self._engines)
        self.thumbnails = Thumbnails(settings.thumbnails_directory)
        self.images = FileImages(settings.pixel_limit)

    def close(self) -> None:
        self._engines.close()

    @cached_property
    def instructions(self) -> Instructions:
        return load_instructions(self.settings.instructions_file)

    def encoder(self, name: str, dtype: str | None = None) -> Encoder:
        """The encoder of this name, loaded once; safe to call from several threads. Raises UsageError, ModelUnavailable."""
        dtype = dtype or self.settings.dtype
        with self._loading:
            if (name, dtype) not in self._encoders:
                self._encoders[name, dtype] = self._load_encoder(name, dtype)
            return self._encoders[name, dtype]

    def _load_encoder(self, name: str, dtype: str) -> Encoder:
        if name == "arithmetic":
            return ArithmeticEncoder()
        device = Device(self.settings.device, dtype, self.settings.threads)
        try:
            return load_encoder(name, device, self.settings.models_dir)
        except ImportError as error:
            way_out = "Install `uniir[local]`."
            raise ModelUnavailable(f"The encoder {name!r} needs {error.name}, which is not installed.", way_out) from None

    def encoder_of(self, collection: CollectionRecord) -> Encoder:
        """The encoder a collection was made with; raises SpaceMismatch where it is no longer the same."""
        encoder = self.encoder(collection.space.encoder, collection.space.dtype)  # not what is fastest here, but what was used there
        collection.space.require(encoder.space)
        return encoder

    def collection(self, name: str | None) -> CollectionRecord:
        """The collection of this name, or the one of the settings. Raises NotFound."""
        return self.collections.get(name if name is not None else self.settings.collection)

    def collection_for_ingest(self, name: str, encoder: str | None = None) -> CollectionRecord:
        """The collection, made with this encoder, or the one of the settings, if it is new."""
        known = self.collections.find(name)
        chosen = self.encoder_of(known) if known is not None else self.encoder(encoder or self.settings.encoder)
        return self.collections.get_or_create(name, chosen.space)

    def unused_pictures(self, hashes: Sequence[str]) -> Sequence[str]:
        """Those of the pictures that no document of any collection shows."""
        return unused_pictures(self._engines, hashes)

    def ledger(self, collection: CollectionRecord) -> SqlLedger:
        return SqlLedger(self._engines, collection, keep_vectors=self.settings.keep_vectors)

    def library(self, collection: CollectionRecord) -> SqlLibrary:
        return SqlLibrary(self._engines, collection)

    @cached_property
    def browser(self) -> SqlBrowser:
        return SqlBrowser(self._engines)

    @cached_property
    def judgments(self) -> SqlJudgments:
        return SqlJudgments(self._engines)

    @cached_property
    def jobs(self) -> SqlJobs:
        return SqlJobs(self._engines)


class OwnedInstallation:
    """An installation whose vectors may be opened, because this process owns the directory."""

    def __init__(self, installation: Installation, embedding: Embedding = EncodeAtOnce) -> None:
        """`embedding` makes what encodes queries, once for each encoder."""
        self.installation = installation
        self._embedding = embedding
        self._embeds: dict[str, Embed] = {}
        self._rerankers = Rerankers(installation.settings, installation.encoder)
        self._stores: dict[str, VectorStore] = {}
        self._opening = threading.Lock()

    @cached_property
    def database(self) -> VectorDatabase:
        directory = self.installation.settings.vectors_directory
        return MilvusDatabase(directory) if self.installation.settings.vector_store == "milvus" else ExactDatabase(directory)

    def close(self) -> None:
        for store in self._stores.values():
            store.close()
        if "database" in self.__dict__:  # opened
            self.database.close()

    def store(self, collection: CollectionRecord) -> VectorStore:
        """The collection's vectors, opened once; safe to call from several threads."""
        with self._opening:
            if collection.vectors not in self._stores:
                self._stores[collection.vectors] = self.database.open(collection.vectors, collection.space.dimension)
            return self._stores[collection.vectors]

    def drop_vectors(self, collection: CollectionRecord) -> None:
        """Forgets all vectors of a collection; the catalog still has them."""
        with self._opening:
            store = self._stores.pop(collection.vectors, None)
            if store is not None:
                store.close()
            self.database.drop(collection.vectors)

    def search_service(self, collection: CollectionRecord, rerank: Reranking = Reranking.AUTO) -> SearchService:
        """What answers queries; `rerank` is what the query asks for, since a reranker may have to be loaded first."""
        name = collection.space.encoder
        encoder = self.installation.encoder_of(collection)
        return SearchService(
            encoder,
            self.store(collection),
            self.installation.library(collection),
            self.installation.images,
            self.installation.instructions,
            lambda query, target: remarks_on(name, query, target),
            self._embed(name, encoder),
            lambda query, target: band_cuts(name, query, target),
            self._rerankers.stage(name, encoder, rerank),
        )

    def _embed(self, name: str, encoder: Encoder) -> Embed:
        with self._opening:
            if name not in self._embeds:
                self._embeds[name] = self._embedding(encoder, self.installation.images)
            return self._embeds[name]

    def writer(self, collection: CollectionRecord) -> Writer:
        """Writes to the collection; opens its vectors only when there is something to write."""
        return Writer(
            self.installation.ledger(collection),
            self.installation.library(collection),
            lambda: self.store(collection),
            self.installation.encoder_of(collection),
            self.installation.thumbnails,
            self.installation.images,
        )

    def ingest(
        self, collection: CollectionRecord, request: Request, sink: Sink, stop: threading.Event, hurry: threading.Event | None = None
    ) -> Ingest:
        ledger, encoder = self.installation.ledger(collection), self.installation.encoder_of(collection)
        return Ingest(
            request,
            ledger,
            encoder,
            Loader(ledger, encoder, self.installation.thumbnails, self.installation.images),
            self.writer(collection),
            sink=sink,
            stop=stop,
            workers=self.installation.settings.workers,
            hurry=hurry,
        )

    def patient(self, collection: CollectionRecord) -> Patient:
        """The collection as the doctor sees it."""
        ledger = self.installation.ledger(collection)
        return Patient(
            self.installation.library(collection),
            ledger,
            self.store(collection),
            self.installation.thumbnails,
            self.installation.images,
            outermost(walked_before(ledger.walked())),
        )


@contextmanager
def opened(settings: Settings) -> Iterator[Installation]:
    """The installation, for what the catalog alone can answer; needs no ownership."""
    installation = Installation(settings)
    try:
        yield installation
    finally:
        installation.close()


@contextmanager
def installed(settings: Settings, embedding: Embedding = EncodeAtOnce) -> Iterator[OwnedInstallation]:
    """The installation with its vectors, for who holds the directory's Ownership."""
    with opened(settings) as installation:
        everything = OwnedInstallation(installation, embedding)
        try:
            yield everything
        finally:
            everything.close()


@contextmanager
def owned(settings: Settings, command: str) -> Iterator[OwnedInstallation]:
    """The installation with its vectors. Raises DirectoryInUse where another process owns the directory for too long."""
    with Ownership(settings.data_dir, command, wait_seconds=settings.wait_seconds), installed(settings) as everything:
        yield everything
