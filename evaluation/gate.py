"""A check before any score: candidates encoded once more must find themselves, so that a broken pipeline can't look like a weak model."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.embedding import raw_vectors
from evaluation.mbeir.pools import Pool, candidates_of, document_of
from evaluation.nearest import nearest
from uniir.documents import Document
from uniir.errors import UniirError
from uniir.protocols import Encoder, ImageLoader

LEAST = 0.95
SAMPLE = 200
_EQUAL = 1e-6  # cosines that differ by less are the same up to rounding
_APART = 0.5  # of the sample must be told apart from everything else, or nearness says nothing


class PipelineBroken(UniirError):
    """Candidates do not find themselves: nothing that this run would print could be believed."""


@dataclass(frozen=True, slots=True)
class SelfRetrieval:
    """How many candidates of a sample are the first hit of their own vector, or as near to it as the first one."""

    sample: int
    found: int

    @property
    def share(self) -> float:
        return self.found / self.sample if self.sample else 0.0


def self_retrieval(pool: Pool, encoder: Encoder, images: ImageLoader, seed: int) -> SelfRetrieval:
    """Encodes a sample again, in batches of another make-up, and searches it.

    A first hit of the same text and the same picture counts as the candidate itself, and so does one that is no nearer (texts that differ
    behind what an encoder reads), unless that is the rule. Raises PipelineBroken at 0.95 or less.
    """
    rows = _sample(pool, seed)
    documents = _documents(pool, rows)
    prepared = encoder.prepare([documents[row] for row in rows if row in documents], images)
    asked = [rows[position] for position in prepared.positions]
    firsts: list[int] = []
    near: set[int] = set()
    if asked:
        vectors = raw_vectors(encoder, prepared).astype(np.float16)
        hits, scores = nearest(vectors, pool.embedded.vectors, 1)
        firsts = hits[:, 0].tolist()
        own = (_unit(vectors) * _unit(pool.embedded.vectors[asked])).sum(axis=1)
        near = {row for row, first, itself in zip(asked, scores[:, 0], own, strict=True) if first - itself <= _EQUAL}
    return _judged(pool, documents, len(rows), dict(zip(asked, firsts, strict=True)), near)


def self_retrieval_by(pool: Pool, nearest_to: Callable[[Sequence[Document]], Sequence[str | None]], seed: int) -> SelfRetrieval:
    """The same for a search of documents by documents, which is to tell the did it finds for each. Raises PipelineBroken."""
    rows = _sample(pool, seed)
    documents = _documents(pool, rows)
    dids = zip(documents, nearest_to(list(documents.values())), strict=True)
    firsts = {row: found for row, did in dids if did is not None and (found := pool.row_of(did)) is not None}
    return _judged(pool, documents, len(rows), firsts, frozenset())


def _sample(pool: Pool, seed: int) -> list[int]:
    failed = {one.row for one in pool.embedded.failures}
    drawn = random.Random(seed).sample(range(len(pool)), min(len(pool), SAMPLE + len(failed)))
    return [row for row in drawn if row not in failed][:SAMPLE]


def _judged(pool: Pool, documents: Mapping[int, Document], sample: int, firsts: Mapping[int, int], near: Set[int]) -> SelfRetrieval:
    alike = _documents(pool, [hit for row, hit in firsts.items() if hit != row])
    itself = {row for row, hit in firsts.items() if hit == row or (hit in alike and _same(documents[row], alike[hit]))}
    if len(itself) > _APART * sample:
        itself |= near
    result = SelfRetrieval(sample, len(itself))
    if result.share <= LEAST:
        raise PipelineBroken(
            f"Only {result.found} of {result.sample} candidates find themselves when they are encoded again and searched.",
            "No score is given: an encoder that maps everything to one place, changed files, damaged embeddings or a collection "
            "of something else look like this. Another `--work` directory embeds anew.",
        )
    return result


def _unit(rows: NDArray[np.float16]) -> NDArray[np.float32]:
    single = rows.astype(np.float32)
    return np.asarray(single / np.maximum(np.linalg.norm(single, axis=1, keepdims=True), np.finfo(np.float32).tiny), np.float32)


def _documents(pool: Pool, rows: Sequence[int]) -> Mapping[int, Document]:
    wanted = set(rows)
    if not wanted:
        return {}
    numbered = ((row, document_of(pool.root, one, row)) for row, one in enumerate(candidates_of(pool.files)) if row in wanted)
    return {row: document for row, document in numbered if document is not None}


def _same(one: Document, other: Document) -> bool:
    if one.text != other.text or (one.image is None) != (other.image is None):
        return False
    return one.image is None or other.image is None or one.image.path.read_bytes() == other.image.path.read_bytes()
