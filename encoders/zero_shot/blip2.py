"""BLIP-2's Q-Former: a picture by the mean of its projected query vectors, a text by its projected first token.

The model itself scores a text by the best of its 32 query vectors; one vector for each picture is what a store can search, so their
mean stands for them. Which one the UniIR paper took is not told.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch.nn.functional import normalize
from transformers import Blip2ForImageTextRetrieval, BlipImageProcessorPil

from encoders.zero_shot.loading import image_processor_in, pretrained, tokenizer_in
from encoders.zero_shot.model import ImageSide, Model, TextSide
from models.torch_devices import TorchDevice

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor


def load(directory: Path, model_type: str, on: TorchDevice) -> Model:
    """Raises ModelUnavailable, also for a BLIP-2 that generates: it has no projections."""
    model = pretrained(Blip2ForImageTextRetrieval, directory, on)

    def texts(ids: Tensor, mask: Tensor) -> Tensor:
        states = model.qformer(query_embeds=model.embeddings(input_ids=ids), query_length=0, attention_mask=mask).last_hidden_state
        return model.text_projection(states[:, 0].to(model.text_projection.weight.dtype))

    def pictures(inputs: Mapping[str, Tensor]) -> Tensor:
        seen = model.vision_model(**inputs).last_hidden_state
        queries = model.query_tokens.expand(len(seen), -1, -1)
        mask = torch.ones(seen.shape[:2], dtype=torch.long, device=seen.device)
        states = model.qformer(query_embeds=queries, encoder_hidden_states=seen, encoder_attention_mask=mask).last_hidden_state
        return normalize(model.vision_projection(states.to(model.vision_projection.weight.dtype)), dim=-1).mean(dim=1)

    vision = model.config.vision_config
    return Model(
        "BLIP-2 Q-Former mean",
        model.config.image_text_hidden_size,
        TextSide(tokenizer_in(directory), model.config.qformer_config.max_position_embeddings, texts),
        ImageSide(image_processor_in(directory, BlipImageProcessorPil), (vision.image_size // vision.patch_size) ** 2 + 1, pictures),
    )
