"""What is ready to be computed: tokens and pixels of one item, and how several become tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from encoders.uniir_family.pictures import DEVIATION, MEAN
from models.torch_devices import TorchDevice

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor


@dataclass(frozen=True, slots=True)
class Item:
    """One document or query. `ids` are those of the empty text where there is none; a weight of 0 stands for a part that is not there."""

    ids: tuple[int, ...]
    pixels: NDArray[np.uint8] | None
    text_weight: float
    image_weight: float


def token_tensor(items: Sequence[Item], padding: int, on: TorchDevice, length: int | None = None) -> Tensor:
    """[n, longest or `length`], padded on the right."""
    width = length or max(len(item.ids) for item in items)
    rows = np.full((len(items), width), padding, np.int64)
    for row, item in zip(rows, items, strict=True):
        row[: len(item.ids)] = item.ids
    return torch.from_numpy(rows).to(on.device)


def pixel_tensor(items: Sequence[Item], on: TorchDevice) -> Tensor:
    """[n, 3, side, side], normalised; every item has a picture."""
    squares = torch.from_numpy(np.stack([item.pixels for item in items if item.pixels is not None])).to(on.device)
    mean, deviation = (torch.tensor(values, device=on.device).view(3, 1, 1) for values in (MEAN, DEVIATION))
    return ((squares.permute(0, 3, 1, 2).float() / 255 - mean) / deviation).to(on.dtype)


def placeholder(side: int, on: TorchDevice) -> Tensor:
    """What stands for a picture that is not there: zeros after normalisation, so the mean colour and not black."""
    return torch.zeros((1, 3, side, side), device=on.device, dtype=on.dtype)
