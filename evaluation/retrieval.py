"""The two ways to an answer: exact search over embeddings on disk, and the application's own search over a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evaluation import gate, pools
from evaluation.embedding import Entries, Told, embedded, listed
from evaluation.gate import SelfRetrieval
from evaluation.nearest import nearest
from evaluation.pools import Pool
from uniir.documents import Document
from uniir.errors import QueryError
from uniir.protocols import Encoder, ImageLoader
from uniir.queries import Query
from uniir.spaces import VectorSpace


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for each query, best first: dids beside scores ([queries, depth], -inf beyond the end), and what failed."""

    ranked: Sequence[Sequence[str]]
    scores: NDArray[np.float32]
    failed: frozenset[int]


class Retrieval(Protocol):
    """How queries are answered. `name` and `digest` tell pools and queries apart from others."""

    @property
    def space(self) -> VectorSpace: ...

    def pool(self, files: Sequence[Path], name: str, digest: str, seed: int) -> tuple[Pool, SelfRetrieval]:
        """The pool of these files, ready to be searched, and the check that it is. Raises PipelineBroken."""
        ...

    def found(self, queries: Entries, name: str, digest: str, pool: Pool, depth: int) -> Found: ...


class ExactRetrieval:
    """Embeds what is not embedded yet under a directory, and searches exactly. `told` hears of each name how many rows are done."""

    def __init__(self, root: Path, encoder: Encoder, images: ImageLoader, work: Path, told: ToldOf) -> None:
        self._root, self._encoder, self._images, self._told = root, encoder, images, told
        self._work = work / encoder.space.fingerprint

    @property
    def space(self) -> VectorSpace:
        return self._encoder.space

    def pool(self, files: Sequence[Path], name: str, digest: str, seed: int) -> tuple[Pool, SelfRetrieval]:
        directory = self._work / "pools" / f"{name}-{digest}"
        done = embedded(lambda: pools.entries_of(self._root, files), self._encoder, self._images, directory, self._telling(name))
        pool = Pool(self._root, files, done)
        return pool, gate.self_retrieval(pool, self._encoder, self._images, seed)

    def found(self, queries: Entries, name: str, digest: str, pool: Pool, depth: int) -> Found:
        directory = self._work / "queries" / f"{name}-{digest}"
        asked = embedded(queries, self._encoder, self._images, directory, self._telling(name))
        rows, scores = nearest(asked.vectors, pool.embedded.vectors, depth)
        ranked = [[pool.embedded.id_of(row) for row in line if row >= 0] for line in rows.tolist()]
        return Found(ranked, scores, frozenset(one.row for one in asked.failures))

    def _telling(self, name: str) -> Told:
        return lambda done, whole: self._told(name, done, whole)


class Application(Protocol):
    """The application's search, over a collection whose documents carry M-BEIR's dids as external ids."""

    @property
    def space(self) -> VectorSpace: ...

    def find(self, query: Query) -> Sequence[tuple[str, float]]:
        """External ids with scores, best first; a name that is no did for a document without one. Raises QueryError."""
        ...

    def nearest_to(self, document: Document) -> str | None:
        """The external id of the document nearest to this one's own vector; None where it can't be encoded."""
        ...


class ApplicationRetrieval:
    """Puts every query to the application, as a person would: whatever index, offsets and reranking it uses are measured with it."""

    def __init__(self, root: Path, application: Application, work: Path, told: ToldOf) -> None:
        self._root, self._application, self._work, self._told = root, application, work, told

    @property
    def space(self) -> VectorSpace:
        return self._application.space

    def pool(self, files: Sequence[Path], name: str, digest: str, seed: int) -> tuple[Pool, SelfRetrieval]:
        listing = listed(lambda: pools.entries_of(self._root, files), self._work / "lists" / f"{name}-{digest}")
        pool = Pool(self._root, files, listing)
        return pool, gate.self_retrieval_by(pool, self._application.nearest_to, seed)

    def found(self, queries: Entries, name: str, digest: str, pool: Pool, depth: int) -> Found:
        ranked: list[list[str]] = []
        scores: list[NDArray[np.float32]] = []
        failed = set()
        entries = list(queries())
        for number, entry in enumerate(entries):
            hits: Sequence[tuple[str, float]] = ()
            if isinstance(entry.item, Query):
                try:
                    # A target would filter; the papers' searches are steered by the instruction alone.
                    hits = self._application.find(replace(entry.item, target=None, k=depth))
                except QueryError:
                    failed.add(number)
            else:
                failed.add(number)
            ranked.append([did for did, _ in hits])
            line = np.full(depth, -np.inf, np.float32)
            line[: len(hits)] = [score for _, score in hits]
            scores.append(line)
            self._told(name, number + 1, len(entries))
        return Found(ranked, np.stack(scores), frozenset(failed))


class ToldOf(Protocol):
    """Hears how many rows of how many of a name are done."""

    def __call__(self, name: str, done: int, whole: int, /) -> None: ...
