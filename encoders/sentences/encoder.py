"""A model of sentence-transformers as an encoder: what it takes is what the library says it supports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sentence_transformers import SentenceTransformer

from encoders.fingerprints import digest_of_preparing, digest_of_weights
from encoders.preparing import prepared
from encoders.sentences.loading import load_model
from encoders.sentences.prompts import Prompts
from models.batching import batches_for
from models.devices import Device
from models.places import described
from models.torch_devices import TorchDevice, torch_device
from uniir.documents import Document, Modality
from uniir.errors import InputFailure, ModelUnavailable
from uniir.protocols import ImageLoader, Prepared, Steering
from uniir.queries import Query
from uniir.spaces import VectorSpace
from uniir.texts import require_text

_PICTURE = 300  # what a picture costs in tokens, about; the library does not tell
_LETTERS = 3  # in a token, at least, on average


@dataclass(frozen=True, slots=True)
class Item:
    """One document or query. `task` is the library's word for which of them it is."""

    text: str | None
    picture: Image.Image | None
    task: Literal["query", "document"]
    prompt: str
    text_weight: float = 1.0
    image_weight: float = 1.0


class SentenceEncoder:
    """Implements `uniir.protocols.Encoder`, and as the model can: `ScoreFusing` or `ReadsPartsTogether`, and `ReadsInstructions`.

    A model that reads text and picture together does so; of one that takes either, the unit vectors are added up. Thread-safe.
    """

    def __init__(self, model: SentenceTransformer, space: VectorSpace, prompts: Prompts, on: TorchDevice) -> None:
        self.space = space
        self._model = model
        self._prompts = prompts
        self._batches = batches_for(on.device)
        self._computing = threading.Lock()
        self._sees = model.supports("image")
        self._joins = self._sees and model.supports(("image", "text"))
        # Set on the object, since whether it has them is what tells the kinds apart.
        if prompts.tell_queries_apart:
            self.reads_instructions: Literal[True] = True
        if self._joins:
            self.reads_parts_together: Literal[True] = True
        elif self._sees:
            self.halves: Callable[[Document, ImageLoader], NDArray[np.float32]] = self._halves

    @classmethod
    def load(cls, directory: Path, name: str, device: Device) -> SentenceEncoder:
        """From a directory; `name` is how it is called for again. Raises UsageError, ModelUnavailable."""
        on = torch_device(device)
        model = load_model(directory, on)
        dimension = model.get_embedding_dimension()
        if dimension is None:
            raise ModelUnavailable(f"The model in {directory} does not tell its dimension.", "Take another model.")
        prompts = Prompts.of(str(described(directory).get("repository", directory.name)), model.prompts)
        preparing = f"upright; {digest_of_preparing(directory)}; {prompts.instructed!r}"
        weights = f"sentence-transformers {digest_of_weights(directory)[:32]}"
        return cls(model, VectorSpace(name, weights, preparing, on.dtype_name, dimension), prompts, on)

    @property
    def accepts(self) -> frozenset[Modality]:
        """What the library says the model supports; pairs where it takes texts and pictures."""
        reads = self._model.supports("text")
        there = {Modality.TEXT} if reads else set()
        there |= {Modality.IMAGE} if self._sees else set()
        return frozenset(there | ({Modality.IMAGE_TEXT} if reads and self._sees else set()))

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        """Texts and opened pictures; the library does the rest when it computes. An item that can't be used becomes a failure."""
        return prepared(items, lambda item: self._item(item, images))

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        """Unit vectors. Raises ModelUnavailable where the number type is too small for the model, or memory for an item."""
        items: tuple[Item, ...] = batch.inputs  # type: ignore[assignment]
        if self._joins:
            return _unit(self._vectors(items))
        texts, pictures = self._parts(items)
        return _unit(texts + pictures)

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        """The vectors as they are: these models are told what is wanted by their prompt, or not at all."""
        return np.array(vectors, np.float32)

    def _halves(self, document: Document, images: ImageLoader) -> NDArray[np.float32]:
        """`uniir.protocols.ScoreFusing.halves`: each part's share of the sum, on the scale of the vector."""
        parts = np.concatenate(self._parts([self._item(document, images)]))
        length = np.linalg.norm(parts.sum(axis=0))
        return np.asarray(parts / (length if length > 0 else 1), np.float32)

    def _item(self, item: Document | Query, images: ImageLoader) -> Item:
        modality = item.modality
        if modality is None:
            raise InputFailure("query-empty", "the query has neither a text nor a picture")
        if modality not in self.accepts:
            raise InputFailure("not-accepted", f"{self.space.encoder} takes {', '.join(sorted(self.accepts))} only")
        text = require_text(item.text or "", "the text") if modality.has_text else None
        picture = None
        if modality.has_image:
            if item.image is None:
                raise InputFailure("image-missing", "there is no picture")
            picture = images.upright(item.image)
        if isinstance(item, Document):
            return Item(text, picture, "document", self._prompts.document)
        prompt = self._prompts.before(item.instruction)
        if modality is not Modality.IMAGE_TEXT:
            return Item(text, picture, "query", prompt)
        of_text, of_image = item.weights.text, item.weights.image
        if not (of_text or of_image):
            raise InputFailure("query-empty", "neither the text nor the picture of the query counts")
        if of_text != of_image and self._joins:
            raise InputFailure("weights-unequal", f"{self.space.encoder} reads text and picture as one; they can't be weighed apart")
        return Item(text, picture, "query", prompt, of_text, of_image)

    def _parts(self, items: Sequence[Item]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weighed unit vectors of texts and of pictures, zeros for what is not there."""
        texts, pictures = (np.zeros((len(items), self.space.dimension), np.float32) for _ in range(2))
        read = [number for number, item in enumerate(items) if item.text is not None and item.text_weight]
        seen = [number for number, item in enumerate(items) if item.picture is not None and item.image_weight]
        texts[read] = _unit(self._vectors([replace(items[number], picture=None) for number in read]))
        pictures[seen] = _unit(self._vectors([replace(items[number], text=None) for number in seen]))
        weights = np.array([(item.text_weight, item.image_weight) for item in items], np.float32).reshape(-1, 2)
        return texts * weights[:, :1], pictures * weights[:, 1:]

    def _vectors(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """[n, dimension], not normalised. The library takes one task, one prompt and one kind of input at a time."""
        vectors = np.zeros((len(items), self.space.dimension), np.float32)
        alike: dict[tuple[object, ...], list[int]] = {}
        for number, item in enumerate(items):
            alike.setdefault((item.task, item.prompt, item.text is None, item.picture is None), []).append(number)
        with self._computing:
            for numbers in alike.values():
                computed = self._batches.run([items[number] for number in numbers], self._length, self._computed)
                vectors[numbers] = computed.float().cpu().numpy()
        if not np.isfinite(vectors).all():
            raise ModelUnavailable(f"{self.space.encoder} leaves the range of {self.space.dtype}.", "Compute in bfloat16 or float32.")
        return vectors

    def _computed(self, items: Sequence[Item]) -> torch.Tensor:
        compute = self._model.encode_query if items[0].task == "query" else self._model.encode_document
        inputs: list[Any] = [self._input(item) for item in items]
        return compute(inputs, prompt=items[0].prompt or None, batch_size=len(inputs), convert_to_tensor=True, show_progress_bar=False)

    def _input(self, item: Item) -> Any:
        if not self._sees:
            return item.text
        # Never a bare string: one that looks like an address or a file of a picture would be opened as that picture.
        parts = {"text": item.text, "image": item.picture}
        return {kind: part for kind, part in parts.items() if part is not None}

    def _length(self, item: Item) -> int:
        """About as many tokens as it has."""
        most = self._model.max_seq_length or 512
        letters = len(item.prompt) + len(item.text or "")
        return min(most, 2 + letters // _LETTERS) + (_PICTURE if item.picture is not None else 0)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
