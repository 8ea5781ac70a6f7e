"""CLIP and whatever has its form (OpenCLIP's checkpoints in transformers' layout): both towers, or one of them with its projection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTextModelWithProjection, CLIPVisionModelWithProjection

from encoders.zero_shot.loading import image_processor_in, pretrained, tokenizer_in
from encoders.zero_shot.model import ImageSide, Model, TextSide
from models.torch_devices import TorchDevice


def load(directory: Path, model_type: str, on: TorchDevice) -> Model:
    """Raises ModelUnavailable."""
    match model_type:
        case "clip_text_model":
            model = pretrained(CLIPTextModelWithProjection, directory, on)
            text = _text(directory, model.config, lambda ids, _: model(input_ids=ids).text_embeds)
            return Model("CLIP text tower", model.config.projection_dim, text, None)
        case "clip_vision_model":
            model = pretrained(CLIPVisionModelWithProjection, directory, on)
            image = _image(directory, model.config, lambda inputs: model(**inputs).image_embeds)
            return Model("CLIP vision tower", model.config.projection_dim, None, image)
    model = pretrained(CLIPModel, directory, on)
    # Attention is causal and a text is read at its end token, so padding behind it is not seen and needs no mask.
    text = _text(directory, model.config.text_config, lambda ids, _: model.get_text_features(input_ids=ids).pooler_output)
    image = _image(directory, model.config.vision_config, lambda inputs: model.get_image_features(**inputs).pooler_output)
    return Model("CLIP", model.config.projection_dim, text, image)


def _text(directory: Path, config: Any, vectors: Any) -> TextSide:
    return TextSide(tokenizer_in(directory), config.max_position_embeddings, vectors)


def _image(directory: Path, config: Any, vectors: Any) -> ImageSide:
    places = (config.image_size // config.patch_size) ** 2 + 1
    return ImageSide(image_processor_in(directory, CLIPImageProcessorPil), places, vectors)
