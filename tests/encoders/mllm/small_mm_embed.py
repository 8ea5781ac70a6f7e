"""A small random MM-Embed in the layout of the real one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from safetensors.torch import save_file

from tests.encoders.mllm.small_vocabularies import llama_like

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor


@dataclass(frozen=True, slots=True)
class Sizes:
    vocabulary: int = 300
    width: int = 48
    inner: int = 80
    layers: int = 2
    heads: int = 4
    key_heads: int = 2
    head: int = 16
    vision: int = 32
    vision_heads: int = 2
    vision_layers: int = 3
    patch: int = 7
    side: int = 28
    latents: int = 5
    latent_head: int = 6


def tensors(sizes: Sizes, seed: int = 0) -> dict[str, Tensor]:
    """Random weights under the checkpoint's names."""
    random = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random) * (0.6 / shape[-1] ** 0.5 if len(shape) > 1 else 0.1)

    def norm(name: str, width: int) -> dict[str, Tensor]:
        return {f"{name}.weight": 1 + some(width), f"{name}.bias": some(width)}

    def layer(name: str, inputs: int, outputs: int) -> dict[str, Tensor]:
        return {f"{name}.weight": some(outputs, inputs), f"{name}.bias": some(outputs)}

    tower, vision, width = "vision_tower.vision_model", sizes.vision, sizes.width
    named = {
        "image_newline": some(width),
        f"{tower}.embeddings.class_embedding": some(vision),
        f"{tower}.embeddings.patch_embedding.weight": some(vision, 3, sizes.patch, sizes.patch),
        f"{tower}.embeddings.position_embedding.weight": some((sizes.side // sizes.patch) ** 2 + 1, vision),
        **norm(f"{tower}.pre_layrnorm", vision),
        **norm(f"{tower}.post_layernorm", vision),
        **layer("multi_modal_projector.linear_1", vision, width),
        **layer("multi_modal_projector.linear_2", width, width),
    }
    for number in range(sizes.vision_layers):
        here = f"{tower}.encoder.layers.{number}"
        for part in ("q", "k", "v", "out"):
            named |= layer(f"{here}.self_attn.{part}_proj", vision, vision)
        named |= norm(f"{here}.layer_norm1", vision) | norm(f"{here}.layer_norm2", vision)
        named |= layer(f"{here}.mlp.fc1", vision, 2 * vision) | layer(f"{here}.mlp.fc2", 2 * vision, vision)
    return named | {f"language_model.{name}": one for name, one in trunk(sizes, some).items()} | pooler(sizes, some)


def trunk(sizes: Sizes, some) -> dict[str, Tensor]:  # type: ignore[no-untyped-def]
    named = {"embed_tokens.weight": torch.randn(sizes.vocabulary, sizes.width) * 0.5, "norm.weight": 1 + some(sizes.width)}
    for number in range(sizes.layers):
        here = f"layers.{number}"
        named |= {
            f"{here}.self_attn.q_proj.weight": some(sizes.heads * sizes.head, sizes.width),
            f"{here}.self_attn.k_proj.weight": some(sizes.key_heads * sizes.head, sizes.width),
            f"{here}.self_attn.v_proj.weight": some(sizes.key_heads * sizes.head, sizes.width),
            f"{here}.self_attn.o_proj.weight": some(sizes.width, sizes.heads * sizes.head),
            f"{here}.mlp.gate_proj.weight": some(sizes.inner, sizes.width),
            f"{here}.mlp.up_proj.weight": some(sizes.inner, sizes.width),
            f"{here}.mlp.down_proj.weight": some(sizes.width, sizes.inner),
            f"{here}.input_layernorm.weight": 1 + some(sizes.width),
            f"{here}.post_attention_layernorm.weight": 1 + some(sizes.width),
        }
    return named


def pooler(sizes: Sizes, some) -> dict[str, Tensor]:  # type: ignore[no-untyped-def]
    width, inner = sizes.width, 8 * sizes.latent_head
    block = "latent_attention_model.cross_attend_blocks"
    named = {
        "latent_attention_model.latents": some(sizes.latents, width) * 3,
        f"{block}.0.fn.to_q.weight": some(inner, width),
        f"{block}.0.fn.to_kv.weight": some(2 * inner, width),
        f"{block}.0.fn.to_out.weight": some(width, inner),
        f"{block}.1.fn.net.0.weight": some(4 * width, width),
        f"{block}.1.fn.net.0.bias": some(4 * width),
        f"{block}.1.fn.net.2.weight": some(width, 2 * width),
        f"{block}.1.fn.net.2.bias": some(width),
    }
    for name in ("0.norm", "0.norm_context", "1.norm"):
        named |= {f"{block}.{name}.weight": 1 + some(width), f"{block}.{name}.bias": some(width)}
    return named


def write_mm_embed(directory: Path, sizes: Sizes, named: dict[str, Tensor]) -> Path:
    """The directory as the hub has it, the misleading text_config included."""
    directory.mkdir(parents=True, exist_ok=True)
    vision = {
        "model_type": "clip_vision_model",
        "num_attention_heads": sizes.vision_heads,
        "num_hidden_layers": sizes.vision_layers,
        "intermediate_size": 2 * sizes.vision,
        "hidden_size": sizes.vision,
        "image_size": sizes.side,
        "patch_size": sizes.patch,
    }
    text = {
        "model_type": "mistral",
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.key_heads,
        "head_dim": sizes.head,
        "rope_theta": 1e6,
        "sliding_window": 4,
        "vocab_size": 32064,
    }
    config = {
        "architectures": ["NVMMEmbedModel"],
        "model_type": "llava_next",
        "retriever": "nvidia/NV-Embed-v1",
        "image_token_index": sizes.vocabulary,
        "vision_config": vision,
        "text_config": text,
    }
    (directory / "config.json").write_text(json.dumps(config))
    llama_like(sizes.vocabulary).save(str(directory / "tokenizer.json"))
    save_file(named, directory / "model.safetensors", {"format": "pt"})
    return directory
