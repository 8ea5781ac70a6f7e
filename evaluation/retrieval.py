"""The two ways to an answer: exact search over embeddings on disk, and the application's own search over a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evaluation import gate
from evaluation.complements import Complementing
from evaluation.embedding import Embedded, Entries, Told, embedded, listed
from evaluation.gate import SelfRetrieval
from evaluation.mbeir import pools
from evaluation.mbeir.pools import Pool
from evaluation.nearest import nearest
from evaluation.reading_again import TOP, SecondReading
from uniir.documents import Document
from uniir.protocols import Encoder, ImageLoader
from uniir.queries import Query, Reranking
from uniir.spaces import VectorSpace

_AT_ONCE = 64  # queries that are put to an application together


@dataclass(frozen=True, slots=True)
class Asked:
    """Queries to be answered: `name` and `digest` tell them apart from others, `depth` is how many candidates are wanted."""

    entries: Entries
    name: str
    digest: str
    depth: int


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for each query, best first: dids beside scores ([queries, depth], -inf beyond the end), and what failed.

    `before` is the order before at most `read` hits of a query were read again, `unread` counts queries whose hits could not be;
    `complements` stand beside `ranked`.
    """

    ranked: Sequence[Sequence[str]]
    scores: NDArray[np.float32]
    failed: frozenset[int]
    before: Sequence[Sequence[str]] | None = None
    complements: Sequence[Sequence[str | None]] | None = None
    read: int = 0
    unread: int = 0


class Retrieval(Protocol):
    """How queries are answered."""

    @property
    def space(self) -> VectorSpace: ...

    def pool(self, files: Sequence[Path], name: str, digest: str, seed: int) -> tuple[Pool, SelfRetrieval]:
        """The pool of these files, ready to be searched, and the check that it is. `name` and `digest` tell it apart from others.

        Raises PipelineBroken.
        """
        ...

    def found(self, asked: Asked, pool: Pool) -> Found: ...


class ExactRetrieval:
    """Embeds what is not embedded yet under a directory, and searches exactly. `told` hears of each name how many rows are done."""

    def __init__(
        self,
        root: Path,
        encoder: Encoder,
        images: ImageLoader,
        work: Path,
        told: ToldOf,
        reading: SecondReading | None = None,
        complementing: Complementing | None = None,
    ) -> None:
        self._root, self._encoder, self._images, self._told = root, encoder, images, told
        self._work = work / encoder.space.fingerprint
        self._reading, self._complementing = reading, complementing

    @property
    def space(self) -> VectorSpace:
        return self._encoder.space

    def pool(self, files: Sequence[Path], name: str, digest: str, seed: int) -> tuple[Pool, SelfRetrieval]:
        directory = self._work / "pools" / f"{name}-{digest}"
        done = embedded(lambda: pools.entries_of(self._root, files), self._encoder, self._images, directory, self._telling(name))
        pool = Pool(self._root, files, done)
        return pool, gate.self_retrieval(pool, self._encoder, self._images, seed)

    def found(self, asked: Asked, pool: Pool) -> Found:
        directory = self._work / "queries" / f"{asked.name}-{asked.digest}"
        queries = embedded(asked.entries, self._encoder, self._images, directory, self._telling(asked.name))
        ranked, scores = _nearest(queries, pool, asked.depth)
        before: Sequence[Sequence[str]] | None = None
        read = 0
        if self._reading is not None:
            before = ranked
            more, cosines = _nearest(queries, pool, max(TOP, asked.depth))
            again = self._reading.of(asked.entries, more, cosines, pool, self._telling(f"{asked.name}, read again"))
            ranked = [line[: asked.depth] for line in again.orders]
            scores = _by_place(ranked, asked.depth)
            read = again.most
        complements = None
        if self._complementing is not None:
            telling = self._telling(f"{asked.name}, missing halves")
            complements = self._complementing.of(asked.entries, ranked, pool, directory, self._encoder, self._images, telling)
        return Found(ranked, scores, frozenset(one.row for one in queries.failures), before, complements, read)

    def _telling(self, name: str) -> Told:
        return lambda done, whole: self._told(name, done, whole)


@dataclass(frozen=True, slots=True)
class ApplicationHit:
    """A hit of the application: a did, or a name of its own for a document without one; `complement` is its missing half's."""

    did: str
    score: float
    complement: str | None = None


@dataclass(frozen=True, slots=True)
class ApplicationAnswer:
    """What one query found, best first; None for one that can't be used.

    `read` of its hits were read again; `unread`: that should have been and was not.
    """

    hits: Sequence[ApplicationHit] | None
    read: int = 0
    unread: bool = False


