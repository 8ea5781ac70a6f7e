"""A data directory with its catalog open: what needs no vectors."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property

from sqlalchemy import URL, make_url

from encoders.arithmetic import ArithmeticEncoder
from encoders.catalogue import load_encoder
from encoders.processes import SpreadEncoder, start_crew
from ingest.walk import IGNORE_FILE
from models.devices import Device
from storage.sql.browsing import SqlBrowser
from storage.sql.collections import CollectionRecord, SqlCollections
from storage.sql.databases.engines import Engines, open_catalog
from storage.sql.filling import SqlFilling
from storage.sql.jobs.jobs import SqlJobs
from storage.sql.jobs.presence import Presence
from storage.sql.jobs.turns import SqlTurns
from storage.sql.judgments.calibrations import SqlCalibrations
from storage.sql.judgments.judgments import SqlJudgments
from storage.sql.ledger import SqlLedger
from storage.sql.lexical.index import SqlLexicalIndex
from storage.sql.library import SqlLibrary, unused_pictures
from storage.sql.spaces import SqlSpaces, within
from storage.sql.transfer import SqlTransfer
from storage.thumbnails import Thumbnails
from uniir.errors import ModelUnavailable, StoreUnavailable
from uniir.filter_language import Key
from uniir.images import FileImages
from uniir.instructions import Instructions, load_instructions
from uniir.protocols import Encoder
from uniir.settings import Settings
from uniir.spaces import SpaceState


def catalog_of(settings: Settings) -> URL:
    """Where the catalog lies: in the database that is named, or in a file of the data directory."""
    if settings.catalog_url is not None:
        return make_url(settings.catalog_url.get_secret_value())
    return URL.create("sqlite", database=str(settings.catalog_file))


class Installation:
    """A data directory with its catalog open. Vectors need the directory to be owned; see `owned`."""

    def __init__(self, settings: Settings, engines: Engines | None = None) -> None:
        """`engines` are those of a catalog that is open already."""
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
        self._engines: Engines = engines or open_catalog(catalog_of(settings))
        self._encoders: dict[tuple[str, str], Encoder] = {}
        self._loading = threading.Lock()
        self.collections = SqlCollections(self._engines)
        self.spaces = SqlSpaces(self._engines)
        self.thumbnails = Thumbnails(settings.thumbnails_directory)
        self.images = FileImages(settings.pixel_limit)

    def close(self) -> None:
        for encoder in self._encoders.values():
            if isinstance(encoder, SpreadEncoder):
                encoder.close()
        if "presence" in self.__dict__:  # somebody wanted it known
            self.presence.close()
        self._engines.close()

    @property
    def is_shared(self) -> bool:
        """Whether other processes may work with the same catalog at the same time."""
        return self._engines.is_shared

    @property
    def identity(self) -> str:
        """What tells this installation's vectors from others' on one server."""
        return self._engines.identity()

    @cached_property
    def presence(self) -> Presence:
        return Presence(self._engines, self.settings.lease_seconds)

    @cached_property
    def turns(self) -> SqlTurns:
        """Whose turn it is to change a collection, between processes."""
        return SqlTurns(self._engines, self.presence)

    @cached_property
    def instructions(self) -> Instructions:
        return load_instructions(self.settings.instructions_file)

    def encoder(self, name: str, dtype: str | None = None) -> Encoder:
        """The encoder of this name, loaded once; safe to call from several threads. Raises UsageError, ModelUnavailable."""
        dtype = dtype or self.settings.dtype
        with self._loading:
            if (name, dtype) not in self._encoders:
                loaded = self._load_encoder(name, dtype)
                # `auto` became one of the others: whoever asks for that one by name gets the same
                self._encoders[name, dtype] = self._encoders.setdefault((name, loaded.space.dtype), loaded)
            return self._encoders[name, dtype]

    def _load_encoder(self, name: str, dtype: str) -> Encoder:
        arithmetic = ArithmeticEncoder.named(name)
        if arithmetic is not None:
            return arithmetic
        device = Device(self.settings.device, dtype, self.settings.threads)
        models, processes = self.settings.models_dir, self.settings.processes
        try:
            encoder = load_encoder(name, device, models)
        except ImportError as error:
            way_out = "Install `uniir[local]`."
            raise ModelUnavailable(f"The encoder {name!r} needs {error.name}, which is not installed.", way_out) from None
        if processes == 1:
            return encoder
        return SpreadEncoder(encoder, lambda: start_crew(name, encoder.space, device, models, processes), processes)

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
        engines = self.turns.guarded(collection.name) if self.is_shared else self._engines
        declared = [Key.spelled(key) for key in self.settings.metadata_fields]
        return SqlLedger(engines, collection, keep_vectors=self.settings.keep_vectors, declared=declared)

    def library(self, collection: CollectionRecord) -> SqlLibrary:
        return SqlLibrary(self._engines, collection)

    def words(self, collection: CollectionRecord) -> SqlLexicalIndex:
        return SqlLexicalIndex(self._engines, collection)

    def filling(self, collection: CollectionRecord) -> SqlFilling:
        """For a collection seen through the space that is filled."""
        return SqlFilling(self._engines, collection, keep_vectors=self.settings.keep_vectors)

    def others(self, collection: CollectionRecord) -> Sequence[CollectionRecord]:
        """The collection seen through each of its other spaces, those on their way out left aside."""
        spaces = self.spaces.of(collection)
        return [within(collection, one) for one in spaces if one.id != collection.space_id and one.state is not SpaceState.REMOVING]

    @cached_property
    def transfer(self) -> SqlTransfer:
        return SqlTransfer(self._engines)

    @cached_property
    def browser(self) -> SqlBrowser:
        return SqlBrowser(self._engines)

    @cached_property
    def calibrations(self) -> SqlCalibrations:
        return SqlCalibrations(self._engines)

    @cached_property
    def judgments(self) -> SqlJudgments:
        return SqlJudgments(self._engines)

    @cached_property
    def jobs(self) -> SqlJobs:
        return SqlJobs(self._engines, self.presence)
