"""Asking the service, and what came of it. Slow reranking shows the first ranking meanwhile."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from app.web.address import Ask
from uniir.queries import Reranking
from uniir.wire import SearchAnswer

if TYPE_CHECKING:
    from uniir.service import Service

_PATIENCE = 0.6  # seconds before the first ranking is shown without waiting for the reranker


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search, and how long it took. `reranked` is what still comes where this is the first ranking only."""

    ask: Ask
    answer: SearchAnswer
    milliseconds: float
    reranked: Future[SearchAnswer] | None = None
    started: float = 0.0

    def finished(self) -> Found:
        """With the last ranking, which is waited for. Raises UniirError."""
        if self.reranked is None:
            return self
        answer = self.reranked.result()
        return replace(self, answer=answer, milliseconds=_since(self.started), reranked=None)


def find(service: Service, ask: Ask) -> Found:
    """Searches. Raises UniirError."""
    started = time.perf_counter()
    whole = _workers().submit(service.search, ask.as_request())
    try:
        return Found(ask, whole.result(None if ask.rerank is Reranking.OFF else _PATIENCE), _since(started))
    except TooLong:
        first = service.search(replace(ask, rerank=Reranking.OFF).as_request())
        if whole.done():
            return Found(ask, whole.result(), _since(started))
        return Found(ask, first, _since(started), whole, started)


@st.cache_resource(show_spinner=False)
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(32, thread_name_prefix="searching")


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
