"""A judge as a reranker: pictures opened once, prompts in batches, scores remembered by everything they depend on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.answering import probabilities
from models.batching import Batches
from models.rows import Item, Pixels
from rerank.mllm.judges import Judge
from rerank.pictures import picture_is_there
from rerank.scores import Scores
from uniir.documents import Document, ImageReference
from uniir.hits import BandCuts
from uniir.protocols import ImageLoader
from uniir.queries import Query


@dataclass(frozen=True, slots=True)
class MllmReranker:
    """Implements `uniir.protocols.Reranker`. `weights` is the digest of the model's."""

    name: str
    judge: Judge
    weights: str
    images: ImageLoader
    batches: Batches
    reading: str = "texts and pictures"
    cuts: BandCuts | None = None
    scores: Scores = field(default_factory=Scores)
    _computing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def version(self) -> str:
        """Implements `uniir.protocols.Versioned`: the weights, and how they are asked."""
        return f"{self.weights[:16]} {self.judge.version}"

    def reads(self, query: Query, candidate: Document) -> bool:
        return query.modality is not None and self.judge.reads(query.modality, candidate.modality) and picture_is_there(candidate)

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        """Raises ModelUnavailable also where a picture can't be read any more, or the number type is too small."""
        return self.scores.of(self.name, self.version, query, candidates, lambda unknown: self._probabilities(query, unknown))

    def _probabilities(self, query: Query, candidates: Sequence[Document]) -> Sequence[float]:
        shown = {} if query.image is None else {"query_image": self._shown(query.image)}
        items = [self._item(query, one, shown) for one in candidates]
        with self._computing:
            values: list[float] = probabilities(self.judge.trunk, items, self.judge.answers, self.batches).tolist()
        return values

    def _item(self, query: Query, candidate: Document, shown: dict[str, Pixels]) -> Item:
        pictures = dict(shown)
        if candidate.modality.has_image and candidate.image is not None:
            pictures["cand_image"] = self._shown(candidate.image)
        return self.judge.item(query, candidate, pictures)

    def _shown(self, image: ImageReference) -> Pixels:
        return self.judge.trunk.shown(self.images.upright(image) if self.judge.opens == "upright" else self.images.faithful(image))
