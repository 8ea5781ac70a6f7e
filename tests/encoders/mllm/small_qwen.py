"""Small random Qwen-VL models as `transformers` saves them."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from tests.encoders.mllm.small_vocabularies import qwen_like

ORDINARY = 290
MARKERS = ("<emb>", "<instruction_start>", "<instruction_end>")
LAYERS, HEADS, KEY_HEADS, WIDTH, HEAD = 3, 4, 2, 48, 12
SECTIONS = (2, 2, 2)
THETA = 10_000.0


def _text(**more: object) -> dict[str, object]:
    return {
        "hidden_size": WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_HEADS,
        "vocab_size": ORDINARY + 12,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": THETA, "mrope_section": list(SECTIONS), **more.pop("rope", {})},  # type: ignore[dict-item]
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
        **more,
    }


def write_qwen(directory: Path, model_type: str, seed: int = 0) -> Path:
    """`qwen2_vl`, `qwen2_5_vl` or `qwen3_vl`."""
    torch.manual_seed(seed)
    tokenizer = qwen_like(ORDINARY, MARKERS)
    ids = {f"{name}_token_id": tokenizer.token_to_id(f"<|{marker}|>") for name, marker in (("image", "image_pad"), ("video", "video_pad"))}
    ids |= {f"vision_{end}_token_id": tokenizer.token_to_id(f"<|vision_{end}|>") for end in ("start", "end")}
    vision = {"depth": 2, "num_heads": 2, "patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2, "in_channels": 3}
    match model_type:
        case "qwen2_vl":
            seen = vision | {"embed_dim": 16, "hidden_size": WIDTH, "mlp_ratio": 2}
            model = Qwen2VLForConditionalGeneration(Qwen2VLConfig(text_config=_text(), vision_config=seen, **ids))
        case "qwen2_5_vl":
            more = {"hidden_size": 16, "intermediate_size": 32, "out_hidden_size": WIDTH, "fullatt_block_indexes": [1], "window_size": 16}
            model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=_text(), vision_config=vision | more, **ids))
        case _:
            more = {"hidden_size": 16, "intermediate_size": 32, "out_hidden_size": WIDTH, "deepstack_visual_indexes": [0, 1]}
            seen = vision | more | {"num_position_embeddings": 64}
            text = _text(head_dim=HEAD, rope={"mrope_interleaved": True})
            model = Qwen3VLForConditionalGeneration(Qwen3VLConfig(text_config=text, vision_config=seen, **ids))
    for parameter in model.parameters():  # the small spread of a fresh model would hide a wrong position or mask
        parameter.data += torch.randn_like(parameter) * 0.15
    model.save_pretrained(directory)
    tokenizer.save(str(directory / "tokenizer.json"))
    Qwen2VLImageProcessorPil(patch_size=4, merge_size=2, temporal_patch_size=2).save_pretrained(directory)
    return directory
