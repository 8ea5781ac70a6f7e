"""CLIP_FF: all places of CLIP's two towers, text first, through a small T5 stack, then their mean. Nothing is masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import torch

from encoders.uniir_family import clip, t5
from encoders.uniir_family.heads import HeadCounts, clip_heads
from encoders.uniir_family.inputs import Item, pixel_tensor, placeholder, token_tensor
from encoders.uniir_family.reading import ClipReading, Reading
from encoders.uniir_family.tensors import Tensors
from encoders.uniir_family.tokens import CLIP_END, CLIP_PADDING, CLIP_START
from models.batching import Batches
from models.torch_devices import TorchDevice

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

IGNORED = (r"clip_model\.logit_scale", r"t5_layers\.embed_tokens\.weight")


@dataclass(frozen=True)
class ClipFeatureFusion:
    """Implements `model.Model`."""

    vision: clip.VisionTower
    text: clip.TextTower
    fusion: t5.Stack
    dimension: int
    reading: Reading
    heads: HeadCounts
    on: TorchDevice
    batches: Batches
    architecture: str = "CLIP_FF"
    adds_parts: bool = False

    def embed(self, items: Sequence[Item]) -> Tensor:
        places = len(self.vision.positions) + self.text.context
        return self.batches.run(items, lambda _: places, self._fused).cpu()

    def _fused(self, items: Sequence[Item]) -> Tensor:
        texts = self._no_text.repeat(len(items), 1, 1)
        if numbers := [number for number, item in enumerate(items) if item.text_weight]:
            ids = token_tensor([items[number] for number in numbers], CLIP_PADDING, self.on, self.text.context)
            texts[numbers] = self.text.states(ids)
        pictures = self._no_picture.repeat(len(items), 1, 1)
        if numbers := [number for number, item in enumerate(items) if item.image_weight]:
            pictures[numbers] = self.vision.states(pixel_tensor([items[number] for number in numbers], self.on))
        return self.fusion(torch.cat([texts, pictures], dim=1)).float().mean(dim=1)

    # A missing part is not left out: the stack sees an empty text or a placeholder. Both are always the same, so computed once.
    @cached_property
    def _no_text(self) -> Tensor:
        return self.text.states(token_tensor([Item((CLIP_START, CLIP_END), None, 0.0, 0.0)], CLIP_PADDING, self.on, self.text.context))

    @cached_property
    def _no_picture(self) -> Tensor:
        return self.vision.states(placeholder(self.vision.side, self.on))


def build(tensors: Tensors, heads: HeadCounts, on: TorchDevice, batches: Batches) -> ClipFeatureFusion:
    """Takes the tensors. Raises ModelUnavailable, UsageError."""
    vision_width = tensors.shape("clip_model.visual.conv1.weight")[0]
    text_width = tensors.shape("clip_model.positional_embedding")[1]
    vision = clip.vision_tower(tensors, clip_heads(vision_width, heads.vision, "vision"))
    text = clip.text_tower(tensors, clip_heads(text_width, heads.text, "text"), None)
    return ClipFeatureFusion(
        vision,
        text,
        t5.stack(tensors, text_width),
        text_width,
        ClipReading(vision.side, text.context),
        HeadCounts(vision.heads, text.heads),
        on,
        batches,
    )
