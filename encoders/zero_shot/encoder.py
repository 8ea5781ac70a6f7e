"""A model of two sides as an encoder: a pair is the sum of its text's and its picture's unit vectors, brought back to unit length."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from encoders.fingerprints import digest_of_preparing, digest_of_weights
from encoders.preparing import prepared
from encoders.zero_shot import ARCHITECTURES
from encoders.zero_shot.model import Model, Pixels
from models.batching import batches_for
from models.devices import Device
from models.places import kind_of
from models.torch_devices import TorchDevice, torch_device
from uniir.documents import Document, ImageReference, Modality
from uniir.errors import InputFailure, ModelUnavailable
from uniir.protocols import ImageLoader, Prepared, Steering
from uniir.queries import Query
from uniir.spaces import VectorSpace
from uniir.texts import require_text


@dataclass(frozen=True, slots=True)
class Item:
    """One document or query, ready to be computed. A part that is absent, or counts nothing, is None."""

    ids: tuple[int, ...] | None
    pixels: Pixels | None
    text_weight: float = 1.0
    image_weight: float = 1.0


class ZeroShotEncoder:
    """Implements `uniir.protocols.Encoder` and `ScoreFusing`. Safe to use from several threads; computing is one at a time."""

    def __init__(self, model: Model, space: VectorSpace, on: TorchDevice) -> None:
        self.space = space
        self._model = model
        self._on = on
        self._batches = batches_for(on.device)
        self._computing = threading.Lock()

    @classmethod
    def load(cls, directory: Path, name: str, device: Device) -> ZeroShotEncoder:
        """From a directory that transformers saved; `name` is how it is called for again. Raises UsageError, ModelUnavailable."""
        on = torch_device(device)
        kind = kind_of(directory)
        model: Model = import_module(f"encoders.zero_shot.{ARCHITECTURES[kind.model_type]}").load(directory, kind.model_type, on)
        weights = f"{model.architecture} {digest_of_weights(directory)[:32]}"
        preparing = f"faithful; {digest_of_preparing(directory)}"
        return cls(model, VectorSpace(name, weights, preparing, on.dtype_name, model.dimension), on)

    @property
    def accepts(self) -> frozenset[Modality]:
        """Pairs only where both sides are there."""
        text, image = self._model.text is not None, self._model.image is not None
        there = {Modality.TEXT} if text else set()
        there |= {Modality.IMAGE} if image else set()
        return frozenset(there | ({Modality.IMAGE_TEXT} if text and image else set()))

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        """Tokens and pixels; an item that can't be used, or that the model has no side for, becomes a failure."""
        return prepared(items, lambda item: self._item(item, images))

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        """Unit vectors. Raises ModelUnavailable where the number type is too small for the model, or memory for an item."""
        items: tuple[Item, ...] = batch.inputs  # type: ignore[assignment]
        texts, pictures = self._parts(items)
        return _unit(texts + pictures)

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        """The vectors as they are: these models know no instruction and no wish for a modality."""
        return np.array(vectors, np.float32)

    def halves(self, document: Document, images: ImageLoader) -> NDArray[np.float32]:
        """Implements `uniir.protocols.ScoreFusing`: each part's share of the sum, on the scale of the vector."""
        parts = np.concatenate(self._parts([self._item(document, images)]))
        length = np.linalg.norm(parts.sum(axis=0))
        return np.asarray(parts / (length if length > 0 else 1), np.float32)

    def _item(self, item: Document | Query, images: ImageLoader) -> Item:
        modality = item.modality
        if modality is None:
            raise InputFailure("query-empty", "the query has neither a text nor a picture")
        if modality not in self.accepts:
            raise InputFailure("not-accepted", f"{self._model.architecture} takes {', '.join(sorted(self.accepts))} only")
        if isinstance(item, Document):
            return Item(
                self._ids(item.text or "") if modality.has_text else None, self._pixels(item.image, images) if modality.has_image else None
            )
        of_text, of_image = (item.weights.text, item.weights.image) if modality is Modality.IMAGE_TEXT else (1.0, 1.0)
        if not (of_text or of_image):
            raise InputFailure("query-empty", "neither the text nor the picture of the query counts")
        ids = self._ids(item.text or "") if modality.has_text and of_text else None
        return Item(ids, self._pixels(item.image, images) if modality.has_image and of_image else None, of_text, of_image)

    def _ids(self, text: str) -> tuple[int, ...]:
        assert self._model.text is not None
        return self._model.text.ids(require_text(text, "the text"))

    def _pixels(self, image: ImageReference | None, images: ImageLoader) -> Pixels:
        assert self._model.image is not None
        if image is None:
            raise InputFailure("image-missing", "there is no picture")
        return self._model.image.pixels(images.faithful(image))

    def _parts(self, items: Sequence[Item]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weighed unit vectors of texts and of pictures, zeros for what is not there."""
        texts, pictures = (np.zeros((len(items), self.space.dimension), np.float32) for _ in range(2))
        read = [(number, item.ids) for number, item in enumerate(items) if item.ids is not None]
        seen = [(number, item.pixels) for number, item in enumerate(items) if item.pixels is not None]
        with self._computing, torch.inference_mode():
            if read and (text := self._model.text) is not None:
                computed = self._batches.run([ids for _, ids in read], len, lambda batch: text.batch(batch, self._on))
                texts[[number for number, _ in read]] = self._checked(computed)
            if seen and (image := self._model.image) is not None:
                computed = self._batches.run([one for _, one in seen], lambda _: image.places, lambda batch: image.batch(batch, self._on))
                pictures[[number for number, _ in seen]] = self._checked(computed)
        weights = np.array([(item.text_weight, item.image_weight) for item in items], np.float32).reshape(-1, 2)
        return texts * weights[:, :1], pictures * weights[:, 1:]

    def _checked(self, vectors: torch.Tensor) -> NDArray[np.float32]:
        found: NDArray[np.float32] = vectors.float().cpu().numpy()
        if not np.isfinite(found).all():
            raise ModelUnavailable(f"{self.space.encoder} leaves the range of {self.space.dtype}.", "Compute in bfloat16 or float32.")
        return _unit(found)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
