"""SigLIP 2 for pictures of any proportions (NaFlex): a picture keeps its shape and is cut into at most so many patches."""

from __future__ import annotations

from pathlib import Path

from transformers import Siglip2ImageProcessorPil, Siglip2Model

from encoders.zero_shot.loading import image_processor_in, pretrained
from encoders.zero_shot.model import ImageSide, Model
from encoders.zero_shot.siglip import text_side
from models.torch_devices import TorchDevice


def load(directory: Path, model_type: str, on: TorchDevice) -> Model:
    """Raises ModelUnavailable."""
    model = pretrained(Siglip2Model, directory, on)
    processor = image_processor_in(directory, Siglip2ImageProcessorPil)
    text = text_side(directory, model.config.text_config, lambda ids, _: model.get_text_features(input_ids=ids).pooler_output)
    image = ImageSide(processor, processor.max_num_patches, lambda inputs: model.get_image_features(**inputs).pooler_output)
    return Model("SigLIP 2", model.config.vision_config.hidden_size, text, image)
