"""Whether the service can really answer: an encoder that encodes and a store that searches."""

from __future__ import annotations

import logging
import time
from threading import Event

from uniir.errors import ModelUnavailable, Unavailable, UniirError
from uniir.queries import Reranking
from uniir.service import Service
from uniir.wire import SearchRequest

_LOG = logging.getLogger("uniir.service")
_WORDS = "a small boat on calm water"  # a query like any other; what it finds does not matter


class Readiness:
    """Searches once in every collection to load what searching needs, and then once more whenever somebody asks."""

    def __init__(self, service: Service, pause: float = 0.0) -> None:
        """`pause` are the seconds that go by before anything is loaded, for who has something more urgent to do at a start."""
        self._service = service
        self._pause = pause
        self._warmed = Event()
        self._warmed.set()

    def postpone(self) -> None:
        """From now on the service is not ready until it has been warmed."""
        self._warmed.clear()

    def warm(self) -> None:
        """Loads the encoders and stores of all collections; an error is logged, and told to whoever asks later."""
        time.sleep(self._pause)
        try:
            for collection in self._service.collections().collections:
                self._try(collection.name)
        except UniirError as error:
            _LOG.warning("not ready: %s", error)
        finally:
            self._warmed.set()

    def check(self) -> list[str]:
        """Encodes and searches in every collection; says in which. Raises Unavailable where that fails."""
        if not self._warmed.is_set():
            raise ModelUnavailable("The encoder is still being loaded.", "Ask again in a moment.")
        try:
            names = [collection.name for collection in self._service.collections().collections]
            for name in names:
                self._try(name)
        except Unavailable:
            raise
        except UniirError as error:  # whatever is wrong, the service is not at fault with the one who asks
            raise Unavailable(error.what, error.way_out) from error
        return names

    def _try(self, collection: str) -> None:
        self._service.search(SearchRequest(text=_WORDS, k=1, rerank=Reranking.OFF, collection=collection))
