"""Why a document is where it is: the terms of the score-fusion sum as bars."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.web.document import words as document_words
from uniir.wire import Explanation, HitAnswer, ScoreTerm

_NEGLIGIBLE = 0.005


def why(explanation: Explanation, hit: HitAnswer) -> None:
    """Draws the terms, largest first, their sum and the place."""
    st.html(f'<h3 class="u-section">{document_words.WHY}</h3>{chart(explanation, hit)}')


def chart(explanation: Explanation, hit: HitAnswer) -> str:
    """The bars, the sum and the place as HTML."""
    terms = ordered(explanation)
    lead = document_words.mostly(terms[0].query, terms[0].document) if terms and explanation.separable else ""
    if not explanation.separable:
        lead = document_words.NO_PARTS
    low, high = min([0.0, *(term.value for term in terms)]), max([0.0, *(term.value for term in terms)])
    span = high - low or 1.0
    zero = 100 * abs(low) / span
    rows = "".join(_bar(term, span, zero, position == 0) for position, term in enumerate(terms)) if explanation.separable else ""
    if abs(explanation.modality) >= _NEGLIGIBLE:
        rows += _line(document_words.KIND_ASKED_FOR, document_words.ALIKE[hit.modality], f"{explanation.modality:.2f}")
    total = _line(document_words.SUM, document_words.placed(hit.retrieval_rank, hit.rank), f"{explanation.score:.2f}", "u-why-sum")
    if hit.by_words is not None:
        found = document_words.by_words(hit.by_words.words, hit.by_words.lexical_rank, hit.by_words.nearest_rank)
        total += _line(document_words.EXACT_WORDS, found, "")
    if hit.relevance is not None:
        total += _line(document_words.RERANKER, document_words.READ_AGAIN, f"{hit.relevance:.2f}")
    return f'<p class="u-muted">{escape(lead)}</p><div class="u-why" role="table" aria-label="{document_words.WHY}">{rows}{total}</div>'


def ordered(explanation: Explanation) -> Sequence[ScoreTerm]:
    """The terms that can be seen, largest first."""
    return sorted((term for term in explanation.terms if abs(term.value) >= _NEGLIGIBLE), key=lambda term: -term.value)


def _line(name: str, note: str, value: str, kind: str = "") -> str:
    return (
        f'<div class="u-why-row u-why-line {kind}" role="row"><span role="cell">{escape(name)}</span>'
        f'<span role="cell" class="u-muted">{escape(note)}</span><span role="cell" class="u-why-value">{value}</span></div>'
    )


def _bar(term: ScoreTerm, span: float, zero: float, first: bool) -> str:
    share = 100 * abs(term.value) / span
    left = zero if term.value >= 0 else zero - share
    line = f'<i class="u-why-zero" style="left:{zero:.1f}%"></i>' if zero else ""
    bar = f'<i class="u-why-bar{" u-why-first" if first else ""}" style="left:{left:.1f}%;width:{share:.1f}%"></i>'
    return (
        f'<div class="u-why-row" role="row"><span role="cell">{escape(document_words.term(term.query, term.document))}</span>'
        f'<span class="u-why-track" aria-hidden="true">{bar}{line}</span>'
        f'<span role="cell" class="u-why-value">{term.value:.2f}</span></div>'
    )
