"""What is ready to be computed by a multimodal language model: token ids and pictures of one item, and how several become a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture as a model's vision tower takes it. `grid` is what it is made of, in the family's own terms; `slots` its vectors."""

    values: NDArray[np.float32]
    grid: tuple[int, ...]
    slots: int


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt: token ids with a slot for each vector of its pictures, and the places whose states are asked for."""

    ids: NDArray[np.int64]
    kept: NDArray[np.bool_]
    pictures: tuple[Pixels, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """Items of one batch, padded on the right."""

    ids: Tensor  # [n, longest]
    attention: Tensor  # [n, longest], 1 where there is a token
    kept: Tensor  # [n, longest], bool
    pictures: tuple[Pixels, ...]  # row by row

    def pictures_behind(self, length: int, picture_token: int) -> tuple[Pixels, ...]:
        """Those whose slots stand behind the first `length` places of their rows."""
        behind, remaining = [], list(self.pictures)
        for ids in self.ids.tolist():
            slots = sum(one == picture_token for one in ids)
            before = sum(one == picture_token for one in ids[:length])
            while slots > 0:
                picture = remaining.pop(0)
                if before <= 0:
                    behind.append(picture)
                slots, before = slots - picture.slots, before - picture.slots
        return tuple(behind)


def rows_of(items: Sequence[Item], padding: int, device: torch.device) -> Rows:
    """The batch on its device."""
    width = max(item.ids.size for item in items)
    ids = np.full((len(items), width), padding, np.int64)
    attention, kept = np.zeros((2, len(items), width), np.int64)
    for number, item in enumerate(items):
        ids[number, : item.ids.size] = item.ids
        attention[number, : item.ids.size] = 1
        kept[number, : item.ids.size] = item.kept
    on_ids, on_attention, on_kept = (torch.from_numpy(part).to(device) for part in (ids, attention, kept))
    return Rows(on_ids, on_attention, on_kept.bool(), tuple(picture for item in items for picture in item.pictures))


def only_last(length: int) -> NDArray[np.bool_]:
    """Keeps the last of so many places."""
    kept = np.zeros(length, np.bool_)
    kept[-1] = True
    return kept


def expanded(ids: Sequence[int], marker: int, pictures: Sequence[Pixels]) -> NDArray[np.int64]:
    """The ids with each picture's marker repeated once for each of its vectors."""
    remaining = iter(pictures)
    whole = [[one] * next(remaining).slots if one == marker else [one] for one in ids]
    return np.fromiter((one for part in whole for one in part), np.int64)
