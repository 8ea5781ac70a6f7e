"""BLIP_SF: BLIP's two towers, each with its projection, the text vector and the image vector added up as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch

from encoders.uniir_family import blip
from encoders.uniir_family.heads import HeadCounts, blip_heads
from encoders.uniir_family.inputs import Item, pixel_tensor, token_tensor
from encoders.uniir_family.model import summed
from encoders.uniir_family.reading import BlipReading, Reading
from encoders.uniir_family.tensors import Tensors
from encoders.uniir_family.tokens import BERT_PADDING
from models.batching import Batches
from models.linear import LinearLayer
from models.torch_devices import TorchDevice

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

# Layers that look at a picture are in the checkpoint and are never used: texts are read alone.
IGNORED = (*blip.TRAINING_ONLY, r"text_encoder\.encoder\.layer\.\d+\.crossattention\..+")


@dataclass(frozen=True, slots=True)
class BlipScoreFusion:
    """Implements `model.Model`."""

    vision: blip.VisionTower
    text: blip.TextTower
    vision_projection: LinearLayer
    text_projection: LinearLayer
    dimension: int
    reading: Reading
    heads: HeadCounts
    on: TorchDevice
    batches: Batches
    architecture: str = "BLIP_SF"
    adds_parts: bool = True

    def embed(self, items: Sequence[Item]) -> Tensor:
        return summed(items, self.dimension, self._texts, self._pictures)

    def _texts(self, items: Sequence[Item]) -> Tensor:
        return self.batches.run(items, lambda item: len(item.ids), self._text_vectors)

    def _text_vectors(self, items: Sequence[Item]) -> Tensor:
        lengths = torch.tensor([len(item.ids) for item in items], device=self.on.device)
        return self.text_projection(self.text.first_states(token_tensor(items, BERT_PADDING, self.on), lengths, None))

    def _pictures(self, items: Sequence[Item]) -> Tensor:
        places = self.vision.positions.shape[1]
        return self.batches.run(
            items, lambda _: places, lambda batch: self.vision_projection(self.vision.states(pixel_tensor(batch, self.on))[:, 0])
        )


def build(tensors: Tensors, heads: HeadCounts, on: TorchDevice, batches: Batches) -> BlipScoreFusion:
    """Takes the tensors. Raises ModelUnavailable, UsageError."""
    vision_width, text_width = blip.widths(tensors)
    dimension = tensors.shape("vision_proj.weight")[0]
    vision = blip.vision_tower(tensors, blip_heads(vision_width, heads.vision, "vision"))
    text = blip.text_tower(tensors, blip_heads(text_width, heads.text, "text"), None)
    return BlipScoreFusion(
        vision,
        text,
        tensors.head("vision_proj", vision_width, dimension),
        tensors.head("text_proj", text_width, dimension),
        dimension,
        BlipReading(vision.side, text.context),
        HeadCounts(vision.heads, text.heads),
        on,
        batches,
    )
