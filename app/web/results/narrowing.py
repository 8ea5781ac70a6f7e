"""Narrowing results down to what documents have in common: kind, folder, a value of their metadata."""

from __future__ import annotations

import streamlit as st

from app.web import session
from app.web.query import asking
from app.web.query.finding import Found
from app.web.query.limits import narrowed
from app.web.results import words as result_words
from app.web.results.facet_groups import Group, grouped
from app.web.safe_text import as_markdown, sentence_as_markdown
from uniir.errors import UniirError

_POPOVER, _NARROWED = "narrow_popover", "narrowed"


@st.fragment
def narrowing(found: Found) -> None:
    """The popover; what it holds is counted and drawn once it is open. A choice is one more condition of the filter."""
    if st.session_state.pop(_NARROWED, False):
        st.rerun()  # the rest of the page follows
    with st.popover(result_words.NARROW, icon=":material/filter_alt:", key=_POPOVER, on_change="rerun") as popover:
        if popover.open:
            with st.container(key="narrow"):
                _body(found)


def _body(found: Found) -> None:
    place = st.empty()
    place.html(f'<p class="u-muted" role="status">{result_words.COUNTING}</p>')
    try:
        facets = session.facets(found.answer.collection, found.ask.where)
    except UniirError as error:
        place.error(sentence_as_markdown(str(error)), icon=":material/error:")
        return
    place.caption(as_markdown(result_words.narrowing(facets.documents, facets.collection, filtered=facets.where is not None)))
    groups = grouped(facets)
    if not groups:
        st.html(f'<p class="u-muted">{result_words.NOTHING_TO_NARROW}</p>')
    for number, group in enumerate(groups):
        _group(group, f"facet_{number}")


def _group(group: Group, key: str) -> None:
    def label(where: str) -> str:
        choice = group.choices[where]
        return f"{as_markdown(choice.name)} :gray[{choice.count:,}]"

    st.pills(as_markdown(group.name), list(group.choices), format_func=label, key=key, on_change=_choose, args=(key,))


def _choose(key: str) -> None:
    condition = st.session_state[key]
    st.session_state[key] = None
    if condition:
        asking.change(where=narrowed(asking.ask().where, condition))
        st.session_state[_NARROWED] = True
