"""What stands above or instead of results: nothing given, nothing found, a refused picture, trouble."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

import streamlit as st

from app.web import navigation
from app.web.bar import picture
from app.web.query import asking
from app.web.query.address import Ask
from app.web.query.limits import NONE, Limit, filters, limits
from app.web.safe_text import as_markdown, sentence_as_markdown
from app.web.search import words as state_words
from uniir.errors import UniirError, UsageError
from uniir.problems import problem_of

_WHILE_SEARCHING = (
    ".st-key-grid { opacity: .4 } div:has(> .st-key-line) { display: none } .st-key-go button { opacity: .45; pointer-events: none }"
)


def heading(title: str, lead: str = "") -> None:
    """A section's title and a muted sentence."""
    below = f'<p class="u-muted">{escape(lead)}</p>' if lead else ""
    st.html(f'<h2 class="u-state">{escape(title)}</h2>{below}')


def bones(count: int = 8) -> str:
    """Empty tiles of the final size."""
    return f'<div class="bones" aria-hidden="true">{"<div></div>" * count}</div>'


def searching(documents: int) -> str:
    return f'<div class="searching" role="status"><i></i>{state_words.searching(documents)}</div><style>{_WHILE_SEARCHING}</style>'


def empty_collection(collection: str, pending: int) -> None:
    """Nothing is in the collection yet, or nothing but what can't be searched so far."""
    heading(state_words.nothing_in(collection), state_words.not_searchable_yet(pending) if pending else state_words.EMPTY_LEAD)
    if st.button(state_words.INGEST_FILES, type="primary", key="ingest_files", icon=":material/upload:"):
        st.switch_page(navigation.ingest_page(), query_params={"collection": collection})
    st.html(f'<p class="u-muted">{state_words.ON_COMMAND_LINE}</p>')
    st.code("uniir ingest ./corpus", language=None)


def unknown_collection(collection: str) -> None:
    """The address names a collection that is not there."""
    heading(state_words.no_such_collection(collection), state_words.NO_SUCH_LEAD)
    with st.container(horizontal=True, vertical_alignment="center", key="no_such_collection"):
        if st.button(state_words.ALL_COLLECTIONS, type="primary", key="all_collections", icon=":material/layers:"):
            st.switch_page(navigation.collections_page())
        if st.button(state_words.INGEST_FILES, key="ingest_files", icon=":material/upload:"):
            st.switch_page(navigation.ingest_page(), query_params={"collection": collection})


def refused_picture(refused: picture.Refused) -> None:
    """The picture that was added could not be used."""
    problem = refused.problem
    sentence = " ".join(part for part in (problem.detail, problem.way_out) if part)
    if problem.status >= 500:
        sentence = state_words.OURS
    st.error(f"**{state_words.REFUSED}**  \n{sentence_as_markdown(sentence)}", icon=":material/error:")
    _choose_another()
    _details(refused.details)


def gone_picture() -> None:
    """The picture that the address names is no longer kept."""
    st.error(state_words.GONE_PICTURE, icon=":material/broken_image:")
    _choose_another()


def trouble(error: UniirError) -> None:
    """A search that was refused, with the error's own words; our own faults with details for a report."""
    if isinstance(error, UsageError):
        st.error(f"**{sentence_as_markdown(error.what)}**  \n{sentence_as_markdown(error.way_out)}", icon=":material/error:")
        return
    st.error(state_words.OURS, icon=":material/error:")
    st.button(state_words.TRY_NOW, icon=":material/refresh:", key="try_now")
    problem = problem_of(error)
    _details(f"{problem.status} {problem.code} · {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n{error}")


def nothing_found(ask: Ask, notes: Sequence[str]) -> None:
    """No results: the limits that are on, each with a way to lift it; where there are none, what the service says of it."""
    found = limits(ask)
    only_filter = bool(found) and found == filters(ask) and not ask.path
    lead = state_words.none_fits(len(found)) if only_filter else state_words.limits(len(found))
    heading(state_words.nothing_found(ask.text.strip()), lead)
    for note in () if found else notes:
        st.html(f'<p class="u-muted u-note">{escape(note)}</p>')
    liftable(found)
    st.button(state_words.CHOOSE_INSTRUCTION, icon=":material/target:", key="choose_instruction")  # the page's script opens the picker


def liftable(found: Sequence[Limit]) -> None:
    """Limits as chips; a press lifts one, or all of them. Nothing where there are none."""
    if not found:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="limits"):
        for number, one in enumerate(found):
            st.button(
                as_markdown(one.words),
                key=f"limit_{number}",
                icon=":material/close:",
                icon_position="right",
                on_click=asking.change,
                kwargs={one.field: one.left},
            )
        if len(found) > 1:
            lifted = {one.field: NONE[one.field] for one in found}
            st.button(state_words.lift_all(len(found)), key="lift_all", type="tertiary", on_click=asking.change, kwargs=lifted)


def _choose_another() -> None:
    """The page's script opens the popover."""
    st.button(state_words.CHOOSE_ANOTHER, icon=":material/add_photo_alternate:", key="choose_another")


def _details(text: str) -> None:
    with st.expander("Details"):
        st.code(text, language=None)
