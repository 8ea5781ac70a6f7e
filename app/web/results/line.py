"""The line above the grid: counts that filter, how many in what time, reranking, the link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

import streamlit as st

from app.web import kind_words, session
from app.web.bar.picker_groups import named
from app.web.query import asking
from app.web.query.address import Ask
from app.web.query.finding import Found
from app.web.query.limits import filters
from app.web.results import words as result_words
from app.web.results.narrowing import narrowing
from app.web.safe_text import sentence_as_markdown
from app.web.search.states import liftable
from uniir.documents import Modality
from uniir.hits import RerankState
from uniir.queries import Reranking
from uniir.wire import HitAnswer

FILTER = "result_filter"
_ALL = "all"
_ORDER = (Modality.IMAGE, Modality.TEXT, Modality.IMAGE_TEXT)


def result_line(found: Found) -> list[HitAnswer]:
    """Draws the line and gives back the hits that its filter leaves."""
    hits = found.answer.hits
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="line"):
        chosen = _chips(hits)
        with st.container(key="narrower", width="content"):
            narrowing(found)
        st.space("stretch")
        st.html(f'<p class="u-count">{result_words.in_time(len(hits), found.milliseconds)}</p>', width="content")
        with st.container(key="rerank", width="content", horizontal=True, vertical_alignment="center", gap="small"):
            _rerank(found)
        if st.button(result_words.COPY_LINK, icon=":material/link:", type="tertiary", key="copylink"):  # the page's script copies
            st.toast(result_words.LINK_COPIED, icon=":material/link:")
    liftable(filters(found.ask))
    _notes(found)
    return [hit for hit in hits if chosen is None or hit.modality is chosen]


def _chips(hits: Sequence[HitAnswer]) -> Modality | None:
    counts = Counter(hit.modality for hit in hits)
    kinds = [_ALL, *(kind for kind in _ORDER if counts[kind])]
    if st.session_state.get(FILTER) not in kinds:
        st.session_state[FILTER] = _ALL

    def label(kind: str) -> str:
        if kind == _ALL:
            return f"All :gray[{len(hits)}]"
        kind = Modality(kind)
        return f":material/{kind_words.ICONS[kind]}: {kind_words.KINDS[kind]} :gray[{counts[kind]}]"

    chosen = st.pills("Show", kinds, format_func=label, required=True, key=FILTER, label_visibility="collapsed")
    return None if chosen in {None, _ALL} else Modality(chosen)


def _rerank(found: Found) -> None:
    outcome = found.answer.rerank
    asked = asking.ask().rerank
    on = outcome.by_default if asked is Reranking.AUTO else asked is Reranking.ON
    st.session_state["rerank_on"] = on
    why = result_words.RERANK_ON_BY_DEFAULT if outcome.by_default else result_words.RERANK_OFF_BY_DEFAULT
    st.toggle(result_words.RERANK, key="rerank_on", help=why, on_change=_set_rerank, args=(outcome.by_default,))
    if found.reranked is not None:
        st.badge(result_words.RERANKING, icon=":material/hourglass_top:", color="gray")
    elif outcome.state is RerankState.DONE:
        st.badge(result_words.reranked(outcome.count), icon=":material/swap_vert:", color="primary")
    elif outcome.state is RerankState.FAILED:
        st.badge(result_words.NOT_RERANKED, icon=":material/swap_vert:", color="yellow")


def _set_rerank(by_default: bool) -> None:
    wanted = bool(st.session_state["rerank_on"])
    asking.change(rerank=Reranking.AUTO if wanted is by_default else Reranking.ON if wanted else Reranking.OFF)
    st.session_state[asking.ASKED] = True


def _notes(found: Found) -> None:
    outcome, guess = found.answer.rerank, found.answer.guess
    if guess is not None and guess.text is not None:
        said = result_words.guessed(guess.model, guess.milliseconds)
        st.html(f'<p class="u-muted u-note">{escape(said)} <b class="u-guess">\u201c{escape(guess.text)}\u201d</b></p>')
    if outcome.state is RerankState.FAILED and found.reranked is None:
        with st.container(horizontal=True, vertical_alignment="center", key="not_reranked"):
            why = sentence_as_markdown(result_words.not_reranked(outcome.reason or ""))
            st.warning(f"**{result_words.NOT_RERANKED}.** {why}", icon=":material/info:")
            if st.button(result_words.RERANK_NOW, icon=":material/refresh:", key="rerank_now"):
                st.session_state[asking.ASKED] = True
                st.rerun()
    elif outcome.state is RerankState.OFF and outcome.reason and asking.ask().rerank is Reranking.ON:
        st.html(f'<p class="u-muted u-note">{escape(outcome.reason)}</p>')
    for note in found.answer.notes:
        if outcome.reason and note.startswith(outcome.reason):
            continue
        st.html(f'<p class="u-muted u-note">{escape(_of_the_page(note, found.ask))}</p>')


def _of_the_page(note: str, ask: Ask) -> str:
    """The note in the page's words: the service names an instruction by its id."""
    picked = named(session.instructions(), ask.instruction)
    if picked is not None and ask.modality is not None and note.startswith(f"The instruction {picked.id} is meant for "):
        return result_words.meant_for(picked.query, ask.modality)
    return note
