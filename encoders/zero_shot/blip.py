"""BLIP by its two retrieval projections: the class token of the picture, the first token of the text read without any picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from transformers import BlipForImageTextRetrieval, BlipImageProcessorPil

from encoders.zero_shot.loading import image_processor_in, pretrained, tokenizer_in
from encoders.zero_shot.model import ImageSide, Model, TextSide
from models.torch_devices import TorchDevice

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor


def load(directory: Path, model_type: str, on: TorchDevice) -> Model:
    """Raises ModelUnavailable, also for a BLIP that captions or answers: it has no projections."""
    model = pretrained(BlipForImageTextRetrieval, directory, on)

    def texts(ids: Tensor, mask: Tensor) -> Tensor:
        return model.text_proj(model.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0])

    def pictures(inputs: Mapping[str, Tensor]) -> Tensor:
        return model.vision_proj(model.vision_model(**inputs).last_hidden_state[:, 0])

    vision = model.config.vision_config
    return Model(
        "BLIP",
        model.config.image_text_hidden_size,
        TextSide(tokenizer_in(directory), model.config.text_config.max_position_embeddings, texts),
        ImageSide(image_processor_in(directory, BlipImageProcessorPil), (vision.image_size // vision.patch_size) ** 2 + 1, pictures),
    )
