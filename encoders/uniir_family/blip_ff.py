"""BLIP_FF: BLIP's text tower looking at the picture in every layer; the vector is the pooler's. Nothing is masked but padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import torch

from encoders.uniir_family import blip
from encoders.uniir_family.heads import HeadCounts, blip_heads
from encoders.uniir_family.inputs import Item, pixel_tensor, placeholder, token_tensor
from encoders.uniir_family.reading import BlipReading, Reading
from encoders.uniir_family.tensors import Tensors
from encoders.uniir_family.tokens import BERT_PADDING
from models.batching import Batches
from models.linear import LinearLayer
from models.torch_devices import TorchDevice

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

IGNORED = blip.TRAINING_ONLY


@dataclass(frozen=True)
class BlipFeatureFusion:
    """Implements `model.Model`."""

    vision: blip.VisionTower
    text: blip.TextTower
    pooler: LinearLayer
    dimension: int
    reading: Reading
    heads: HeadCounts
    on: TorchDevice
    batches: Batches
    architecture: str = "BLIP_FF"
    adds_parts: bool = False

    def embed(self, items: Sequence[Item]) -> Tensor:
        vectors = torch.empty((len(items), self.dimension))
        places = self.vision.positions.shape[1]
        pictured = [number for number, item in enumerate(items) if item.image_weight]
        if pictured:
            rows = self.batches.run([items[number] for number in pictured], lambda item: places + len(item.ids), self._with_pictures)
            vectors[pictured] = rows.cpu()
        alone = [number for number, item in enumerate(items) if not item.image_weight]
        if alone:
            rows = self.batches.run([items[number] for number in alone], lambda item: len(item.ids), self._without_pictures)
            vectors[alone] = rows.cpu()
        return vectors

    def _with_pictures(self, items: Sequence[Item]) -> Tensor:
        return self._pooled(items, self.vision.states(pixel_tensor(items, self.on)))

    def _without_pictures(self, items: Sequence[Item]) -> Tensor:
        return self._pooled(items, self._no_picture)

    def _pooled(self, items: Sequence[Item], pictures: Tensor) -> Tensor:
        lengths = torch.tensor([len(item.ids) for item in items], device=self.on.device)
        states = self.text.first_states(token_tensor(items, BERT_PADDING, self.on), lengths, pictures)
        return self.pooler(states).float().tanh()

    # A missing picture is not left out: the text looks at a placeholder, always the same one, so its states are computed once.
    @cached_property
    def _no_picture(self) -> Tensor:
        return self.vision.states(placeholder(self.vision.side, self.on))


def build(tensors: Tensors, heads: HeadCounts, on: TorchDevice, batches: Batches) -> BlipFeatureFusion:
    """Takes the tensors. Raises ModelUnavailable, UsageError."""
    vision_width, text_width = blip.widths(tensors)
    vision = blip.vision_tower(tensors, blip_heads(vision_width, heads.vision, "vision"))
    text = blip.text_tower(tensors, blip_heads(text_width, heads.text, "text"), vision_width)
    return BlipFeatureFusion(
        vision,
        text,
        tensors.head("text_encoder.pooler.dense", text_width, text_width),
        text_width,
        BlipReading(vision.side, text.context),
        HeadCounts(vision.heads, text.heads),
        on,
        batches,
    )