class Application(Protocol):
    """The application's search, over a collection whose documents carry M-BEIR's dids as external ids."""

    @property
    def space(self) -> VectorSpace: ...

    def answers(self, queries: Sequence[Query]) -> Sequence[ApplicationAnswer]:
        """One for each, as if it came alone; all want the same number of hits, reading again and missing halves."""
        ...

    def nearest_to(self, documents: Sequence[Document]) -> Sequence[str | None]:
        """The did of the document nearest to each one's own vector; None where it can't be encoded."""
        ...


class ApplicationRetrieval:
    """Puts every query to the application, as a person would: whatever index, offsets and reranking it uses are measured with it.

    Where hits are read again, each query is put twice, first without.
    """

    def __init__(
        self, root: Path, application: Application, work: Path, told: ToldOf, reranking: Reranking = Reranking.OFF, complement: bool = False
    ) -> None:
        self._root, self._application, self._work, self._told = root, application, work, told
        self._reranking, self._complement = reranking, complement

    @property
    def space(self) -> VectorSpace:
        return self._application.space

    def pool(self, files: Sequence[Path], name: str, digest: str, seed: int) -> tuple[Pool, SelfRetrieval]:
        listing = listed(lambda: pools.entries_of(self._root, files), self._work / "lists" / f"{name}-{digest}")
        pool = Pool(self._root, files, listing)
        return pool, gate.self_retrieval_by(pool, self._application.nearest_to, seed)

    def found(self, asked: Asked, pool: Pool) -> Found:
        # A target would filter; the papers' searches are steered by the instruction alone.
        queries = [
            replace(entry.item, target=None, k=asked.depth, rerank=self._reranking, complement=self._complement)
            if isinstance(entry.item, Query)
            else None
            for entry in asked.entries()
        ]
        before: list[list[str]] | None = None
        if self._reranking is not Reranking.OFF:
            plain = [None if one is None else replace(one, rerank=Reranking.OFF, complement=False) for one in queries]
            before = [_dids(one) for one in self._answers(plain, f"{asked.name}, first order")]
        answers = self._answers(queries, asked.name)
        ranked = [_dids(one) for one in answers]
        return Found(
            ranked,
            _scores(answers, asked.depth) if before is None else _by_place(ranked, asked.depth),
            frozenset(number for number, one in enumerate(answers) if one.hits is None),
            before,
            [[hit.complement for hit in one.hits or ()] for one in answers] if self._complement else None,
            max((one.read for one in answers), default=0),
            sum(one.unread for one in answers),
        )

    def _answers(self, queries: Sequence[Query | None], name: str) -> Sequence[ApplicationAnswer]:
        """One for each query; nothing for none."""
        answers = [ApplicationAnswer(None)] * len(queries)
        for start in range(0, len(queries), _AT_ONCE):
            numbered = [(number, one) for number, one in enumerate(queries[start : start + _AT_ONCE], start) if one is not None]
            found = self._application.answers([one for _, one in numbered])
            for (number, _), answer in zip(numbered, found, strict=True):
                answers[number] = answer
            self._told(name, min(start + _AT_ONCE, len(queries)), len(queries))
        return answers


def _dids(answer: ApplicationAnswer) -> list[str]:
    return [one.did for one in answer.hits or ()]


def _scores(answers: Sequence[ApplicationAnswer], depth: int) -> NDArray[np.float32]:
    scores = np.full((len(answers), depth), -np.inf, np.float32)
    for line, answer in zip(scores, answers, strict=True):
        line[: len(answer.hits or ())] = [one.score for one in answer.hits or ()]
    return scores


def _nearest(queries: Embedded, pool: Pool, depth: int) -> tuple[Sequence[Sequence[str]], NDArray[np.float32]]:
    rows, scores = nearest(queries.vectors, pool.embedded.vectors, depth)
    return [[pool.embedded.id_of(row) for row in line if row >= 0] for line in rows.tolist()], scores


def _by_place(ranked: Sequence[Sequence[str]], depth: int) -> NDArray[np.float32]:
    """Scores for an order that no cosine made: 1 / place."""
    scores = np.full((len(ranked), depth), -np.inf, np.float32)
    for line, dids in zip(scores, ranked, strict=True):
        line[: len(dids)] = 1 / np.arange(1, len(dids) + 1)
    return scores


class ToldOf(Protocol):
    """Hears how many rows of how many of a name are done."""

    def __call__(self, name: str, done: int, whole: int, /) -> None: ...
