"""CLIP ViT-L/14 with random weights, as transformers makes it and as one of our encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import CLIPConfig

from encoders.uniir_family.architectures import build
from encoders.uniir_family.checkpoint import Checkpoint
from encoders.uniir_family.eight_bits import build_in_eight_bits
from encoders.uniir_family.encoder import UniirEncoder
from encoders.uniir_family.heads import HeadCounts
from models.devices import EIGHT_BITS, Device
from models.eight_bits import eight_bit_device
from models.torch_devices import torch_device
from uniir.spaces import VectorSpace

SIDE = 224


def configuration(layers: int | None) -> Any:
    """Of ViT-L/14, with fewer layers where a number is given."""
    text = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": layers or 12}
    vision = {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "num_hidden_layers": layers or 24}
    vision |= {"patch_size": 14, "image_size": SIDE}
    return CLIPConfig(text_config={**text, "projection_dim": 768}, vision_config={**vision, "projection_dim": 768}, projection_dim=768)


def random_encoder(model: Any, device: Device) -> UniirEncoder:
    """The same weights as a model of UniIR; the device's number type is named and not `auto`."""
    checkpoint = Checkpoint(_openai_names(model.state_dict()), HeadCounts(), Path("random"))
    with torch.inference_mode():
        if device.dtype == EIGHT_BITS:
            built = build_in_eight_bits(checkpoint, eight_bit_device(device)).model
        else:
            built = build(checkpoint, torch_device(device)).model
    return UniirEncoder(built, VectorSpace("random", "random", built.reading.preprocessing, device.dtype, built.dimension))


def _openai_names(theirs: dict[str, Any]) -> dict[str, Any]:
    """The same tensors under the names of a CLIP_SF checkpoint."""
    renamed = {
        "visual.class_embedding": theirs["vision_model.embeddings.class_embedding"],
        "visual.conv1.weight": theirs["vision_model.embeddings.patch_embedding.weight"],
        "visual.positional_embedding": theirs["vision_model.embeddings.position_embedding.weight"],
        "visual.proj": theirs["visual_projection.weight"].T,
        "token_embedding.weight": theirs["text_model.embeddings.token_embedding.weight"],
        "positional_embedding": theirs["text_model.embeddings.position_embedding.weight"],
        "text_projection": theirs["text_projection.weight"].T,
    }
    norms = {
        "visual.ln_pre": "vision_model.pre_layrnorm",
        "visual.ln_post": "vision_model.post_layernorm",
        "ln_final": "text_model.final_layer_norm",
    }
    towers = {"vision_model": "visual.transformer", "text_model": "transformer"}
    parts = {
        "layer_norm1": "ln_1",
        "layer_norm2": "ln_2",
        "self_attn.out_proj": "attn.out_proj",
        "mlp.fc1": "mlp.c_fc",
        "mlp.fc2": "mlp.c_proj",
    }
    for tower, here in towers.items():
        for number in {name.split(".")[3] for name in theirs if name.startswith(f"{tower}.encoder.layers.")}:
            there = f"{tower}.encoder.layers.{number}"
            norms |= {f"{here}.resblocks.{number}.{ours}": f"{there}.{part}" for part, ours in parts.items()}
            for kind in ("weight", "bias"):
                stacked = torch.cat([theirs[f"{there}.self_attn.{letter}_proj.{kind}"] for letter in "qkv"])
                renamed[f"{here}.resblocks.{number}.attn.in_proj_{kind}"] = stacked
    for ours, name in norms.items():
        renamed |= {f"{ours}.{kind}": theirs[f"{name}.{kind}"] for kind in ("weight", "bias")}
    return {f"clip_model.{name}": tensor for name, tensor in renamed.items()}
