"""A small random LLaVA-NeXT as `transformers` saves it."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import LlavaNextConfig, LlavaNextForConditionalGeneration

from tests.encoders.mllm.small_vocabularies import llama_like

ORDINARY = 300


def write_llava(directory: Path) -> Path:
    torch.manual_seed(0)
    vision = {"model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3}
    text = {
        "model_type": "mistral",
        "hidden_size": 48,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "vocab_size": ORDINARY + 8,
        "rms_norm_eps": 1e-5,
    }
    config = LlavaNextConfig(
        vision_config=vision | {"num_attention_heads": 2, "image_size": 28, "patch_size": 7},
        text_config=text | {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 12},
        image_token_id=ORDINARY,
        image_grid_pinpoints=[[28, 56], [56, 28], [56, 56]],
    )
    model = LlavaNextForConditionalGeneration(config)
    for parameter in model.parameters():  # the small spread of a fresh model would hide a wrong position or mask
        parameter.data += torch.randn_like(parameter) * 0.1
    model.save_pretrained(directory)
    tokenizer = llama_like(ORDINARY)
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"])
    tokenizer.save(str(directory / "tokenizer.json"))
    return directory
