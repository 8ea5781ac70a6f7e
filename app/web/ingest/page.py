"""The Ingest screen: make a collection equal to a folder or add files, watch it, and mend what could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from app.web import plain_html
from app.web.ingest.earlier_jobs import earlier_jobs
from app.web.ingest.failure_rows import failure_rows
from app.web.ingest.job_card import job_card
from app.web.ingest.job_words import name_of
from app.web.ingest.source import source_card
from uniir.wire import FailureAnswer, FailureSelection, JobAnswer

if TYPE_CHECKING:
    from uniir.client import Client

_WATCHED = "ingest_watched"  # jobs that were seen running here
_FAILED_OF = "ingest_failed_of"
_STYLES = Path(__file__).parents[1] / "upkeep.css"


def show(client: Client) -> None:
    """Draws the screen. Raises UniirError where the service does not answer or refuses."""
    st.html(_STYLES)
    plain_html.page_title("Ingest", "Make a collection equal to a folder. Unchanged files are skipped.")
    collections = client.collections()
    jobs = client.jobs().jobs
    active = [job for job in jobs if not job.is_over]
    started = source_card(client, collections, active)
    if started is not None:
        st.session_state.pop(_FAILED_OF, None)
        _watch([started])
        st.rerun()
    _watch(active)
    shown = _shown(jobs)
    st.fragment(_live, run_every=1 if active else 5)(client, _state_of(shown), collections.corpus_roots)
    _failures(client, jobs, active, collections.corpus_roots)
    _earlier(client, [job for job in jobs if job.is_over and job not in shown], collections.corpus_roots)


def _watch(jobs: Sequence[JobAnswer]) -> None:
    if jobs:
        st.session_state[_WATCHED] = [job.id for job in jobs]


def _shown(jobs: Sequence[JobAnswer]) -> list[JobAnswer]:
    """What runs or waits, oldest first; when nothing does, what ended last before the eyes of this visitor."""
    active = [job for job in reversed(jobs) if not job.is_over]
    return active or [job for job in jobs if job.id in st.session_state.get(_WATCHED, ())][:1]


def _state_of(jobs: Sequence[JobAnswer]) -> list[tuple[str, bool, int]]:
    """What the rest of the page depends on."""
    return [(job.id, job.is_over, job.progress.failed) for job in jobs]


def _live(client: Client, drawn: Sequence[tuple[str, bool, int]], roots: Sequence[str]) -> None:
    """The jobs, drawn again each second; the rest of the page follows when one begins, ends or meets what it can't read."""
    shown = _shown(client.jobs().jobs)
    if _state_of(shown) != list(drawn):
        st.rerun()
    for job in shown:
        job_card(client, job, roots)


def _failures(client: Client, jobs: Sequence[JobAnswer], active: Sequence[JobAnswer], roots: Sequence[str]) -> None:
    """Those of the collection that is being filled or is chosen, or of one earlier job."""
    asked = next((job for job in jobs if job.id == st.session_state.get(_FAILED_OF)), None)
    collection = asked.collection if asked else active[0].collection if active else str(st.session_state.get("ingest_collection") or "")
    known = {one.name for one in client.collections().collections}
    if collection not in known:
        return
    listed = client.failures(FailureSelection(collection=collection, paths=asked.paths if asked else None)).failures
    failures = [failure for failure in listed if not failure.ignored]
    if not failures:
        if asked:
            plain_html.muted("Nothing of this ingest is left that could not be read.")
        return
    if asked:
        _only_of(asked, failures)
    started = failure_rows(client, failures, collection, roots)
    if started is not None:  # the list stays with the ingest that was asked about
        _watch([started])
        st.rerun()


def _only_of(job: JobAnswer, failures: Sequence[FailureAnswer]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        plain_html.muted(f"Only what stands in {name_of(job, [])}.")
        st.button("Show all", key="failed-all", type="tertiary", on_click=lambda: st.session_state.pop(_FAILED_OF, None))


def _earlier(client: Client, jobs: Sequence[JobAnswer], roots: Sequence[str]) -> None:
    if not jobs:
        return
    wish = earlier_jobs(jobs, roots, reader_zone())
    if wish is None:
        return
    what, job = wish
    if what == "show failed":
        st.session_state[_FAILED_OF] = job.id
    else:
        _watch([client.retry(job.id)])
    st.rerun()


def reader_zone() -> tzinfo | None:
    """The time zone of the reader's browser; none: the machine's own."""
    try:
        return ZoneInfo(st.context.timezone) if st.context.timezone else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
