"""An encoder without weights whose vectors can be worked out by hand: the test double for everything around a model.

Text is a bag of hashed words, a picture is its 4 x 4 mean colours, each in a block of its own, so texts meet texts and pictures meet
pictures; a pair is the normalised sum of its parts. Three axes carry the modality, so that a target steers as with real encoders.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.preparing import prepared
from uniir.documents import Document, Modality
from uniir.errors import InputFailure
from uniir.protocols import ImageLoader, Prepared, Steering
from uniir.queries import Query
from uniir.spaces import VectorSpace
from uniir.texts import require_text

NAME = "arithmetic"
GRID = 4
COLOURS = GRID * GRID * 3
_AXES = (Modality.IMAGE, Modality.TEXT, Modality.IMAGE_TEXT)
_WORDS = 64
_NAMED = re.compile(rf"{NAME}(?:-([1-9]\d{{0,3}}))?")
_WORD = re.compile(r"\w+")
_MODALITIES = frozenset(Modality)


@dataclass(frozen=True, slots=True)
class ArithmeticEncoder:
    """Implements `uniir.protocols.Encoder` and `ScoreFusing`: [words | 4 x 4 x 3 colours | image, text, pair axis]."""

    words: int = _WORDS
    axis: float = 1.0  # height of a document's axis beside its content of length one
    push: float = 2.0  # what a target adds to the cosine of documents of that modality; above 2 nothing else can outrank them

    @classmethod
    def named(cls, name: str) -> ArithmeticEncoder | None:
        """The encoder that `name` means, `arithmetic` or `arithmetic-32` with so many words; None for any other name."""
        found = _NAMED.fullmatch(name)
        return cls(int(found[1] or _WORDS)) if found is not None else None

    @property
    def accepts(self) -> frozenset[Modality]:
        return _MODALITIES

    @property
    def space(self) -> VectorSpace:
        name = NAME if self.words == _WORDS else f"{NAME}-{self.words}"
        return VectorSpace(name, f"axis {self.axis}", "crc32 words, 4x4 colours", "float32", self.words + COLOURS + len(_AXES))

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        """The vectors themselves: there is nothing left for `encode` to compute."""
        return prepared(items, lambda item: self._vector(item, images))

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        rows: tuple[NDArray[np.float32], ...] = batch.inputs  # type: ignore[assignment]
        return np.stack(rows) if rows else np.empty((0, self.space.dimension), np.float32)

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        """The content at unit length beside `push` on the wanted axis; no target, no push."""
        turned = np.array(vectors, np.float32)
        content = self.words + COLOURS
        turned[:, content:] = 0
        turned = _unit(turned)
        for row, one in enumerate(steering):
            if one.target is not None:
                turned[row, content + _AXES.index(one.target)] = self.push / self.axis
        return _unit(turned)

    def halves(self, document: Document, images: ImageLoader) -> NDArray[np.float32]:
        """Implements `uniir.protocols.ScoreFusing`: each part has a block of its own."""
        vector = self._vector(document, images)
        halves = np.zeros((2, vector.size), np.float32)
        halves[0, : self.words] = vector[: self.words]
        halves[1, self.words : self.words + COLOURS] = vector[self.words : self.words + COLOURS]
        return halves

    def _vector(self, item: Document | Query, images: ImageLoader) -> NDArray[np.float32]:
        modality = item.modality
        if modality is None:
            raise InputFailure("query-empty", "the query has neither a text nor a picture")
        weights = (item.weights.text, item.weights.image) if isinstance(item, Query) else (1.0, 1.0)
        vector = np.zeros(self.space.dimension, np.float32)
        if modality.has_text:
            vector[: self.words] = weights[0] * self._text(require_text(item.text or "", "the text"))
        if modality.has_image:
            if item.image is None:
                raise InputFailure("image-missing", "there is no picture")
            vector[self.words : self.words + COLOURS] = weights[1] * _colours(images.upright(item.image))
        vector = _unit(vector)
        if isinstance(item, Document):
            vector[self.words + COLOURS + _AXES.index(modality)] = self.axis
        return _unit(vector)

    def _text(self, text: str) -> NDArray[np.float32]:
        found = _WORD.findall(text.lower()) or [text]
        hashed = [zlib.crc32(word.encode()) % self.words for word in found]
        return _unit(np.bincount(hashed, minlength=self.words).astype(np.float32))


def _colours(image: Image.Image) -> NDArray[np.float32]:
    means = np.asarray(image.resize((GRID, GRID), Image.Resampling.BOX), np.float32).reshape(-1)
    # One grey level more, so that a black picture has a direction too.
    return _unit(means + 1)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
