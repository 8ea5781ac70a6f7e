"""What was found: the line, the grid, more of it, and a document open over it. Runs again by itself for what happens in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.web import asking, document_dialog, picture, states, words
from app.web.address import Ask
from app.web.finding import Found
from app.web.grid import grid
from app.web.result_line import result_line
from app.web.titles import title_of

if TYPE_CHECKING:
    from uniir.client import Client

FIRST_SHOWN, MORE, SHOWN = 12, 24, "shown"


@st.fragment
def results(client: Client, found: Found, ask: Ask) -> None:
    """Draws what was found, in a page that was drawn for `ask`."""
    if asking.ask() != ask or st.session_state.get("asked"):
        st.rerun()  # another search: the bar and all below it follow
    if not found.answer.hits:
        states.nothing_found(found.ask)
        _open(client, found)
        return
    hits = result_line(found)
    shown = int(st.session_state.get(SHOWN, FIRST_SHOWN))

    def acted(kind: str, document: str) -> None:
        if kind == "open":
            asking.show_document(document)
        elif kind == "copied":
            st.session_state["copied"] = True
        elif kind in {"more", "picture"}:
            hit = next(hit for hit in found.answer.hits if hit.id == document)
            if kind == "more":
                more_like(document)
            else:
                picture.take_document(client, document, title_of(hit))

    with st.container(key="grid"):
        grid(hits, shown, found.milliseconds, acted)
    if st.session_state.pop("copied", False):
        st.toast(words.LINK_COPIED, icon=":material/link:")
    if shown < len(hits):
        _more(shown, len(hits))
    _open(client, found)


def more_like(document: str) -> None:
    """Searches for what resembles a document, and nothing else."""
    picture.forget_refusal()
    asking.change(text="", picture=None, like=(document,), instruction=None)


def _more(shown: int, count: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="center", key="shown_more"):
        st.button(words.show_more(min(MORE, count - shown)), key="show_more", on_click=_show_more)
        st.html(f'<p class="u-count">{words.shown_of(shown, count)}</p>', width="content")


def _show_more() -> None:
    st.session_state[SHOWN] = int(st.session_state.get(SHOWN, FIRST_SHOWN)) + MORE


def _open(client: Client, found: Found) -> None:
    document = asking.open_document()
    if document is not None:
        document_dialog.show(client, found, document)
