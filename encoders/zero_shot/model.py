"""What the architectures have in common: a side that reads texts, a side that sees pictures, or only one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from models.torch_devices import TorchDevice
from uniir.errors import InputFailure

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

Pixels: TypeAlias = Mapping[str, NDArray[np.generic]]

_LONGEST = 16  # times its height or width; a longer picture is cut to its middle, since a thread of pixels would fill the memory


@dataclass(frozen=True, slots=True)
class TextSide:
    """`vectors` takes ids and their 0/1 mask, [n, length], and gives [n, dimension]. `context` is the most a text may have."""

    tokenizer: Any
    context: int
    vectors: Callable[[Tensor, Tensor], Tensor]
    whole: bool = False  # every text is padded to the context, as the model was trained
    lower: bool = False  # texts are lower-cased first, as the model was trained
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def ids(self, text: str) -> tuple[int, ...]:
        """Ids of a text, its start and end included, cut to the context. Thread-safe."""
        with self._reading:  # truncation is a state of the tokenizer, which two threads would set at once
            read = self.tokenizer(
                text.lower() if self.lower else text,
                truncation=True,
                max_length=self.context,
                padding="max_length" if self.whole else False,
                return_attention_mask=False,
            )
        ids = tuple(read["input_ids"])
        if not ids:
            raise InputFailure("text-empty", "the model's tokenizer finds nothing in the text")
        return ids

    def batch(self, texts: Sequence[tuple[int, ...]], on: TorchDevice) -> Tensor:
        """Vectors of texts, padded on the right to the longest."""
        width = max(map(len, texts))
        padding = self.tokenizer.pad_token_id
        rows = np.full((len(texts), width), padding if padding is not None else 0, np.int64)
        mask = np.zeros_like(rows)
        for row, seen, ids in zip(rows, mask, texts, strict=True):
            row[: len(ids)], seen[: len(ids)] = ids, 1
        return self.vectors(torch.from_numpy(rows).to(on.device), torch.from_numpy(mask).to(on.device))


@dataclass(frozen=True, slots=True)
class ImageSide:
    """`vectors` takes what the processor gives, as tensors, and gives [n, dimension]. `places` is what a picture costs, in patches."""

    processor: Any
    places: int
    vectors: Callable[[Mapping[str, Tensor]], Tensor]

    def pixels(self, picture: Image.Image) -> Pixels:
        """A picture as the model's own processor prepares it with Pillow. Thread-safe."""
        prepared = self.processor(images=_not_a_thread(picture), return_tensors="np")
        return {name: np.asarray(values[0]) for name, values in prepared.items()}

    def batch(self, pictures: Sequence[Pixels], on: TorchDevice) -> Tensor:
        """Vectors of pictures."""
        stacked = {name: torch.from_numpy(np.stack([one[name] for one in pictures])).to(on.device) for name in pictures[0]}
        return self.vectors({name: values.to(on.dtype) if values.is_floating_point() else values for name, values in stacked.items()})


@dataclass(frozen=True, slots=True)
class Model:
    """A model on a device. `text` or `image` is None for a model that has no such side; computing is not thread-safe."""

    architecture: str
    dimension: int
    text: TextSide | None
    image: ImageSide | None


def _not_a_thread(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    kept = (min(width, _LONGEST * height), min(height, _LONGEST * width))
    if kept == (width, height):
        return picture
    left, top = (width - kept[0]) // 2, (height - kept[1]) // 2
    return picture.crop((left, top, left + kept[0], top + kept[1]))
