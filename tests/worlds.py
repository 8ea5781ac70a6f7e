"""A corpus and a collection made of real parts: SQLite, an exact vector store, thumbnails, and the arithmetic encoder."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.arithmetic import ArithmeticEncoder
from ingest.beside import Beside, OtherSpace
from ingest.changes import Request, outermost, walked_before
from ingest.doctor import Finding, Patient, examine, orphan_thumbnails
from ingest.encoding import DocumentEncoder
from ingest.events import Counts, Sink
from ingest.loading import Loader
from ingest.pipeline import Ingest
from ingest.scopes import resolve_scopes
from ingest.writing import Writer
from storage.exact import ExactVectors
from storage.sql.collections import CollectionRecord, SqlCollections
from storage.sql.databases.engines import Engines, open_catalog
from storage.sql.ledger import SqlLedger
from storage.sql.lexical.index import SqlLexicalIndex
from storage.sql.library import SqlLibrary, unused_pictures
from storage.thumbnails import Thumbnails
from tests.folders import Tree, lay
from uniir.documents import Document
from uniir.images import FileImages
from uniir.ledger import Failure, Ledger
from uniir.protocols import Encoder, VectorStore


@cache
def migrated_catalog() -> Path:
    """An empty catalog that was migrated once for the whole test run; copying it takes a millisecond."""
    directory = Path(tempfile.mkdtemp(prefix="uniir-tests-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    open_catalog(f"sqlite:///{directory / 'catalog.sqlite'}").close()
    return directory / "catalog.sqlite"


def fresh_sqlite(file: Path) -> str:
    """The address of an empty catalog at this place, or of the one that is there."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(migrated_catalog(), file)
    return f"sqlite:///{file}"


def open_fresh_catalog(file: Path) -> Engines:
    """Engines on an empty catalog at this place, or on the one that is there."""
    return open_catalog(fresh_sqlite(file))


class World:
    """One collection beside one corpus. Parts can be replaced: a ledger or a store that fails, another encoder.

    A `volatile` store has in its file what was finished, and loses the rest with its process. `catalog` is the address of a database;
    SQLite beside the corpus where none is given.
    """

    def __init__(
        self,
        place: Path,
        tree: Tree | None = None,
        *,
        encoder: Encoder | None = None,
        collection: str = "default",
        keep_vectors: bool = True,
        images: FileImages | None = None,
        volatile: bool = False,
        catalog: str | None = None,
    ) -> None:
        self.place = place.resolve()
        self.corpus = lay(self.place / "corpus", tree or {})
        self.encoder: Encoder = encoder or ArithmeticEncoder()
        self.engines = open_catalog(catalog or fresh_sqlite(self.place / "data" / "catalog.sqlite"))
        self.collections = SqlCollections(self.engines)
        self.record: CollectionRecord = self.collections.get_or_create(collection, self.encoder.space)
        self.ledger: Ledger = SqlLedger(self.engines, self.record, keep_vectors=keep_vectors)
        self.library = SqlLibrary(self.engines, self.record)
        self.words = SqlLexicalIndex(self.engines, self.record)
        self.volatile = volatile
        self.store: VectorStore = self._open_store()
        self.thumbnails = Thumbnails(self.place / "data" / "thumbnails")
        self.images = images or FileImages()
        self.sink: Sink = lambda event: None
        self.others: list[OtherSpace] = []

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.engines.close()

    def forget_unfinished_vectors(self) -> None:
        """What the death of a process does to a volatile store."""
        self.store = self._open_store()

    def _open_store(self) -> ExactVectors:
        return ExactVectors(self.encoder.space.dimension, self.place / "data" / "vectors.npz" if self.volatile else None)

    def lay(self, tree: Tree) -> None:
        """More files for the corpus."""
        lay(self.corpus, tree)

    def ingest(
        self,
        *paths: Path | str,
        prune: bool = False,
        retry: bool = False,
        exclude: Sequence[str] = (),
        stop: threading.Event | None = None,
    ) -> Counts:
        """Runs an ingest of paths below the corpus, or of all of it."""
        return self.job(*paths, prune=prune, retry=retry, exclude=exclude, stop=stop).run()

    def job(
        self,
        *paths: Path | str,
        prune: bool = False,
        retry: bool = False,
        exclude: Sequence[str] = (),
        stop: threading.Event | None = None,
    ) -> Ingest:
        named = [self.corpus / path for path in paths] or [self.corpus]
        request = Request(resolve_scopes(named, self.ledger), tuple(exclude), prune=prune, retry=retry)
        return Ingest(
            request,
            self.ledger,
            self.document_encoder,
            Loader(self.ledger, self.encoder, self.thumbnails, self.images),
            self.writer(),
            sink=self.sink,
            stop=stop or threading.Event(),
            workers=2,
        )

    def writer(self) -> Writer:
        beside = Beside(self.others)
        return Writer(self.ledger, self.library, lambda: self.store, self.document_encoder, self.thumbnails, beside)

    @property
    def document_encoder(self) -> DocumentEncoder:
        return DocumentEncoder(self.encoder, self.images)

    def documents(self) -> dict[str, Document]:
        """Every searchable document by its place in the corpus: `notes/long.txt#chars=0-90`."""
        found = self.library.documents(self.indexed().tolist()).values()
        named = {self._place_of(document): document for document in found}
        assert len(named) == len(found), "two documents stand at one place"
        return named

    def ids(self) -> dict[str, int]:
        """The id of every searchable document by its place."""
        return {place: document.id for place, document in self.documents().items()}

    def indexed(self) -> NDArray[np.int64]:
        return _joined(self.library.indexed_ids())

    def stored(self) -> NDArray[np.int64]:
        return _joined(self.store.scan())

    def failures(self) -> dict[str, str]:
        """The code of every input in quarantine by its place."""
        return {self._place(failure.key.file, failure.key.locator): failure.code for failure in self.library.failures()}

    def findings(self) -> list[Finding]:
        """What the doctor finds, stray thumbnails included."""
        requests = outermost(walked_before(self.ledger.walked()))
        patient = Patient(self.library, self.ledger, self.store, self.words, self.thumbnails, self.images, requests)
        return [*examine(patient), *orphan_thumbnails(self.thumbnails, lambda hashes: unused_pictures(self.engines, hashes))]

    def checks(self) -> list[str]:
        return [finding.check for finding in self.findings()]

    def failed(self, counts: Counts) -> dict[str, str]:
        """The code of every failure of a run by its place."""
        return {self.place_of(failure): failure.code for failure in counts.failed}

    def place_of(self, failure: Failure) -> str:
        return self._place(failure.key.file, failure.key.locator)

    def _place_of(self, document: Document) -> str:
        return self._place(document.source.file, document.source.locator)

    def _place(self, file: Path, locator: str | None) -> str:
        relative = file.relative_to(self.corpus).as_posix() if file.is_relative_to(self.corpus) else file.as_posix()
        return f"{relative}#{locator}" if locator else relative


def _joined(blocks: Iterator[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *blocks]))
