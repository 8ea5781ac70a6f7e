"""Ingests that are over, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Literal

import streamlit as st

from app.web import plain_html
from app.web.ingest.job_words import badge_of, failed_in, how_it_ended, name_of
from uniir.wire import JobAnswer, JobState

AT_A_TIME = 20
Wish = Literal["show failed", "go on"]
_SHOWN = "ingest_jobs_shown"
_WIDTHS = (30, 25, 31, 14)


def earlier_jobs(jobs: Sequence[JobAnswer], roots: Sequence[str], zone: tzinfo | None) -> tuple[Wish, JobAnswer] | None:
    """Draws the list; returns what is wanted of which job."""
    wish: tuple[Wish, JobAnswer] | None = None
    with st.container(key="section-earlier"):
        plain_html.section_title("Earlier")
    shown = st.session_state.get(_SHOWN, AT_A_TIME)
    with st.container(border=True, key="rows-earlier"):
        for job in jobs[:shown]:
            with st.container(key=f"row-job-{job.id}"):
                folder, state, ended, button = st.columns(_WIDTHS, vertical_alignment="center")
                with folder:
                    plain_html.name(name_of(job, list(roots)))
                with state:
                    badge = badge_of(job)
                    st.badge(badge.word, icon=badge.icon, color=badge.colour)
                with ended:
                    why = f"{job.problem.detail} {job.problem.way_out}".strip() + " · " if job.problem is not None else ""
                    plain_html.muted(why + how_it_ended(job, datetime.now(UTC), zone))
                with button, st.container(horizontal=True, horizontal_alignment="right"):
                    wish = _button(job) or wish
    if len(jobs) > shown:
        st.button(f"Show {min(AT_A_TIME, len(jobs) - shown)} more", key="more-jobs", on_click=_show_more)
    return wish


def _button(job: JobAnswer) -> tuple[Wish, JobAnswer] | None:
    if job.state in {JobState.CANCELLED, JobState.FAILED}:
        word = "Go on" if job.state is JobState.CANCELLED else "Try again"
        return ("go on", job) if st.button(word, key=f"go-on-{job.id}") else None
    if failed_in(job):
        return ("show failed", job) if st.button("Show failed", key=f"failed-{job.id}") else None
    return None


def _show_more() -> None:
    st.session_state[_SHOWN] = st.session_state.get(_SHOWN, AT_A_TIME) + AT_A_TIME
