"""What could not be read, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.web import plain_html
from app.web.ingest.job_words import below, without_uploads
from uniir.service import Service
from uniir.wire import FailureAnswer, IngestRequest, JobAnswer

AT_A_TIME = 20
_SHOWN = "ingest_failures_shown"
_WIDTHS = (30, 25, 31, 14)


def failure_rows(service: Service, failures: Sequence[FailureAnswer], collection: str, roots: Sequence[str]) -> JobAnswer | None:
    """Draws the list, 20 more at a time; returns the job that was started to try one or all of them again."""
    started: JobAnswer | None = None
    with st.container(key="section-failures", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        plain_html.section_title("Could not be read", f"{len(failures):,}")
        if st.button("Try all again", icon=":material/refresh:", key="try-all"):
            started = _try_again(service, failures, collection)
    shown = st.session_state.get(_SHOWN, AT_A_TIME)
    with st.container(border=True, key="rows-failures"):
        with st.container(key="row-head-failures"):
            for column, title in zip(st.columns(_WIDTHS, vertical_alignment="center"), ("File", "Why", "What to do", ""), strict=True):
                with column:
                    plain_html.muted(title)
        for number, failure in enumerate(failures[:shown]):
            with st.container(key=f"row-failure-{number}"):
                file, why, what_to_do, button = st.columns(_WIDTHS, vertical_alignment="center")
                with file:
                    plain_html.path(_place(failure, roots))
                with why:
                    plain_html.words(failure.reason[:1].upper() + failure.reason[1:])
                with what_to_do:
                    plain_html.muted(failure.way_out)
                with button, st.container(horizontal=True, horizontal_alignment="right"):
                    if st.button("Try again", icon=":material/refresh:", key=f"try-{number}"):
                        started = _try_again(service, [failure], collection)
    if len(failures) > shown:
        more = min(AT_A_TIME, len(failures) - shown)
        st.button(f"Show {more} more", key="more-failures", on_click=_show_more)
    return started


def _show_more() -> None:
    st.session_state[_SHOWN] = st.session_state.get(_SHOWN, AT_A_TIME) + AT_A_TIME


def _place(failure: FailureAnswer, roots: Sequence[str]) -> str:
    if failure.file is None:
        return below(failure.path, list(roots))
    place = without_uploads(below(failure.file, list(roots)), failure.file)
    return f"{place}, {failure.locator.replace('=', ' ')}" if failure.locator else place


def _try_again(service: Service, failures: Sequence[FailureAnswer], collection: str) -> JobAnswer:
    files = sorted({failure.file or failure.path for failure in failures})
    return service.start_ingest(IngestRequest(paths=files, collection=collection, retry=True))
