"""A judge as a reranker: pictures opened once, prompts in batches, scores remembered by everything they depend on."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.answering import probabilities
from models.batching import Batches
from models.rows import Item, Pixels
from rerank.mllm.judges import Judge
from uniir.documents import Document, ImageReference
from uniir.errors import InputFailure, ModelUnavailable
from uniir.hits import BandCuts
from uniir.images import read_image
from uniir.protocols import ImageLoader
from uniir.queries import Query

_REMEMBERED = 200_000  # scores, of some 100 bytes each


@dataclass(slots=True)
class Scores:
    """What was found lately, the least lately used forgotten first. Safe to use from several threads."""

    most: int = _REMEMBERED
    known: OrderedDict[str, float] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str) -> float | None:
        with self.lock:
            if key in self.known:
                self.known.move_to_end(key)
            return self.known.get(key)

    def put(self, key: str, value: float) -> None:
        with self.lock:
            self.known[key] = value
            if len(self.known) > self.most:
                self.known.popitem(last=False)


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
        if query.modality is None or not self.judge.reads(query.modality, candidate.modality):
            return False
        return not candidate.modality.has_image or (candidate.image is not None and candidate.image.path.is_file())

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        """Raises ModelUnavailable also where a picture can't be read any more, or the number type is too small."""
        if not candidates:
            return np.empty(0, np.float32)
        try:
            return self._score(query, candidates)
        except InputFailure as failure:
            raise ModelUnavailable(f"A picture can't be shown to {self.name}: {failure.reason}.") from None

    def _score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        asked = self._key(query)
        keys = [hashlib.sha256(f"{asked}\0{_content(one)}".encode("utf-8", "surrogatepass")).hexdigest() for one in candidates]
        found = {key: self.scores.get(key) for key in keys}
        missing = [place for place, key in enumerate(keys) if found[key] is None]
        if missing:
            shown = {} if query.image is None else {"query_image": self._shown(query.image)}
            items = [self._item(query, candidates[place], shown) for place in missing]
            with self._computing:
                values = probabilities(self.judge.trunk, items, self.judge.answers, self.batches).tolist()
            if not np.isfinite(values).all():
                raise ModelUnavailable(f"{self.name} leaves the range of its number type.", "Compute in bfloat16 or float32.")
            for place, value in zip(missing, values, strict=True):
                self.scores.put(keys[place], value)
                found[keys[place]] = value
        return np.array([found[key] for key in keys], np.float32)

    def _item(self, query: Query, candidate: Document, shown: dict[str, Pixels]) -> Item:
        pictures = dict(shown)
        if candidate.modality.has_image and candidate.image is not None:
            pictures["cand_image"] = self._shown(candidate.image)
        return self.judge.item(query, candidate, pictures)

    def _shown(self, image: ImageReference) -> Pixels:
        opened = self.images.upright(image) if self.judge.opens == "upright" else self.images.faithful(image)
        return self.judge.shown(opened)

    def _key(self, query: Query) -> str:
        told = query.instruction
        instruction = None if told is None else (told.wording, told.dataset)
        return repr((self.weights, self.judge.version, query.text, _bytes_of(query.image), instruction))


def _content(document: Document) -> str:
    """What a candidate shows. The file's bytes count and not what the catalog remembers of them: it may have changed since."""
    text = document.text if document.modality.has_text else None
    return repr((str(document.modality), text, _bytes_of(document.image) if document.modality.has_image else None))


def _bytes_of(image: ImageReference | None) -> str | None:
    return None if image is None else hashlib.sha256(read_image(image.path)).hexdigest()
