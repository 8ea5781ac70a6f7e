"""Forward passes written out with nothing but matrix products, to compare the models with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch.nn.functional import gelu, layer_norm, silu, softmax

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor
    Named: TypeAlias = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class QwenSizes:
    layers: int
    heads: int
    key_heads: int
    theta: float
    sections: tuple[int, int, int]
    normed: bool = False
    interleaved: bool = False
    deep: tuple[Tensor, Sequence[Tensor]] | None = None  # places of the picture, and what is added there behind the first layers


def linear(named: Named, name: str, rows: Tensor) -> Tensor:
    bias = named.get(f"{name}.bias")
    return rows @ named[f"{name}.weight"].T + (0 if bias is None else bias)


def normed(named: Named, name: str, rows: Tensor, epsilon: float = 1e-5) -> Tensor:
    return layer_norm(rows, rows.shape[-1:], named[f"{name}.weight"], named[f"{name}.bias"], epsilon)


def root_mean_square(rows: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    return rows / (rows.square().mean(-1, keepdim=True) + epsilon).sqrt() * weight


def attended(query: Tensor, key: Tensor, value: Tensor, *, causal: bool = False) -> Tensor:
    """[heads, length, width] each."""
    scores = query @ key.transpose(1, 2) / math.sqrt(query.shape[-1])
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[1:]).triu(1).bool(), -math.inf)
    return softmax(scores, -1) @ value


def split(rows: Tensor, heads: int) -> Tensor:
    """[length, heads * width] to [heads, length, width]."""
    return rows.unflatten(-1, (heads, -1)).transpose(0, 1)


def joined(rows: Tensor) -> Tensor:
    return rows.transpose(0, 1).flatten(1)


def rotated(rows: Tensor, positions: Tensor, theta: float) -> Tensor:
    """Rotary positions as LLaMA has them: the two halves of a head turn together."""
    width = rows.shape[-1]
    angles = positions[:, None].float() * theta ** (-torch.arange(0, width, 2).float() / width)
    cosine, sine = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)
    first, second = rows.chunk(2, -1)
    return rows * cosine + torch.cat([-second, first], -1) * sine


def clip_layer(named: Named, name: str, rows: Tensor, heads: int) -> Tensor:
    inside = normed(named, f"{name}.layer_norm1", rows)
    query, key, value = (split(linear(named, f"{name}.self_attn.{part}_proj", inside), heads) for part in "qkv")
    rows = rows + linear(named, f"{name}.self_attn.out_proj", joined(attended(query, key, value)))
    inside = linear(named, f"{name}.mlp.fc1", normed(named, f"{name}.layer_norm2", rows))
    return rows + linear(named, f"{name}.mlp.fc2", inside * torch.sigmoid(1.702 * inside))


def clip_patches(named: Named, name: str, pixels: Tensor, heads: int, layers: int) -> Tensor:
    """States of the last layer but one, without the class: [patches, width]."""
    convolved = torch.nn.functional.conv2d(pixels[None], named[f"{name}.embeddings.patch_embedding.weight"], stride=_stride(named, name))
    rows = torch.cat([named[f"{name}.embeddings.class_embedding"][None], convolved[0].flatten(1).T])
    rows = normed(named, f"{name}.pre_layrnorm", rows + named[f"{name}.embeddings.position_embedding.weight"])
    for layer in range(layers - 1):
        rows = clip_layer(named, f"{name}.encoder.layers.{layer}", rows, heads)
    return rows[1:]


def _stride(named: Named, name: str) -> int:
    return named[f"{name}.embeddings.patch_embedding.weight"].shape[-1]


def mistral(named: Named, name: str, rows: Tensor, layers: int, heads: int, key_heads: int, *, causal: bool) -> Tensor:
    """States behind the final norm."""
    positions = torch.arange(rows.shape[0])
    for layer in range(layers):
        here = f"{name}.layers.{layer}"
        inside = root_mean_square(rows, named[f"{here}.input_layernorm.weight"], 1e-5)
        query = rotated(split(linear(named, f"{here}.self_attn.q_proj", inside), heads), positions, 10_000)
        key = rotated(split(linear(named, f"{here}.self_attn.k_proj", inside), key_heads), positions, 10_000)
        value = split(linear(named, f"{here}.self_attn.v_proj", inside), key_heads)
        key, value = (part.repeat_interleave(heads // key_heads, 0) for part in (key, value))
        rows = rows + linear(named, f"{here}.self_attn.o_proj", joined(attended(query, key, value, causal=causal)))
        inside = root_mean_square(rows, named[f"{here}.post_attention_layernorm.weight"], 1e-5)
        gated = silu(linear(named, f"{here}.mlp.gate_proj", inside)) * linear(named, f"{here}.mlp.up_proj", inside)
        rows = rows + linear(named, f"{here}.mlp.down_proj", gated)
    return root_mean_square(rows, named[f"{name}.norm.weight"], 1e-5)


def latent_attention(named: Named, name: str, rows: Tensor) -> Tensor:
    block = f"{name}.cross_attend_blocks"
    context = normed(named, f"{block}.0.norm_context", named[f"{name}.latents"])
    query = split(linear(named, f"{block}.0.fn.to_q", normed(named, f"{block}.0.norm", rows)), 8)
    both = linear(named, f"{block}.0.fn.to_kv", context)
    key, value = (split(part, 8) for part in both.chunk(2, -1))
    rows = rows + linear(named, f"{block}.0.fn.to_out", joined(attended(query, key, value)))
    first, second = linear(named, f"{block}.1.fn.net.0", normed(named, f"{block}.1.norm", rows)).chunk(2, -1)
    return rows + linear(named, f"{block}.1.fn.net.2", first * gelu(second))


def qwen_text(named: Named, rows: Tensor, positions: Tensor, sizes: QwenSizes, *, causal: bool) -> Tensor:
    """Qwen2-VL's text stack with three-part rotary positions, [3, length]; Qwen3's with norms on queries and keys."""
    for layer in range(sizes.layers):
        here = f"language_model.layers.{layer}"
        inside = root_mean_square(rows, named[f"{here}.input_layernorm.weight"], 1e-6)
        query, key, value = (
            split(linear(named, f"{here}.self_attn.{part}_proj", inside), heads)
            for part, heads in (("q", sizes.heads), ("k", sizes.key_heads), ("v", sizes.key_heads))
        )
        if sizes.normed:
            query = root_mean_square(query, named[f"{here}.self_attn.q_norm.weight"], 1e-6)
            key = root_mean_square(key, named[f"{here}.self_attn.k_norm.weight"], 1e-6)
        query, key = (turned_thrice(part, positions, sizes) for part in (query, key))
        key, value = (part.repeat_interleave(sizes.heads // sizes.key_heads, 0) for part in (key, value))
        rows = rows + linear(named, f"{here}.self_attn.o_proj", joined(attended(query, key, value, causal=causal)))
        inside = root_mean_square(rows, named[f"{here}.post_attention_layernorm.weight"], 1e-6)
        gated = silu(linear(named, f"{here}.mlp.gate_proj", inside)) * linear(named, f"{here}.mlp.up_proj", inside)
        rows = rows + linear(named, f"{here}.mlp.down_proj", gated)
        if sizes.deep is not None and layer < len(sizes.deep[1]):
            rows = rows.clone()
            rows[sizes.deep[0]] += sizes.deep[1][layer]
    return root_mean_square(rows, named["language_model.norm.weight"], 1e-6)


def turned_thrice(rows: Tensor, positions: Tensor, sizes: QwenSizes) -> Tensor:
    """Each frequency follows time, height or width: in blocks (Qwen2) or in turn (Qwen3)."""
    width = rows.shape[-1]
    frequencies = sizes.theta ** (-torch.arange(0, width, 2).float() / width)
    axis = torch.zeros(width // 2, dtype=torch.long)
    if sizes.interleaved:
        for number in (1, 2):
            axis[number : sizes.sections[number] * 3 : 3] = number
    else:
        axis = torch.repeat_interleave(torch.arange(3), torch.tensor(sizes.sections))
    angles = positions[axis].T.float() * frequencies
    cosine, sine = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)
    first, second = rows.chunk(2, -1)
    return rows * cosine + torch.cat([-second, first], -1) * sine
