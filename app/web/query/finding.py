"""Asking the service, and what came of it. Slow reranking shows the first ranking meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from app.web.query.address import Ask
from uniir.hits import RerankState
from uniir.wire import SearchAnswer

if TYPE_CHECKING:
    from uniir.service import Service

_QUICK = 0.15  # seconds in which nobody needs to hear that it is being searched
_FOUND = "found"
_LOOK = 0.05  # seconds between two looks whether the first ranking is there


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
        self._ended = self._started
        self._first: SearchAnswer | None = None
        self._whole = _workers().submit(self._ask, self._request)

    def found(self, slow: Callable[[], None]) -> Found:
        """Waits for the answer; `slow` is called where that takes long enough to be told. Raises UniirError."""
        try:
            return self._found(self._whole.result(_QUICK))
        except TooLong:
            slow()
        while True:
            try:
                return self._found(self._whole.result(_LOOK))
            except TooLong:
                if self._first is not None:
                    return Found(self.ask, self._first, _since(self._started), self._whole, self._started)

    def _ask(self, request: Ask) -> SearchAnswer:
        """The last answer; the first order is kept where hits are still being read."""
        for answer in self._service.search_in_steps(request.as_request()):
            if answer.rerank.state is RerankState.PENDING:
                self._first = answer
        self._ended = time.perf_counter()
        return answer

    def _found(self, answer: SearchAnswer) -> Found:
        return Found(self.ask, answer, (self._ended - self._started) * 1000)


@st.cache_resource(show_spinner=False)
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(32, thread_name_prefix="searching")


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
