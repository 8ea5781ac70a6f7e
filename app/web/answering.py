"""The part of the Search screen below the bar once something was asked: searching, what was found, what went wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from app.web import asking, away, session, states, words
from app.web.address import Ask
from app.web.finding import Found, Search
from app.web.results import FIRST_SHOWN, SHOWN, results
from uniir.errors import NotFound, Unavailable, UniirError
from uniir.wire import CollectionAnswer

if TYPE_CHECKING:
    from uniir.client import Client

_FOUND, _ASKED = "found", "asked"


def begin(client: Client, collection: CollectionAnswer) -> Search | None:
    """Starts the search at hand where it is a new one."""
    ask = asking.ask()
    found: Found | None = st.session_state.get(_FOUND)
    if ask.is_empty or (not st.session_state.get(_ASKED) and found is not None and found.ask == ask):
        return None
    st.session_state.pop(_ASKED, None)
    return Search(client, ask, collection.name)


def asked_for_nothing() -> bool:
    """Whether Search was pressed with nothing given; told once."""
    return bool(st.session_state.pop(_ASKED, False))


def answer(client: Client, collection: CollectionAnswer, search: Search | None) -> None:
    """Waits for the search and draws what was found; without a new one, what was found before."""
    slot, bones = st.empty(), st.empty()
    if search is not None:
        known: Found | None = st.session_state.get(_FOUND)

        def slow() -> None:
            slot.html(states.searching(sum(collection.documents.indexed.values())))
            if known is None:
                bones.html(states.bones())

        try:
            st.session_state[_FOUND] = search.found(slow)
        except Unavailable as error:
            slot.empty()
            bones.empty()
            while_away(client, error)
            return
        except UniirError as error:
            slot.empty()
            bones.empty()
            _refused(error, search.ask)
            return
        st.session_state[SHOWN] = FIRST_SHOWN
    slot.empty()
    bones.empty()
    found: Found = st.session_state[_FOUND]
    results(client, found, found.ask)
    if found.reranked is not None:
        try:
            st.session_state[_FOUND] = found.finished()
        except UniirError:
            st.session_state[_FOUND] = replace(found, reranked=None)
        st.rerun()


def while_away(client: Client, error: Unavailable) -> None:
    """The note, and below it what was found before, dimmed."""
    away.note(error)
    found: Found | None = st.session_state.get(_FOUND)
    if found is not None and not asking.ask().is_empty:
        with st.container(key="stale"):
            results(client, found, asking.ask())


def _refused(error: UniirError, ask: Ask) -> None:
    st.session_state.pop(_FOUND, None)
    if isinstance(error, NotFound) and ask.picture:
        st.error(words.GONE_PICTURE, icon=":material/broken_image:")
        return
    if ask.like and any(session.named(document) is None for document in ask.like):
        st.error(words.GONE_DOCUMENT, icon=":material/broken_image:")
        return
    states.trouble(error)
