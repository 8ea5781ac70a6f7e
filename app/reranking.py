"""Which reranker reads the hits of an encoder again, loaded when it is first wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from encoders.starter import STARTER
from rerank.catalogue import TEXT, by_default, load_reranker
from search.reranking import RerankStage
from uniir.errors import ModelUnavailable
from uniir.protocols import Encoder, Reranker, TextReader
from uniir.queries import Reranking
from uniir.settings import Settings

_LOG = logging.getLogger(__name__)


class Rerankers:
    """One reranker for an installation, one stage for each encoder."""

    def __init__(self, settings: Settings, load_encoder: Callable[[str], Encoder]) -> None:
        self._settings = settings
        self._load_encoder = load_encoder
        self._loading = threading.Lock()
        self._stages: dict[str, RerankStage | None] = {}
        self._reranker: Reranker | None = None

    def stage(self, name: str, encoder: Encoder, wanted: Reranking) -> RerankStage | None:
        """None where hits of this encoder can't be read again, or nobody wants it and it is never on by itself."""
        if wanted is not Reranking.ON and name not in TEXT.helps:
            return None
        with self._loading:
            if name not in self._stages:
                self._stages[name] = self._made(name, encoder)
            return self._stages[name]

    def _made(self, name: str, encoder: Encoder) -> RerankStage | None:
        try:
            if self._reranker is None:
                reader = encoder if isinstance(encoder, TextReader) else self._load_encoder(STARTER.name)
                if not isinstance(reader, TextReader):
                    return None
                self._reranker = load_reranker(reader)
        except ModelUnavailable as error:
            _LOG.warning("hits are not read again: %s", error)
            return None
        settings = self._settings
        return RerankStage(
            self._reranker, lambda query, target: by_default(name, query, target), settings.rerank_top, settings.rerank_seconds
        )
