"""The part of the Search screen below the bar once something was asked: searching, what was found, what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.web import away, session
from app.web.bar import picture
from app.web.document import words as document_words
from app.web.query import asking
from app.web.query.finding import Search, forget, remembered
from app.web.query.limits import filters
from app.web.results.results import awaited, is_asked_for, results, results_before
from app.web.search import states
from uniir.errors import NotFound, Unavailable, UniirError
from uniir.wire import CollectionAnswer

if TYPE_CHECKING:
    from app.web.query.address import Ask
    from uniir.client import Client


def begin(client: Client, collection: CollectionAnswer) -> Search | None:
    """Starts the search at hand where it is a new one."""
    ask = asking.ask()
    if ask.is_empty or not is_asked_for(ask):
        return None
    st.session_state.pop(asking.ASKED, None)
    return Search(client, ask, collection.name)


def asked_for_nothing() -> bool:
    """Whether Search was pressed with nothing given; told once."""
    return bool(st.session_state.pop(asking.ASKED, False))


def answer(client: Client, collection: CollectionAnswer, search: Search | None) -> None:
    """Waits for the search and draws what was found; without a new one, what was found before."""
    if search is not None:
        try:
            awaited(search, collection)
        except Unavailable as error:
            while_away(client, error)
            return
        except UniirError as error:
            _refused(error, search.ask, collection)
            return
    results(client, collection, asking.ask() if picture.refused() is None else None)


def while_away(client: Client, error: Unavailable) -> None:
    """The note, and below it what was found before, dimmed."""
    away.note(error)
    found = remembered()
    if found is not None and not asking.ask().is_empty:
        with st.container(key="stale"):
            results_before(client, found, asking.ask())


def _refused(error: UniirError, ask: Ask, collection: CollectionAnswer) -> None:
    forget()
    if isinstance(error, NotFound):
        session.forget_collections()
        if all(one.name != collection.name for one in session.collections().collections):  # deleted a moment ago
            states.unknown_collection(collection.name)
            return
        if ask.picture:
            states.gone_picture()
            return
    if ask.like and any(session.named(document) is None for document in ask.like):
        st.error(document_words.GONE_DOCUMENT, icon=":material/broken_image:")
        return
    states.trouble(error)
    states.liftable(filters(ask))
