"""A UniIR model as an encoder: instructions stand in the text, and text and picture of a query are encoded together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from encoders.preparing import prepared
from encoders.uniir_family.architectures import build, digest
from encoders.uniir_family.checkpoint import read_checkpoint
from encoders.uniir_family.eight_bits import build_in_eight_bits
from encoders.uniir_family.inputs import Item
from encoders.uniir_family.model import Model
from models.devices import EIGHT_BITS, Device
from models.eight_bits import eight_bit_device
from models.torch_devices import torch_device
from models.wording import formatted, instructed
from uniir.documents import Document, ImageReference, Modality
from uniir.errors import InputFailure, ModelUnavailable
from uniir.protocols import ImageLoader, Prepared, Steering
from uniir.queries import Query
from uniir.spaces import VectorSpace
from uniir.texts import require_clean, require_text

_EVERYTHING = frozenset(Modality)


class UniirEncoder:
    """Implements `uniir.protocols.Encoder`, and `ScoreFusing` where the model adds parts up. Thread-safe; computing is one at a time."""

    accepts = _EVERYTHING
    reads_parts_together = True  # a query of text and picture is one item, not a sum of two
    reads_instructions = True

    def __init__(self, model: Model, space: VectorSpace) -> None:
        self.space = space
        self._model = model
        self._computing = threading.Lock()
        if model.adds_parts:  # set on the object, since whether it is there is what tells score fusion from feature fusion
            self.halves: Callable[[Document, ImageLoader], NDArray[np.float32]] = self._halves

    @classmethod
    def load(cls, path: Path, name: str, device: Device) -> UniirEncoder:
        """From a checkpoint or a converted directory; `name` is how it is called for again. Raises UsageError, ModelUnavailable."""
        in_eight_bits = device.dtype == EIGHT_BITS
        on = eight_bit_device(device) if in_eight_bits else torch_device(device)
        checkpoint = read_checkpoint(path)
        with torch.inference_mode():
            built = build_in_eight_bits(checkpoint, on) if in_eight_bits else build(checkpoint, on)
        dtype = EIGHT_BITS if in_eight_bits else on.dtype_name
        return cls(built.model, _space(built.model, name, digest(checkpoint.tensors, built.names, built.model.heads), dtype))

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        """Tokens and squares of pixels; an item that can't be used becomes a failure."""
        return prepared(
            items, lambda item: self._prepare_query(item, images) if isinstance(item, Query) else self._prepare_document(item, images)
        )

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        """Unit vectors; raises ModelUnavailable where the number type is too small for the model."""
        vectors = self.raw(batch)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)

    def raw(self, batch: Prepared) -> NDArray[np.float32]:
        """What the authors' code gives before any normalisation, for comparing with files of theirs."""
        items: tuple[Item, ...] = batch.inputs  # type: ignore[assignment]
        if not items:
            return np.empty((0, self.space.dimension), np.float32)
        with self._computing, torch.inference_mode():
            vectors: NDArray[np.float32] = self._model.embed(items).numpy()
        if not np.isfinite(vectors).all():
            raise ModelUnavailable(f"{self.space.encoder} leaves the range of {self.space.dtype}.", "Compute in bfloat16 or float32.")
        return vectors

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        """The vectors as they are: these models are told by the instruction what is wanted, and know no other way."""
        return np.array(vectors, np.float32)

    def _halves(self, document: Document, images: ImageLoader) -> NDArray[np.float32]:
        """`uniir.protocols.ScoreFusing.halves`: the raw vectors of text and picture over the length of their sum."""
        whole = self._prepare_document(document, images)
        parts = (replace(whole, pixels=None, image_weight=0.0), replace(whole, text_weight=0.0))
        raw = np.zeros((2, self.space.dimension), np.float32)
        for row, part in zip(raw, parts, strict=True):
            if part.text_weight or part.image_weight:
                row[:] = self.raw(Prepared((0,), (), (part,)))[0]
        length = np.linalg.norm(raw.sum(axis=0))
        return np.asarray(raw / (length if length > 0 else 1), np.float32)

    def _prepare_document(self, document: Document, images: ImageLoader) -> Item:
        if document.modality is Modality.TEXT:
            require_text(document.text or "", "the text")
        if document.modality.has_image and document.image is None:
            raise InputFailure("image-missing", "the document has no picture")
        require_clean(document.text or "", "the text")
        text = formatted(document.text) if document.modality.has_text else ""
        return self._item(text, document.image if document.modality.has_image else None, images, 1.0, 1.0)

    def _prepare_query(self, query: Query, images: ImageLoader) -> Item:
        if query.modality is None:
            raise InputFailure("query-empty", "the query has neither a text nor a picture")
        if query.text is not None:
            require_text(query.text, "the query text")
        text = instructed(query.instruction.wording if query.instruction is not None else None, query.text)
        of_text, of_image = (query.weights.text, query.weights.image) if query.modality is Modality.IMAGE_TEXT else (1.0, 1.0)
        if of_text != of_image and not self._model.adds_parts:
            raise InputFailure("weights-unequal", f"{self._model.architecture} reads text and picture as one; they can't be weighed apart")
        if not (of_text or of_image):
            raise InputFailure("query-empty", "neither the text nor the picture of the query counts")
        return self._item(text, query.image, images, of_text, of_image)

    def _item(self, text: str, image: ImageReference | None, images: ImageLoader, of_text: float, of_image: float) -> Item:
        if not text and image is None and self._model.adds_parts:
            raise InputFailure("text-empty", "nothing is left of the text without its quotation marks")
        pixels = None if image is None else self._model.reading.square(images.faithful(image))
        return Item(tuple(self._model.reading.ids(text)), pixels, of_text if text else 0.0, of_image if image is not None else 0.0)


def _space(model: Model, name: str, weights: str, dtype: str) -> VectorSpace:
    return VectorSpace(name, f"{model.architecture} {weights[:32]}", model.reading.preprocessing, dtype, model.dimension)
