"""Which reranker reads the hits of an encoder again, loaded when it is first wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from encoders.starter import STARTER
from models.devices import Device
from rerank.catalogue import TEXT, by_default, helps_at_all, load_model_reranker, load_text_reranker
from rerank.catalogue import wanted as spec_wanted
from search.reranking import RerankStage
from uniir.errors import ModelUnavailable
from uniir.protocols import Encoder, ImageLoader, Reranker, TextReader
from uniir.queries import Reranking
from uniir.settings import Settings

_LOG = logging.getLogger(__name__)


class Rerankers:
    """The reranker of the settings, loaded once, and one stage for each encoder."""

    def __init__(self, settings: Settings, load_encoder: Callable[[str], Encoder], images: ImageLoader) -> None:
        self._settings = settings
        self._load_encoder = load_encoder
        self._images = images
        self._loading = threading.Lock()
        self._stages: dict[str, RerankStage | None] = {}
        self._reranker: Reranker | None = None

    def stage(self, name: str, encoder: Encoder, wanted: Reranking) -> RerankStage | None:
        """None where hits of this encoder can't be read again, or nobody wants it and it is never on by itself."""
        if wanted is not Reranking.ON and not helps_at_all(name, self._settings.reranker):
            return None
        with self._loading:
            if name not in self._stages:
                self._stages[name] = self._made(name, encoder)
            return self._stages[name]

    def _made(self, name: str, encoder: Encoder) -> RerankStage | None:
        settings = self._settings
        try:
            if self._reranker is None:
                self._reranker = self._loaded(encoder, settings.reranker)
        except ModelUnavailable as error:
            _LOG.warning("hits are not read again: %s", error)
            return None
        if self._reranker is None:
            return None
        return RerankStage(
            self._reranker,
            lambda query, target: by_default(name, query, target, settings.reranker),
            settings.rerank_top,
            settings.rerank_seconds,
            spec_wanted(settings.reranker).spec.weight,
        )

    def named(self, name: str | None, encoder: Encoder) -> Reranker:
        """The one of the settings, or another one, which is not kept. Raises UsageError, ModelUnavailable."""
        name = name or self._settings.reranker
        with self._loading:
            known = self._reranker if name == self._settings.reranker else None
            found = known or self._loaded(encoder, name)
            if found is None:
                raise ModelUnavailable(f"The reranker {name} can't be used with this collection.", "Name another with `--reranker`.")
            if name == self._settings.reranker:
                self._reranker = found
            return found

    def _loaded(self, encoder: Encoder, name: str) -> Reranker | None:
        settings = self._settings
        if name != TEXT.name:
            device = Device(settings.device, settings.dtype, settings.threads)
            return load_model_reranker(name, device, settings.models_dir, self._images)
        reader = encoder if isinstance(encoder, TextReader) else self._load_encoder(STARTER.name)
        return load_text_reranker(reader) if isinstance(reader, TextReader) else None
