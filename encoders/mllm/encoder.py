"""A multimodal language model as an encoder: it reads instruction, text and picture of a query as one prompt."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.mllm.retriever import Retriever
from encoders.preparing import prepared
from models.batching import Batches
from models.rows import Item
from uniir.documents import Document, ImageReference, Modality
from uniir.errors import InputFailure, ModelUnavailable
from uniir.protocols import ImageLoader, Prepared, Steering
from uniir.queries import Query
from uniir.spaces import VectorSpace
from uniir.texts import require_clean, require_text


@dataclass(frozen=True, slots=True)
class MllmEncoder:
    """Implements `uniir.protocols.Encoder`. Every method may be called from several threads; computing is one at a time."""

    retriever: Retriever
    space: VectorSpace
    batches: Batches
    _computing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def accepts(self) -> frozenset[Modality]:
        return self.retriever.accepts

    @property
    def reads_instructions(self) -> Literal[True]:
        return True

    @property
    def reads_parts_together(self) -> Literal[True]:
        return True

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        """Prompts and pixels; an item that can't be used becomes a failure."""
        return prepared(items, lambda item: self._query(item, images) if isinstance(item, Query) else self._document(item, images))

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        """Unit vectors; raises ModelUnavailable where the number type is too small for the model."""
        items: tuple[Item, ...] = batch.inputs  # type: ignore[assignment]
        if not items:
            return np.empty((0, self.space.dimension), np.float32)
        with self._computing:
            vectors: NDArray[np.float32] = self.batches.run(items, lambda item: item.ids.size, self.retriever.embed).numpy()
        if not np.isfinite(vectors).all():
            raise ModelUnavailable(f"{self.space.encoder} leaves the range of {self.space.dtype}.", "Compute in bfloat16 or float32.")
        return vectors

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        """The vectors as they are: these models are told by the instruction what is wanted, and know no other way."""
        return np.array(vectors, np.float32)

    def _document(self, document: Document, images: ImageLoader) -> Item:
        self._require(document.modality)
        if document.modality is Modality.TEXT:
            require_text(document.text or "", "the text")
        if document.modality.has_image and document.image is None:
            raise InputFailure("image-missing", "the document has no picture")
        require_clean(document.text or "", "the text")
        text = document.text if document.modality.has_text else None
        picture = self._picture(document.image, images) if document.modality.has_image else None
        return self.retriever.document(text, picture)

    def _query(self, query: Query, images: ImageLoader) -> Item:
        if query.modality is None:
            raise InputFailure("query-empty", "the query has neither a text nor a picture")
        self._require(query.modality)
        if query.modality is Modality.IMAGE_TEXT and query.weights.text != query.weights.image:
            raise InputFailure(
                "weights-unequal", f"{self.retriever.architecture} reads text and picture as one; they can't be weighed apart"
            )
        if query.text is not None:
            require_text(query.text, "the query text")
        return self.retriever.query(query.text, self._picture(query.image, images), query.instruction, query.target)

    def _picture(self, image: ImageReference | None, images: ImageLoader) -> Image.Image | None:
        if image is None:
            return None
        return images.upright(image) if self.retriever.opens == "upright" else images.faithful(image)

    def _require(self, modality: Modality) -> None:
        if modality not in self.accepts:
            raise InputFailure("not-accepted", f"{self.retriever.architecture} takes {', '.join(sorted(self.accepts))} only")
