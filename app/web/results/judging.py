"""Thumbs: what somebody says of a result, kept by the service and shown with the same search from then on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from app.web.query.finding import Found, remember, remembered
from app.web.results import words as result_words
from app.web.safe_text import sentence_as_markdown
from uniir.errors import NotFound, UniirError
from uniir.wire import GivenGrade, JudgmentRequest

if TYPE_CHECKING:
    from uniir.client import Client

FITS, FAILS, FORGET = "fits", "fails", "forget"
KINDS = frozenset({FITS, FAILS, FORGET})
_GRADES = {FITS: 1, FAILS: 0}
_REFUSED, _REFUSALS = "not_judged", "judgments_refused"


def judge(client: Client, document: str, kind: str) -> None:
    """Gives a result of the last search its thumb, or takes it back. What goes wrong is told at the next `tell`."""
    found = remembered()
    hit = next((hit for hit in found.answer.hits if hit.id == document), None) if found is not None else None
    if found is None or hit is None:
        return
    try:
        if kind == FORGET:
            given = None
            if hit.judgment is not None:
                client.forget_judgment(hit.judgment.id)
        else:
            search = found.ask.as_request().model_copy(update={"collection": found.answer.collection})
            kept = client.judge(JudgmentRequest(search=search, document=document, grade=_GRADES[kind]))
            given = GivenGrade(id=kept.id, grade=kept.grade)
    except NotFound as error:
        if kind != FORGET:  # somebody else has taken it back already
            _refuse(error)
            return
        given = None
    except UniirError as error:
        _refuse(error)
        return
    remember(graded(found, document, given))


def _refuse(error: UniirError) -> None:
    st.session_state[_REFUSED] = error.what
    st.session_state[_REFUSALS] = refusals() + 1


def refusals() -> int:
    """How many thumbs could not be kept so far: the page's script shows one at once, and takes it back when this changes."""
    return int(st.session_state.get(_REFUSALS, 0))


def graded(found: Found, document: str, given: GivenGrade | None) -> Found:
    """The same with another thumb at one of its hits."""
    hits = [hit.model_copy(update={"judgment": given}) if hit.id == document else hit for hit in found.answer.hits]
    return replace(found, answer=found.answer.model_copy(update={"hits": hits}))


def tell() -> None:
    """Says, once, that a thumb could not be kept."""
    why = st.session_state.pop(_REFUSED, None)
    if why:
        st.toast(sentence_as_markdown(result_words.not_judged(why)), icon=":material/error:")


def thumb(given: GivenGrade | None) -> str | None:
    """Which thumb stands: FITS, FAILS or none."""
    return None if given is None else FITS if given.grade > 0 else FAILS
