"""The service does not answer: say so, try again by itself, keep what was asked."""

from __future__ import annotations

import time

import streamlit as st

from app.web import session
from app.web.search import words as state_words
from uniir.errors import Unavailable, UniirError

_EVERY = 5  # seconds between two tries
_NEXT = "away_next"


def whole_page(error: Unavailable) -> None:
    """Instead of a screen that can't be drawn without the service."""
    note(error)


@st.fragment(run_every=1)
def note(error: Unavailable) -> None:
    """The note with its countdown. Runs the page again once the service answers."""
    now = time.monotonic()
    due = st.session_state.setdefault(_NEXT, now + _EVERY)
    if now >= due:
        st.session_state[_NEXT] = now + _EVERY
        _try()
        due = now + _EVERY
    st.error(f"**{state_words.AWAY}**  \n{state_words.trying_again(max(1, round(due - now)))}", icon=":material/cloud_off:")
    if st.button(state_words.TRY_NOW, icon=":material/refresh:", key="away_try"):
        _try()
    st.html(f'<p class="u-muted">{state_words.IF_AWAY}</p>')
    st.code("uniir serve", language=None)


def came_back() -> None:
    """Says so, once, where it was away before."""
    if st.session_state.pop("away_back", False):
        st.toast(state_words.BACK, icon=":material/cloud_done:")


def _try() -> None:
    try:
        session.client().instructions()
    except UniirError:
        return
    st.session_state.pop(_NEXT, None)
    st.session_state["away_back"] = True
    session.forget_collections()
    st.rerun()
