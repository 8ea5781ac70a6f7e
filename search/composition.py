"""The query vector: a weighted sum of parts (UniIR's score fusion, section 4.1), steered to the modality wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search.embedding import Embed
from uniir.documents import Modality
from uniir.errors import ItemFailure, QueryError
from uniir.ids import format_id
from uniir.protocols import Encoder, Library, ReadsPartsTogether, Steering
from uniir.queries import Query


@dataclass(frozen=True, slots=True)
class Term:
    """One weighted part of the sum: `vector` is what it adds, weight and sign included."""

    name: str
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class QueryVector:
    """The steered unit vector, and the terms whose contributions to a score can be told apart."""

    vector: NDArray[np.float32]
    terms: tuple[Term, ...]
    steering: Steering

    def contributions(self, documents: NDArray[np.float32]) -> Sequence[Mapping[str, float]]:
        """What each term gives to the inner product with each of [n, dimension]; `modality` is the rest: what steering added."""
        rows = documents.astype(np.float64)
        shares = {name: rows @ scaled for name, scaled in self._scaled.items()}
        shares["modality"] = rows @ self._whole - np.sum(list(shares.values()), axis=0)
        return [{name: round(float(share[at]), 6) for name, share in shares.items()} for at in range(len(rows))]

    def shares(self, direction: NDArray[np.float32]) -> dict[str, float]:
        """Each term's part of the inner product with a document or a part of one."""
        return {name: float(np.dot(scaled, direction)) for name, scaled in self._scaled.items()}

    @cached_property
    def _whole(self) -> NDArray[np.float64]:
        return self.vector.astype(np.float64)

    @cached_property
    def _scaled(self) -> Mapping[str, NDArray[np.float64]]:
        """The terms as they stand in the steered vector: steering scales every dimension by a factor of its own, and each term alike."""
        total = np.sum(np.stack([term.vector for term in self.terms]), axis=0, dtype=np.float64)
        factors = np.divide(self.vector, total, out=np.zeros(total.shape), where=np.abs(total) > _NEGLIGIBLE)
        scaled: dict[str, NDArray[np.float64]] = {}
        for term in self.terms:
            scaled[term.name] = scaled.get(term.name, np.zeros_like(factors)) + term.vector * factors
        return scaled


_NEGLIGIBLE = 1e-9


def compose(query: Query, target: Modality | None, encoder: Encoder, embed: Embed, library: Library) -> QueryVector:
    """Encodes the parts and adds them up. Raises QueryError for what can't be encoded, found or added."""
    asked = _whole_query(query) if isinstance(encoder, ReadsPartsTogether) else _parts_of(query)
    terms = [*_encoded_terms(query, asked, embed), *_like_terms(query, library)]
    content: NDArray[np.float32] = np.sum(np.stack([term.vector for term in terms]), axis=0, dtype=np.float32)
    if not np.linalg.norm(content) > _NEGLIGIBLE:
        raise _nothing_left(terms)
    content /= np.linalg.norm(content)
    modality = query.modality or _liked_modality(query, library)
    steering = Steering(modality, target)
    return QueryVector(encoder.steer(content.reshape(1, -1), [steering])[0], tuple(terms), steering)


def _nothing_left(terms: Sequence[Term]) -> QueryError:
    if not any(np.linalg.norm(term.vector) > _NEGLIGIBLE for term in terms):
        return QueryError("No part of the query has a weight.", "Give its words or its picture a weight above 0.")
    return QueryError("The parts of the query cancel each other out.", "Change the weights, or what the results should not be like.")


def _parts_of(query: Query) -> Sequence[tuple[str, float, Query]]:
    """Name, weight and what is encoded."""
    parts: list[tuple[str, float, Query]] = []
    if query.text is not None:
        parts.append(("text", query.weights.text, Query(text=query.text, instruction=query.instruction)))
    if query.image is not None:
        parts.append(("image", query.weights.image, Query(image=query.image, instruction=query.instruction)))
    return parts


def _whole_query(query: Query) -> Sequence[tuple[str, float, Query]]:
    """Text and picture as one item, which has the weights in it."""
    if query.text is None or query.image is None:
        return _parts_of(query)
    return [("query", 1.0, Query(text=query.text, image=query.image, instruction=query.instruction, weights=query.weights))]


def _encoded_terms(query: Query, asked: Sequence[tuple[str, float, Query]], embed: Embed) -> Sequence[Term]:
    parts = [*asked, *(("not", -query.weights.negative, Query(text=text)) for text in query.negatives)]
    terms = []
    for (name, weight, part), row in zip(parts, embed([part for _, _, part in parts]), strict=True):
        if isinstance(row, ItemFailure):
            what = f"The picture {part.image.path}" if part.image is not None else f"The {name} part of the query"
            raise QueryError(f"{what} can't be used: {row.reason}.")
        terms.append(Term(name, np.float32(weight) * row))
    return terms


def _like_terms(query: Query, library: Library) -> Sequence[Term]:
    if not query.like:
        return []
    vectors = library.vectors(query.like)
    missing = [document for document in query.like if document not in vectors]
    if missing:
        raise QueryError(
            f"There is no stored vector of document {format_id(missing[0])} in this collection.",
            "Take an id from a search in the same collection; vectors are stored unless `keep_vectors` is off.",
        )
    return [Term("like", np.float32(query.weights.like) * vectors[document].astype(np.float32)) for document in query.like]


def _liked_modality(query: Query, library: Library) -> Modality:
    liked = [document.modality for document in library.documents(query.like).values()]
    return Modality.of(text=any(one.has_text for one in liked), image=any(one.has_image for one in liked))
