"""What was found: the line, the grid, more of it, and a document open over it. Runs again by itself for what happens in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from app.web.bar import picture
from app.web.document import dialog as document_dialog
from app.web.query import asking
from app.web.query.address import Ask
from app.web.query.finding import Found, Search, remember, remembered
from app.web.results import judging
from app.web.results import words as result_words
from app.web.results.grid import grid
from app.web.results.line import result_line
from app.web.search import states
from app.web.titles import title_of
from uniir.errors import UniirError
from uniir.wire import MAX_TEXT, CollectionAnswer

if TYPE_CHECKING:
    from uniir.client import Client

FIRST_SHOWN, MORE, SHOWN = 12, 24, "shown"


def search_now(text: str | None = None) -> None:
    """Searches for what stands in the bar; `text` where the page's script has read the field itself."""
    picture.forget_refusal()
    if text is None:
        asking.change()
    else:
        asking.change(text=text)
    st.session_state[asking.ASKED] = True


def is_asked_for(ask: Ask) -> bool:
    """Whether an answer is wanted that is not there yet."""
    found = remembered()
    return bool(st.session_state.get(asking.ASKED)) or found is None or found.ask != ask


def awaited(search: Search, collection: CollectionAnswer) -> None:
    """Waits for the answer and remembers it; says that it is being searched where that takes a while. Raises UniirError."""
    slot, bones = st.empty(), st.empty()
    known = remembered()

    def slow() -> None:
        slot.html(states.searching(sum(collection.documents.indexed.values())))
        if known is None:
            bones.html(states.bones())

    try:
        remember(search.found(slow))
    finally:
        slot.empty()
        bones.empty()
    st.session_state[SHOWN] = FIRST_SHOWN


@st.fragment
def results(client: Client, collection: CollectionAnswer, drawn: Ask | None) -> None:
    """Draws what was found, below a bar that was drawn for `drawn`; None: that has to be drawn anew for any other search.

    A search for which the bar may stay as it is happens here.
    """
    if is_asked_for(asking.ask()):
        _search_again(client, collection, drawn)
    found = remembered()
    assert found is not None
    _draw(client, found)
    if found.reranked is not None:
        try:
            remember(found.finished())
        except UniirError:
            remember(replace(found, reranked=None))
        st.rerun()


@st.fragment
def results_before(client: Client, found: Found, drawn: Ask) -> None:
    """Draws what was found before, while the service is away."""
    if asking.ask() != drawn or st.session_state.get(asking.ASKED):
        st.rerun()
    _draw(client, found)


def _search_again(client: Client, collection: CollectionAnswer, drawn: Ask | None) -> None:
    now = asking.ask()
    if drawn is None or not now.has_the_bar_of(drawn):
        st.rerun()
    try:
        awaited(Search(client, now, collection.name), collection)
    except UniirError:
        st.session_state[asking.ASKED] = True  # what went wrong is told by the whole page
        st.rerun()
    st.session_state.pop(asking.ASKED, None)


def _draw(client: Client, found: Found) -> None:
    if not found.answer.hits:
        states.nothing_found(found.ask, found.answer.notes)
        _open(client, found)
        return
    hits = result_line(found)
    shown = int(st.session_state.get(SHOWN, FIRST_SHOWN))

    def acted(kind: str, document: str) -> None:
        if kind == "open":
            asking.show_document(document)
        elif kind in judging.KINDS:
            judging.judge(client, document, kind)
        elif kind == "copied":
            st.session_state["copied"] = True
        elif kind in {"more", "picture"}:
            hit = next(hit for hit in found.answer.hits if hit.id == document)
            if kind == "more":
                more_like(document)
            else:
                picture.take_document(client, document, title_of(hit))

    with st.container(key="grid"):
        grid(hits, shown, found.milliseconds, acted, _asked)
    if st.session_state.pop("copied", False):
        st.toast(result_words.LINK_COPIED, icon=":material/link:")
    judging.tell()
    if shown < len(hits):
        _more(shown, len(hits))
    _open(client, found)


def _asked(value: Mapping[str, object]) -> None:
    search_now(text=str(value.get("text", ""))[:MAX_TEXT])


def more_like(document: str) -> None:
    """Searches for what resembles a document, and nothing else."""
    picture.forget_refusal()
    asking.change(text="", picture=None, like=(document,), instruction=None)


def _more(shown: int, count: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="center", key="shown_more"):
        st.button(result_words.show_more(min(MORE, count - shown)), key="show_more", on_click=_show_more)
        st.html(f'<p class="u-count">{result_words.shown_of(shown, count)}</p>', width="content")


def _show_more() -> None:
    st.session_state[SHOWN] = int(st.session_state.get(SHOWN, FIRST_SHOWN)) + MORE


def _open(client: Client, found: Found) -> None:
    if asking.open_document() is not None:
        document_dialog.show(client, found)
