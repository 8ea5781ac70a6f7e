"""Asking the service, and what came of it. Slow reranking shows the first ranking meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
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

_QUICK = 0.15  # seconds in which nobody needs to hear that it is being searched
_FOUND = "found"
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


def remembered() -> Found | None:
    """What this session found last."""
    found: Found | None = st.session_state.get(_FOUND)
    return found


def remember(found: Found) -> None:
    st.session_state[_FOUND] = found


def forget() -> None:
    st.session_state.pop(_FOUND, None)


class Search:
    """A search under way: it begins while the page above the results is still being drawn."""

    def __init__(self, service: Service, ask: Ask, collection: str) -> None:
        self.ask = ask
        self._service = service
        self._request = replace(ask, collection=collection)
        self._started = time.perf_counter()
        self._whole = _workers().submit(self._ask, self._request)
        self._ended = self._started

    def found(self, slow: Callable[[], None]) -> Found:
        """Waits for the answer; `slow` is called where that takes long enough to be told. Raises UniirError."""
        try:
            return self._found(self._whole.result(_QUICK))
        except TooLong:
            slow()
        if self._request.rerank is Reranking.OFF or self._request.guess:  # a guess takes its time, and is made once
            return self._found(self._whole.result())
        try:
            return self._found(self._whole.result(_PATIENCE))
        except TooLong:
            first = self._service.search(replace(self._request, rerank=Reranking.OFF).as_request())
            if self._whole.done():
                return self._found(self._whole.result())
            return Found(self.ask, first, _since(self._started), self._whole, self._started)

    def _ask(self, request: Ask) -> SearchAnswer:
        answer = self._service.search(request.as_request())
        self._ended = time.perf_counter()
        return answer

    def _found(self, answer: SearchAnswer) -> Found:
        return Found(self.ask, answer, (self._ended - self._started) * 1000)


@st.cache_resource(show_spinner=False)
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(32, thread_name_prefix="searching")


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
