"""Why a document has its score: the sum of score fusion term by term, and the sentence that fits best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.composition import QueryVector
from uniir.documents import Document, Modality
from uniir.errors import InputFailure
from uniir.hits import ScoreTerm
from uniir.protocols import Encoder, ImageLoader, ScoreFusing, Steering
from uniir.queries import Query
from uniir.sentences import Span, sentences

_MOST_SENTENCES = 100  # of a text; one takes some milliseconds


def terms_of(
    vector: QueryVector, document: Document, stored: NDArray[np.float32], encoder: Encoder, images: ImageLoader
) -> tuple[tuple[ScoreTerm, ...], bool]:
    """What each part of the query gives by each part of the document, and whether a pair's parts could be told apart."""
    if document.modality is not Modality.IMAGE_TEXT:
        return _terms(vector, {str(document.modality): stored}), True
    halves = _halves(document, encoder, images)
    if halves is None:
        return _terms(vector, {None: stored}), False
    return _terms(vector, {"text": halves[0], "image": halves[1]}), True


def best_sentence(query: Query, text: str | None, encoder: Encoder, images: ImageLoader) -> Span | None:
    """Start and end of the sentence that is nearest to the query's text; None for a text of one sentence or a query without text."""
    spans = sentences(text or "")[:_MOST_SENTENCES]
    if query.text is None or text is None or len(spans) < 2:
        return None
    asked = Query(text=query.text, instruction=query.instruction)
    pieces = [Query(text=text[start:end]) for start, end in spans]
    prepared = encoder.prepare([asked, *pieces], images)
    if prepared.failures:
        return None
    # content against content, as steering from text to text weighs it
    steered = encoder.steer(encoder.encode(prepared), [Steering(Modality.TEXT, Modality.TEXT)] * (len(pieces) + 1))
    return spans[int(np.argmax(steered[1:] @ steered[0]))]


def encoded(document: Document, encoder: Encoder, images: ImageLoader) -> NDArray[np.float32]:
    """The document's vector made anew. Raises InputFailure."""
    prepared = encoder.prepare([document], images)
    for failure in prepared.failures:
        raise InputFailure(failure.code, failure.reason)
    row: NDArray[np.float32] = encoder.encode(prepared)[0]
    return row


def _halves(document: Document, encoder: Encoder, images: ImageLoader) -> NDArray[np.float32] | None:
    if not isinstance(encoder, ScoreFusing):
        return None
    try:
        return encoder.halves(document, images)
    except InputFailure:  # its picture is gone or damaged since
        return None


def _terms(vector: QueryVector, parts: dict[str, NDArray[np.float32]] | dict[None, NDArray[np.float32]]) -> tuple[ScoreTerm, ...]:
    return tuple(ScoreTerm(asked, name, round(value, 6)) for name, part in parts.items() for asked, value in vector.shares(part).items())
