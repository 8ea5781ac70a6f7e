"""SigLIP, and the SigLIP 2 checkpoints of one fixed picture size, which have the same form: both towers, or one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import SiglipImageProcessorPil, SiglipModel, SiglipTextModel, SiglipVisionModel

from encoders.zero_shot.loading import image_processor_in, pretrained, tokenizer_in
from encoders.zero_shot.model import ImageSide, Model, TextSide
from models.torch_devices import TorchDevice


def load(directory: Path, model_type: str, on: TorchDevice) -> Model:
    """Raises ModelUnavailable."""
    match model_type:
        case "siglip_text_model":
            model = pretrained(SiglipTextModel, directory, on)
            text = text_side(directory, model.config, lambda ids, _: model(input_ids=ids).pooler_output)
            return Model("SigLIP text tower", model.config.projection_size, text, None)
        case "siglip_vision_model":
            model = pretrained(SiglipVisionModel, directory, on)
            image = _image(directory, model.config, lambda inputs: model(**inputs).pooler_output)
            return Model("SigLIP vision tower", model.config.hidden_size, None, image)
    model = pretrained(SiglipModel, directory, on)
    text = text_side(directory, model.config.text_config, lambda ids, _: model.get_text_features(input_ids=ids).pooler_output)
    image = _image(directory, model.config.vision_config, lambda inputs: model.get_image_features(**inputs).pooler_output)
    return Model("SigLIP", model.config.vision_config.hidden_size, text, image)


def text_side(directory: Path, config: Any, vectors: Any) -> TextSide:
    """Read at the last place and trained on texts that fill all places, so padding is a part of every text; nothing is masked."""
    return TextSide(tokenizer_in(directory), config.max_position_embeddings, vectors, whole=True, lower=True)


def _image(directory: Path, config: Any, vectors: Any) -> ImageSide:
    places = (config.image_size // config.patch_size) ** 2
    return ImageSide(image_processor_in(directory, SiglipImageProcessorPil), places, vectors)
