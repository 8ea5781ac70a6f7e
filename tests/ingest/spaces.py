"""A second space beside the one of a world: another encoder, a store of its own, the same catalog."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from ingest.beside import OtherSpace
from ingest.reembedding import Filled, Reembedding
from storage.exact import ExactVectors
from storage.sql.filling import SqlFilling
from storage.sql.ledger import SqlLedger
from storage.sql.library import SqlLibrary
from storage.sql.rows import to_document
from storage.sql.schema import documents, sources
from storage.sql.spaces import Coverage, SqlSpaces, within
from tests.ingest.faults import Death, Fuse, Guarded
from tests.worlds import World
from uniir.documents import Document
from uniir.ledger import Filling
from uniir.protocols import Encoder, VectorStore


class Second:
    """Stands beside `world` from now on, and is volatile where the world is."""

    def __init__(self, world: World, encoder: Encoder) -> None:
        self.world = world
        self.encoder = encoder
        self.spaces = SqlSpaces(world.engines)
        self.record = self.spaces.add(world.record, encoder.space)
        seen = within(world.record, self.record)
        self.filling: Filling = SqlFilling(world.engines, seen)
        self.library = SqlLibrary(world.engines, seen)
        self.store: VectorStore = self._open_store()
        world.others.append(OtherSpace(self.library, lambda: self.store))

    def _open_store(self) -> ExactVectors:
        file = self.world.place / "data" / f"vectors-{self.record.id}.npz" if self.world.volatile else None
        return ExactVectors(self.encoder.space.dimension, file)

    def forget_unfinished_vectors(self) -> None:
        self.store = self._open_store()

    def fill(self, stop: threading.Event | None = None) -> Filled:
        return Reembedding(
            self.filling,
            self.library,
            lambda: self.store,
            self.encoder,
            self.world.images,
            sink=self.world.sink,
            stop=stop or threading.Event(),
            workers=2,
        ).run()

    def fill_dies_after(self, calls: int) -> Fuse:
        """A run that dies after so many calls, or ends before."""
        fuse = Fuse(calls)
        whole = self.filling, self.library, self.store
        self.filling, self.library, self.store = (Guarded(part, fuse) for part in whole)  # type: ignore[assignment]
        try:
            self.fill()
        except Death:
            pass
        finally:
            self.filling, self.library, self.store = whole
        if fuse.blown and self.world.volatile:
            self.forget_unfinished_vectors()
        return fuse

    @property
    def coverage(self) -> Coverage:
        return self.spaces.coverage(self.world.record, self.record)

    def indexed(self) -> NDArray[np.int64]:
        return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *self.library.indexed_ids()]))

    def stored(self) -> NDArray[np.int64]:
        return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *self.store.scan()]))

    def ingest_dies_after(self, calls: int) -> bool:
        """An ingest of the world that dies after so many calls, of this space's store too; whether it did."""
        fuse = Fuse(calls)
        world, whole = self.world, self.store
        parts = world.ledger, world.library, world.store, world.thumbnails
        world.ledger, world.library, world.store, world.thumbnails = (Guarded(part, fuse) for part in parts)  # type: ignore[assignment]
        self.store = Guarded(whole, fuse)
        try:
            world.ingest(prune=True)
        except Death:
            pass
        finally:
            world.ledger, world.library, world.store, world.thumbnails = parts
            self.store = whole
        if fuse.blown and world.volatile:
            world.forget_unfinished_vectors()
            self.forget_unfinished_vectors()
        return fuse.blown

    def promote(self) -> None:
        """From now on the world's own space, with what it knows of itself."""
        world = self.world
        self.spaces.switch(world.record, self.record, self.coverage)
        world.record = within(world.record, self.record)
        before = world.library, world.store
        world.encoder, world.store, world.library = self.encoder, self.store, self.library
        world.ledger = SqlLedger(world.engines, world.record)
        world.others[:] = [OtherSpace(before[0], lambda: before[1])]

    def all_documents(self) -> Sequence[Document]:
        """Every document of the catalog, searchable or not."""
        with self.world.engines.reading() as connection:
            query = select(documents, sources.c.root, sources.c.path).join(sources, sources.c.id == documents.c.source_id)
            return [to_document(row, row["root"], row["path"]) for row in connection.execute(query).mappings()]
