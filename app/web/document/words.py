"""What an open document says of itself and of why it was found."""

from __future__ import annotations

from collections.abc import Sequence

from uniir.documents import Modality

RESULT = "Result"
PREVIOUS = "Previous result"
NEXT = "Next result"
TEXT_PART = "Text"
WHY = "Why this result"
DETAILS = "Details"
MARKED = "The marked sentence fits your text best."
PASSAGE = "The marked passage is what was found."
NO_PARTS = "This encoder reads text and picture as one, so there are no parts to show."
SUM = "Sum"
KIND_ASKED_FOR = "Kind of result"
EXACT_WORDS = "Exact words"
RERANKER = "Reranker"
READ_AGAIN = "how well it fits, read again"
GONE_DOCUMENT = "This document is no longer in the collection."
ALIKE: dict[Modality, str] = {
    Modality.IMAGE: "the same for all pictures",
    Modality.TEXT: "the same for all texts",
    Modality.IMAGE_TEXT: "the same for all pairs",
}
TERMS: dict[tuple[str, str | None], str] = {
    ("text", "text"): "Your text ↔ its text",
    ("image", "image"): "Your picture ↔ its picture",
    ("image", "text"): "Your picture ↔ its text",
    ("text", "image"): "Your text ↔ its picture",
}
_QUERY_PARTS = {"text": "Your text", "image": "Your picture", "like": "What it should be like", "not": "What it should not be like"}
_DOCUMENT_PARTS = {"text": "its text", "image": "its picture"}


def moved(up: int) -> str:
    return f"{'Up' if up > 0 else 'Down'} {abs(up)} by reranking"


def placed(before: int | None, now: int) -> str:
    return f"place {now}" if before is None or before == now else f"place {before}; place {now} after reranking"


def by_words(words: Sequence[str], lexical_rank: int, nearest_rank: int | None) -> str:
    """Which of the query's words it holds, and its places by words and by meaning."""
    meaning = f"{nearest_rank} by meaning" if nearest_rank is not None else "not among the nearest by meaning"
    return f"{', '.join(words)}: place {lexical_rank} by words, {meaning}"


def size(width: int, height: int, weight: str) -> str:
    return f"{width} × {height} px, {weight}"  # noqa: RUF001


def step(place: int, count: int) -> str:
    return f"{place} of {count}"


def next_to_it(file: str) -> str:
    return f"Next to it in {file}"


def term(query: str, document: str | None) -> str:
    """One term of the sum in words."""
    known = TERMS.get((query, document))
    if known is not None:
        return known
    mine = _QUERY_PARTS.get(query, query)
    return f"{mine} ↔ {_DOCUMENT_PARTS.get(document or '', 'the document')}"


def mostly(query: str, document: str | None) -> str:
    """Which term is the largest, as a sentence."""
    mine = {"text": "your text matches", "image": "your picture matches", "like": "it resembles what you picked:"}.get(query)
    if mine is None:
        return ""
    return f"Mostly because {mine} {_DOCUMENT_PARTS.get(document or '', 'it')}."
