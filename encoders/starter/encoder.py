"""The starter encoder: frozen towers out of pip packages, our own small heads, and one vector space for texts, images and pairs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from encoders.preparing import prepared
from encoders.starter.heads import Heads, load_heads
from encoders.starter.image_tower import ARCHITECTURES, ImageTower, squash
from encoders.starter.steering import balanced, scales_between, turn, unit, with_axis
from encoders.starter.text_tower import TextTower, load_tokenizer
from encoders.starter.weights import ALL
from models.devices import Device
from uniir.documents import Document, Modality
from uniir.errors import InputFailure
from uniir.protocols import ImageLoader, Prepared, ReadText, Steering
from uniir.queries import Query
from uniir.spaces import VectorSpace
from uniir.texts import require_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NAME = "starter"
_PREPROCESSING = "upright squash-224-260 bicubic (x-127)/128; bert-uncased 256"
_EVERYTHING = frozenset(Modality)


@dataclass(frozen=True, slots=True)
class _Parts:
    """One prepared document or query. A part that is absent is None."""

    token_ids: list[int] | None
    pixels: tuple[NDArray[np.uint8], ...] | None
    text_weight: float
    image_weight: float
    axis: Modality | None  # None for a query: its axes are set by steering


class StarterEncoder:
    """Implements `uniir.protocols.Encoder` and `ScoreFusing`. Safe to use from several threads; towers load at their first use."""

    accepts = _EVERYTHING

    def __init__(self, heads: Heads, device: Device) -> None:
        self._heads = heads
        self._device = device
        self._loading = threading.Lock()

    @classmethod
    def load(cls, device: Device) -> StarterEncoder:
        """Reads the heads only; the towers' weights are verified and read at first use. Raises ModelUnavailable."""
        return cls(load_heads(), device)

    @cached_property
    def space(self) -> VectorSpace:
        weights = hashlib.sha256("".join((*(file.sha256 for file in ALL), self._heads.digest)).encode()).hexdigest()
        return VectorSpace(NAME, weights[:32], _PREPROCESSING, self._device.dtype, self._heads.choices.layout.dimension)

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        """Tokens and squared pictures; an item that can't be used becomes a failure."""

        def ready(item: Document | Query) -> _Parts:
            return self._prepare_query(item, images) if isinstance(item, Query) else self._prepare_document(item, images)

        return prepared(items, ready)

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        """Documents with their modality's axis, queries with none; raises ModelUnavailable where a tower can't be loaded."""
        parts: tuple[_Parts, ...] = batch.inputs  # type: ignore[assignment]
        content = np.zeros((len(parts), self._heads.choices.layout.content), np.float32)
        with_text = [number for number, one in enumerate(parts) if one.token_ids is not None]
        if with_text:
            vectors = self._text_tower.run([parts[number].token_ids or [] for number in with_text])
            weights = np.array([[parts[number].text_weight] for number in with_text], np.float32)
            content[with_text] += weights * self._heads.text_content(vectors)
        with_image = [number for number, one in enumerate(parts) if one.pixels is not None]
        if with_image:
            pictures = [parts[number].pixels or () for number in with_image]
            outputs = tuple(tower.run([one[place] for one in pictures]) for place, tower in enumerate(self._image_towers))
            weights = np.array([[parts[number].image_weight] for number in with_image], np.float32)
            content[with_image] += weights * self._heads.image_content(outputs)
        return self._with_axes(unit(content), parts)

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        """What stands on the axes is replaced; the content's blocks are weighed as validation chose for this kind of search."""
        choices = self._heads.choices
        return turn(vectors, steering, choices.layout, choices.turns, choices.axis_height)

    def read(self, texts: Sequence[str]) -> Sequence[ReadText]:
        """Implements `uniir.protocols.TextReader`: the text tower before it takes the mean; two special pieces frame every text."""
        encoded = [self._tokenizer.encode(text) for text in texts]
        hidden = self._text_tower.run_pieces([one.ids for one in encoded])
        return [
            ReadText(tuple(one.tokens), np.asarray(one.offsets, np.int32).reshape(-1, 2), vectors)
            for one, vectors in zip(encoded, hidden, strict=True)
        ]

    def halves(self, document: Document, images: ImageLoader) -> NDArray[np.float32]:
        """Implements `uniir.protocols.ScoreFusing`: both parts' content, scaled as the blocks of their sum are in the vector."""
        prepared = self.prepare([document], images)
        for failure in prepared.failures:
            raise InputFailure(failure.code, failure.reason)
        whole: _Parts = prepared.inputs[0]  # type: ignore[index]
        layout = self._heads.choices.layout
        contents = np.zeros((2, layout.dimension), np.float32)
        for half, part in zip(contents, (replace(whole, pixels=None, axis=None), replace(whole, token_ids=None, axis=None)), strict=True):
            if part.token_ids is not None or part.pixels is not None:
                half[:] = self.encode(Prepared((0,), (), (part,)))[0]
        total = contents.sum(axis=0)[None, : layout.content]
        vector = self._with_axes(unit(total), [whole])[0]
        contents[:, : layout.content] *= layout.spread(scales_between(total[0], vector, layout))
        there = contents.any(axis=1, keepdims=True)
        contents[:, layout.content + len(Modality) :] = there / there.sum() * vector[layout.content + len(Modality) :]
        return contents

    def _prepare_document(self, document: Document, images: ImageLoader) -> _Parts:
        token_ids = pixels = None
        if document.modality.has_text:
            token_ids = self._tokens(require_text(document.text or "", "the text"))
        if document.modality.has_image:
            if document.image is None:
                raise InputFailure("image-missing", "the document has no picture")
            pixels = self._pixels(document, images)
        return _Parts(token_ids, pixels, 1.0, 1.0, document.modality)

    def _prepare_query(self, query: Query, images: ImageLoader) -> _Parts:
        if query.modality is None:
            raise InputFailure("query-empty", "the query has neither a text nor a picture")
        token_ids = None if query.text is None else self._tokens(self._instructed(query, require_text(query.text, "the query text")))
        pixels = None if query.image is None else self._pixels(query, images)
        return _Parts(token_ids, pixels, query.weights.text, query.weights.image, None)

    def _instructed(self, query: Query, text: str) -> str:
        """The text with its instruction in front where validation found that to be better."""
        if query.instruction is None or query.modality is None:
            return text
        kind = Steering(query.modality, query.target or query.instruction.target)
        return f"{query.instruction.wording} {text}" if kind in self._heads.choices.prefixed else text

    def _tokens(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text).ids)

    def _pixels(self, item: Document | Query, images: ImageLoader) -> tuple[NDArray[np.uint8], ...]:
        assert item.image is not None
        picture = images.upright(item.image)
        return tuple(squash(picture, architecture.side) for architecture in ARCHITECTURES)

    def _with_axes(self, content: NDArray[np.float32], parts: Sequence[_Parts]) -> NDArray[np.float32]:
        layout = self._heads.choices.layout
        vectors = np.zeros((len(parts), layout.dimension), np.float32)
        vectors[:, : layout.content] = content
        documents = [number for number, one in enumerate(parts) if one.axis is not None]
        if documents:
            axes = [axis for one in parts if (axis := one.axis) is not None]
            pairs = [number for number in documents if parts[number].axis is Modality.IMAGE_TEXT]
            content[pairs] = balanced(content[pairs], layout, self._heads.choices.image_weights)
            common = self._heads.commonness(content[documents], axes)
            vectors[documents] = with_axis(content[documents], axes, self._heads.choices.axis_height, common)
        return vectors

    @property
    def _tokenizer(self) -> Tokenizer:
        with self._loading:
            return self._loaded_tokenizer

    @property
    def _text_tower(self) -> TextTower:
        with self._loading:
            return self._loaded_text_tower

    @property
    def _image_towers(self) -> tuple[ImageTower, ...]:
        with self._loading:
            return self._loaded_image_towers

    # cached_property alone would let two threads load the same weights twice; the lock is held by the properties above.
    @cached_property
    def _loaded_tokenizer(self) -> Tokenizer:
        return load_tokenizer()

    @cached_property
    def _loaded_text_tower(self) -> TextTower:
        return TextTower(self._device)

    @cached_property
    def _loaded_image_towers(self) -> tuple[ImageTower, ...]:
        return tuple(ImageTower(architecture, self._device) for architecture in ARCHITECTURES)
