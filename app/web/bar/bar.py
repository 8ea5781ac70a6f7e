"""The query bar: what to do, with what, where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.web import kind_words
from app.web.bar import picture
from app.web.bar import words as bar_words
from app.web.bar.options import options
from app.web.bar.picker import current, picker
from app.web.query import asking
from app.web.results.results import search_now
from uniir.documents import Modality
from uniir.wire import CollectionAnswer, InstructionAnswer

if TYPE_CHECKING:
    from uniir.client import Client

_KINDS = (asking.ANYTHING, Modality.IMAGE, Modality.TEXT, Modality.IMAGE_TEXT)


def bar(client: Client, instructions: Sequence[InstructionAnswer], collections: Sequence[CollectionAnswer], collection: str) -> None:
    """Draws the bar; what is changed in it is in `asking` when the page runs again."""
    asking.seed_widgets()
    st.session_state[asking.COLLECTION] = collection
    with st.container(border=True, key="bar"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="bar_what"):
            _what_to_do(instructions)
            st.space("stretch")
            with st.container(key="coll", width="content"):
                st.selectbox(
                    bar_words.COLLECTION,
                    [one.name for one in collections],
                    key=asking.COLLECTION,
                    icon=":material/layers:",
                    label_visibility="collapsed",
                    on_change=_set_collection,
                )
            with st.container(key="opts", width="content"):
                options()
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="bar_query"):
            chips = "chips" if picture.has_chips() else "no_chips"  # always drawn, so that the field keeps its place
            with st.container(horizontal=True, gap="small", width="content", key=chips):
                picture.chip()
            with st.container(key="txt"):
                st.text_input(
                    bar_words.TEXT,
                    type="search",
                    icon=":material/search:",
                    placeholder=bar_words.FIELD,
                    label_visibility="collapsed",
                    key=asking.TEXT,
                    on_change="ignore",  # Enter is told by the page's script, so that leaving the field searches nothing
                )
            with st.container(key="pic", width="content"):
                picture.adder(client)
            st.button(bar_words.SEARCH, type="primary", key="go", icon=":material/search:", on_click=search_now)


def _what_to_do(instructions: Sequence[InstructionAnswer]) -> None:
    in_force, chosen = current(instructions)
    with st.container(key="pick", width="content"):
        picker(instructions)
    with st.container(key="hint", width="content"):
        arrow = '<span class="material" aria-hidden="true">arrow_forward</span>'
        st.html(f'<p class="u-hint">{_given(in_force)}{arrow}</p>', width="content")
    with st.container(key="kind", width="content"):
        st.selectbox(
            bar_words.KIND,
            _KINDS,
            format_func=lambda kind: kind_words.KINDS[None if kind == asking.ANYTHING else Modality(kind)],
            key=asking.KIND,
            label_visibility="collapsed",
            on_change=_set_kind,
        )
    if chosen:
        with st.container(key="auto", width="content"):
            st.badge(bar_words.CHOSEN, color="gray")


def _given(in_force: InstructionAnswer | None) -> str:
    ask = asking.ask()
    if ask.is_likeness:
        return bar_words.GIVEN_RESULT
    return kind_words.GIVEN[ask.modality or (in_force.query if in_force is not None else None)]


def _set_kind() -> None:
    kind = st.session_state[asking.KIND]
    asking.change(kind=None if kind == asking.ANYTHING else Modality(kind))


def _set_collection() -> None:
    chosen = st.session_state[asking.COLLECTION]
    st.session_state["collection"] = chosen
    asking.change(collection=chosen)
