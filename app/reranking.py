"""Which reranker reads the hits of an encoder again, loaded when it is first wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.starter import STARTER
from models.devices import Device
from rerank.catalogue import TEXT, by_default, helps_at_all, load_model_reranker, load_text_reranker
from rerank.catalogue import wanted as spec_wanted
from search.reranking import RerankStage
from uniir.documents import Document
from uniir.errors import ModelUnavailable
from uniir.hits import BandCuts
from uniir.protocols import Encoder, ImageLoader, Reranker, TextReader
from uniir.queries import Query, Reranking
from uniir.settings import Settings


@dataclass(frozen=True, slots=True)
class _Absent:
    """Implements `Reranker` in the place of one that can't be loaded, so that every search that wants it hears why."""

    name: str
    why: str
    reading: str = "nothing"
    cuts: BandCuts | None = None

    def reads(self, query: Query, candidate: Document) -> bool:
        return True

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        raise ModelUnavailable(self.why)


class Rerankers:
    """The reranker of the settings and the last other one that was asked for, each loaded once, and one stage for each encoder."""

    def __init__(self, settings: Settings, load_encoder: Callable[[str], Encoder], images: ImageLoader) -> None:
        self._settings = settings
        self._load_encoder = load_encoder
        self._images = images
        self._loading = threading.Lock()
        self._stages: dict[tuple[str, str], RerankStage] = {}  # by encoder and reranker
        self._rerankers: dict[str, Reranker] = {}

    def stage(self, name: str, encoder: Encoder, wanted: Reranking, reranker: str | None = None) -> RerankStage | None:
        """None where hits of this encoder can't be read again, or nobody wants it and it is never on by itself.

        `reranker` names another one than the settings'. Raises UsageError, ModelUnavailable where that one is unknown or can't be loaded.
        """
        usual = self._settings.reranker
        if wanted is not Reranking.ON and not helps_at_all(name, reranker or usual):
            return None
        key = (name, reranker or usual)
        with self._loading:
            if reranker not in (None, usual):
                self._keep_only({reranker, usual})
            known = self._stages.get(key)
            if known is None or (reranker is not None and isinstance(known.reranker, _Absent)):
                known = self._stages[key] = self._stage(name, self._usual(encoder) if reranker is None else self._kept(reranker, encoder))
            return known

    def _keep_only(self, rerankers: Set[str | None]) -> None:
        """Large models beside each other fill a card."""
        self._stages = {key: stage for key, stage in self._stages.items() if key[1] in rerankers}
        self._rerankers = {name: one for name, one in self._rerankers.items() if name in rerankers}

    def _usual(self, encoder: Encoder) -> Reranker:
        """The one of the settings, which nobody who only searches has named: without it the first order is answer enough."""
        name = self._settings.reranker
        try:
            return self._kept(name, encoder)
        except ModelUnavailable as error:
            return _Absent(name, str(error))

    def _kept(self, name: str, encoder: Encoder) -> Reranker:
        known = self._rerankers[name] = self._named(name, encoder)
        return known

    def _stage(self, encoder: str, reranker: Reranker) -> RerankStage:
        name = reranker.name
        return RerankStage(
            reranker,
            lambda query, target: by_default(encoder, query, target, name),
            self._settings.rerank_top,
            self._settings.rerank_seconds,
            spec_wanted(name).spec.weight,
        )

    def named(self, name: str | None, encoder: Encoder) -> Reranker:
        """The one of the settings, or another one, which is not kept. Raises UsageError, ModelUnavailable."""
        name = name or self._settings.reranker
        with self._loading:
            found = self._named(name, encoder)
            if name == self._settings.reranker:
                self._rerankers[name] = found
            return found

    def _named(self, name: str, encoder: Encoder) -> Reranker:
        if name in self._rerankers:
            return self._rerankers[name]
        settings = self._settings
        if spec_wanted(name).spec.name != TEXT.name:
            device = Device(settings.device, settings.dtype, settings.threads)
            return load_model_reranker(name, device, settings.models_dir, self._images)
        reader = encoder if isinstance(encoder, TextReader) else self._load_encoder(STARTER.name)
        if not isinstance(reader, TextReader):
            raise ModelUnavailable(f"The reranker {name} can't be used with this collection.", "Name another with `--reranker`.")
        return load_text_reranker(reader)
