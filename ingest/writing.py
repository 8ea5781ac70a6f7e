"""Writing, in the one order that loses nothing.

New and changed: rows as pending, then the vector store, then the rows as indexed. Deleted: rows as deleting, then the
vector store, then the rows away. Whatever dies wherever, running again finishes the work, and nothing is searchable
that has no row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ingest.beside import Beside
from ingest.encoding import DocumentEncoder
from ingest.loading import ThumbnailWriter
from ingest.rebuild import put_back, settle
from uniir.documents import Document
from uniir.errors import UniirError
from uniir.ledger import Failure, Ledger, SourceDraft
from uniir.protocols import Archive, Points, VectorStore


class Writer:
    """Writes to catalog, vector store and thumbnails. `open_store` is called only when there is something to write."""

    def __init__(
        self,
        ledger: Ledger,
        archive: Archive,
        open_store: Callable[[], VectorStore],
        encoder: DocumentEncoder,
        thumbnails: ThumbnailWriter,
        beside: Beside | None = None,
    ) -> None:
        self._ledger = ledger
        self._archive = archive
        self._open_store = open_store
        self._encoder = encoder
        self._thumbnails = thumbnails
        self._beside = beside or Beside()
        self._unfinished = False
        self._indexed = 0
        self._left_pictures: set[str] = set()

    @property
    def indexed(self) -> int:
        """Documents brought into the vector store so far."""
        return self._indexed

    @cached_property
    def _store(self) -> VectorStore:
        return self._open_store()

    def open(self) -> None:
        """Opens the vector store; a store that can't be opened says so when it is written to."""
        with suppress(UniirError):
            _ = self._store

    def write(self, drafts: Sequence[SourceDraft], vectors: Mapping[str, NDArray[np.float16]]) -> Sequence[Failure]:
        """Records sources and indexes what is new in them; `vectors` by fingerprint. Returns the refused."""
        recording = self._ledger.record(drafts)
        self._beside.delete(recording.outdated)
        self._index(recording.pending, vectors)
        self.delete(recording.deleting)
        self._left_pictures.update(recording.left_pictures)
        return recording.refused

    def remove_sources(self, sources: Sequence[int]) -> None:
        """Takes sources away with all their documents."""
        self.delete(self._ledger.retire(sources))

    def remove_documents(self, documents: Sequence[int]) -> None:
        """Takes single documents away."""
        self._ledger.retire_documents(documents)
        self.delete(documents)

    def remove_pending(self, sources: Sequence[int]) -> None:
        """Takes away what a run that died left of sources that can't be read any more."""
        self.delete(self._ledger.retire_pending(sources))

    def delete(self, documents: Sequence[int]) -> None:
        """Takes documents that are hidden already out of the vector store and the catalog, and their thumbnails away."""
        if not documents:
            return
        self._unfinished = True
        self._store.delete(documents)
        self._beside.delete(documents)
        self._left_pictures.update(self._ledger.forget(documents))

    def finish_deletes(self) -> None:
        """Carries out deletions that an earlier run left half done."""
        self.delete(self._ledger.unfinished_deletes())

    def finish_leftovers(self, *, resuming: bool) -> None:
        """What an earlier run left half done: deletions are carried out, sources with pending documents read again."""
        self._unfinished = resuming
        if resuming:
            self._settle_with_store()
            self._left_pictures.update(self._thumbnails.hashes())
        self.finish_deletes()
        self._ledger.reopen_unfinished()

    def _settle_with_store(self) -> None:
        """A process that died may take along what its store had not written yet: vectors of indexed rows, and deletions."""
        put_back(self._archive.stored_vectors_of(self._ledger.touched_since_done()), self._store)
        settle(self._archive, self._store)
        self._beside.settle()

    def finish(self) -> None:
        """Has the vector store build its index, if anything was written, and takes away thumbnails that nobody needs now.

        Not before the end: a picture that one source gave up may just be on its way in from another.
        """
        if self._unfinished:
            self._store.finish()
            self._unfinished = False
        self._beside.finish()
        for sha256 in self._ledger.unused_pictures(sorted(self._left_pictures)):
            self._thumbnails.remove(sha256)
        self._left_pictures.clear()

    @property
    def has_unfinished(self) -> bool:
        return self._unfinished

    def _index(self, pending: Sequence[Document], vectors: Mapping[str, NDArray[np.float16]]) -> None:
        unknown = [document for document in pending if document.fingerprint not in vectors]
        if unknown:  # pending from a run that died, and met again under another name
            vectors = {**vectors, **self._encoder.read(unknown).vectors}
        ready = [document for document in pending if document.fingerprint in vectors]
        if not ready:
            return
        self._unfinished = True
        # the store gets what the catalog keeps, half precision and all, so that a rebuilt store is identical
        self._store.upsert(Points.of(ready, (vectors[document.fingerprint] for document in ready)))
        self._indexed += len(ready)
        self._ledger.mark_indexed({document.id: vectors[document.fingerprint] for document in ready})
