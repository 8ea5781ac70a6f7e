"""The ingest that runs: its folder, how far it is, and the way to stop it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.web import plain_html
from app.web.figures import about, duration, rate
from app.web.ingest.job_words import badge_of, below, failed_in, how_far, name_of, notes_of, share_done
from app.web.safe_text import sentence_as_markdown
from uniir.service import Service
from uniir.wire import JobAnswer, JobState

_ASKED, _STOPPED = "ingest_cancel_asked", "ingest_cancelled"


def job_card(service: Service, job: JobAnswer, roots: Sequence[str]) -> None:
    """Draws one job; meant to be drawn every second while it runs."""
    if not job.is_over and st.session_state.get(_STOPPED) == job.id:
        del st.session_state[_STOPPED]
        service.cancel(job.id)
        st.rerun()
    with st.container(border=True, key=f"job-{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                plain_html.heading(name_of(job, list(roots)), f"into {job.collection}")
                badge = badge_of(job)
                st.badge(badge.word, icon=badge.icon, color=badge.colour)
            if not job.is_over:
                st.button("Cancel", icon=":material/stop_circle:", key=f"cancel-{job.id}", on_click=_ask, args=(job.id,))
            elif job.state is JobState.CANCELLED and st.button("Go on", icon=":material/play_arrow:", key=f"continue-{job.id}"):
                service.retry(job.id)
                st.rerun()
        if not job.is_over and st.session_state.get(_ASKED) == job.id:
            _question(job)
        share = share_done(job)
        if share is not None:
            st.progress(share, text=how_far(job))
        else:
            plain_html.words(how_far(job))
        plain_html.figures(_figures(job))
        _last_line(job, list(roots))


def _ask(job: str) -> None:
    st.session_state[_ASKED] = job


def _stop(job: str) -> None:
    """Kept until the job is drawn: the page may run again before that, since something else has happened to the job."""
    _ask("")
    st.session_state[_STOPPED] = job


def _question(job: JobAnswer) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="cancel-question"):
        plain_html.words("What is done stays. Go on later from here.")
        st.space("stretch")
        st.button("Keep going", key=f"keep-{job.id}", on_click=_ask, args=("",))
        st.button("Cancel the ingest", key=f"stop-{job.id}", icon=":material/stop_circle:", on_click=_stop, args=(job.id,))


def _figures(job: JobAnswer) -> Sequence[tuple[str, str, str]]:
    progress, report, filled = job.progress, job.report, job.filled
    if job.state is JobState.DONE and report is not None:
        first = ("Took", duration(report.seconds), "")
        speed = _rate(report.documents_per_second, "documents/s")
        counts = report.added, report.changed, report.unchanged, len(report.failed)
    elif job.state is JobState.DONE and filled is not None:
        return (
            ("Took", duration(filled.seconds), ""),
            _rate(filled.documents_per_second, "documents/s"),
            ("Added", f"{filled.added:,}", ""),
            ("Failed", f"{len(filled.failed):,}", ""),
        )
    else:
        first = _time(job)
        speed = _rate(progress.rate, "files/s" if job.space is None else "documents/s")
        counts = progress.added, progress.changed, progress.unchanged, progress.failed
    named = zip(("Added", "Changed", "Unchanged", "Failed"), counts, strict=True)
    return (first, speed, *((label, f"{count:,}", "") for label, count in named))


def _rate(per_second: float | None, unit: str) -> tuple[str, str, str]:
    """Without a number where nothing was done that had a speed."""
    if per_second is None:
        return "Rate", "…", ""
    return ("Rate", rate(per_second), unit) if per_second > 0 else ("Rate", "none", "")


def _time(job: JobAnswer) -> tuple[str, str, str]:
    if job.is_over:
        took = (job.finished_at - job.started_at).total_seconds() if job.finished_at and job.started_at else 0.0
        return "Took", duration(took), ""
    left = job.progress.seconds_left
    return "Left", about(left) if left is not None else "…", ""


def _last_line(job: JobAnswer, roots: list[str]) -> None:
    if job.problem is not None:
        st.error(sentence_as_markdown(f"{job.problem.detail} {job.problem.way_out}".strip()), icon=":material/error:")
    elif job.state is JobState.RUNNING and job.progress.current:
        current = below(job.progress.current, roots)
        plain_html.sentence("Now: ", current, " · what is done can already be searched", code=(current,))
    elif job.state is JobState.CANCELLED:
        plain_html.muted("What is done stays and can be searched. Go on later from here.")
    elif job.is_over:
        _outcome(job)
    else:
        plain_html.muted("What is done can be searched at once.")


def _outcome(job: JobAnswer) -> None:
    notes, technical = notes_of(job)
    for note in notes:
        plain_html.muted(note)
    if job.space is not None:
        plain_html.muted("It is not searched yet; `uniir spaces promote` takes it into use.")
    else:
        plain_html.muted("The rest can be searched now." if failed_in(job) else "All of it can be searched now.")
    if technical:
        with st.expander("Encoder and index"):
            for note in technical:
                plain_html.muted(note)
