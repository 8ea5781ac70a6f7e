"""Putting vectors back: a lost or damaged vector store is filled from the catalog, without encoding anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from uniir.protocols import Archive, Points, StoredVector, VectorStore


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many vectors were written, and which documents the catalog keeps no vector of."""

    written: int
    without_vector: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """How many vectors were written and taken out, and which documents neither side has a vector of."""

    written: int
    removed: int
    without_vector: tuple[int, ...]


def rebuild(archive: Archive, empty_store: VectorStore) -> Rebuilt:
    """Writes every stored vector into an empty store. Raises StoreUnavailable; may be run again."""
    without: list[int] = []

    def pages() -> Iterator[Points]:
        for page in archive.stored_vectors():
            without.extend(row.document for row in page if row.vector is None)
            points = _points(page)
            if points.ids:
                yield points

    return Rebuilt(empty_store.fill(pages()), tuple(without))


def settle(archive: Archive, store: VectorStore) -> Settled:
    """Makes a store hold the ids that the catalog calls indexed and no others, as after a process that died over it.

    Nothing of it is on disk before the store is finished.
    """
    stored = np.concatenate([np.empty(0, dtype=np.int64), *store.scan()])
    stray = stored
    written = 0
    without: list[int] = []
    for page in archive.indexed_ids():
        lacking = archive.stored_vectors_of(np.setdiff1d(page, stored).tolist())
        written += put_back(lacking, store)
        without += [row.document for row in lacking if row.vector is None]
        stray = np.setdiff1d(stray, page)
    if stray.size:
        store.delete(stray.tolist())
    return Settled(written, stray.size, tuple(without))


def put_back(rows: Sequence[StoredVector], store: VectorStore) -> int:
    """Writes the catalog's vectors to the store and returns how many there were."""
    points = _points(rows)
    if points.ids:
        store.upsert(points)
    return len(points.ids)


def _points(rows: Sequence[StoredVector]) -> Points:
    kept = [(row, row.vector) for row in rows if row.vector is not None]
    vectors = np.stack([vector for _, vector in kept]).astype(np.float32) if kept else np.empty((0, 0), np.float32)
    return Points([row.document for row, _ in kept], vectors, [row.modality for row, _ in kept], [row.metadata for row, _ in kept])
