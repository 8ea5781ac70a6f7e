"""CLIP_SF: OpenAI's CLIP, the text vector and the image vector added up as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch

from encoders.uniir_family import clip
from encoders.uniir_family.heads import HeadCounts, clip_heads
from encoders.uniir_family.inputs import Item, pixel_tensor, token_tensor
from encoders.uniir_family.model import summed
from encoders.uniir_family.reading import ClipReading, Reading
from encoders.uniir_family.tensors import Tensors
from encoders.uniir_family.tokens import CLIP_PADDING
from models.batching import Batches
from models.torch_devices import TorchDevice

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

IGNORED = (r"clip_model\.logit_scale",)


@dataclass(frozen=True, slots=True)
class ClipScoreFusion:
    """Implements `model.Model`."""

    vision: clip.VisionTower
    text: clip.TextTower
    dimension: int
    reading: Reading
    heads: HeadCounts
    on: TorchDevice
    batches: Batches
    architecture: str = "CLIP_SF"
    adds_parts: bool = True

    def embed(self, items: Sequence[Item]) -> Tensor:
        return summed(items, self.dimension, self._texts, self._pictures)

    def _texts(self, items: Sequence[Item]) -> Tensor:
        return self.batches.run(
            items, lambda item: len(item.ids), lambda batch: self.text.vectors(token_tensor(batch, CLIP_PADDING, self.on))
        )

    def _pictures(self, items: Sequence[Item]) -> Tensor:
        places = len(self.vision.positions)
        return self.batches.run(items, lambda _: places, lambda batch: self.vision.vectors(pixel_tensor(batch, self.on)))


def build(tensors: Tensors, heads: HeadCounts, on: TorchDevice, batches: Batches) -> ClipScoreFusion:
    """Takes the tensors. Raises ModelUnavailable, UsageError."""
    vision_width = tensors.shape("clip_model.visual.conv1.weight")[0]
    text_width = tensors.shape("clip_model.positional_embedding")[1]
    dimension = tensors.shape("clip_model.visual.proj")[1]
    vision = clip.vision_tower(tensors, clip_heads(vision_width, heads.vision, "vision"))
    text = clip.text_tower(tensors, clip_heads(text_width, heads.text, "text"), dimension)
    return ClipScoreFusion(
        vision,
        text,
        dimension,
        ClipReading(vision.side, text.context),
        HeadCounts(vision.heads, text.heads),
        on,
        batches,
    )
