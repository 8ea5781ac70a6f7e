"""What each family of multimodal retrievers knows, and the encoder does not: its prompt, its picture, its states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import torch
from PIL import Image

from models.rows import Item
from uniir.documents import Modality
from uniir.instructions import Instruction

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor


class Retriever(Protocol):
    """A loaded model. `query` and `document` are thread-safe, `embed` is not."""

    @property
    def architecture(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def opens(self) -> Literal["faithful", "upright"]:
        """Which way of opening pictures the model was trained with, or, for everyday use, a person sees them."""
        ...

    @property
    def accepts(self) -> frozenset[Modality]: ...

    @property
    def preprocessing(self) -> str:
        """How prompts and pictures are made, for the identity of the vector space."""
        ...

    def query(self, text: str | None, picture: Image.Image | None, instruction: Instruction | None, target: Modality | None) -> Item: ...

    def document(self, text: str | None, picture: Image.Image | None) -> Item: ...

    def embed(self, items: Sequence[Item]) -> Tensor:
        """[n, dimension], float32, unit length. At least one item, at most one batch."""
        ...
