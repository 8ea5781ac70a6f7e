"""Rebuild: a lost or damaged vector store is filled anew from the catalog, without encoding anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uniir.protocols import Archive, VectorStore


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many vectors were written, and which documents the catalog keeps no vector of."""

    written: int
    without_vector: tuple[int, ...]


def rebuild(archive: Archive, empty_store: VectorStore) -> Rebuilt:
    """Writes every stored vector into an empty store. Raises StoreUnavailable; may be run again."""
    written = 0
    without: list[int] = []
    for page in archive.stored_vectors():
        rows = [row for row in page if row.vector is not None]
        without += [row.document for row in page if row.vector is None]
        if rows:
            vectors = np.stack([row.vector for row in rows if row.vector is not None]).astype(np.float32)
            empty_store.upsert([row.document for row in rows], vectors, [row.modality for row in rows])
            written += len(rows)
    empty_store.finish()
    return Rebuilt(written, tuple(without))
