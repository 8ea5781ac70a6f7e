"""The encoder stack of T5 1.0 that CLIP_FF lays over its tokens: RMS norms, no biases, ReLU, relative positions, no scaling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch.nn import functional

from encoders.uniir_family.tensors import Tensors, joined_heads, split_heads
from models.linear import LinearLayer, linear_layer

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

PREFIX = "t5_layers."
_EPSILON = 1e-6
_MAX_DISTANCE = 128  # of T5's configuration; it leaves no trace in the tensors


@dataclass(frozen=True, slots=True)
class Block:
    """Attention, then a feed-forward part."""

    before_attention: Tensor
    query: LinearLayer
    key: LinearLayer
    value: LinearLayer
    attention_out: LinearLayer
    before_feed_forward: Tensor
    widen: LinearLayer
    narrow: LinearLayer
    heads: int

    def __call__(self, states: Tensor, bias: Tensor) -> Tensor:
        normed = _rms_norm(states, self.before_attention)
        query, key, value = (split_heads(part(normed), self.heads) for part in (self.query, self.key, self.value))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=1.0)
        states = states + self.attention_out(joined_heads(mixed))
        return states + self.narrow(functional.relu(self.widen(_rms_norm(states, self.before_feed_forward)), inplace=True))


@dataclass(frozen=True, slots=True)
class Stack:
    """`relative_bias` is one table for all blocks, [buckets, heads]."""

    blocks: Sequence[Block]
    relative_bias: Tensor
    last_norm: Tensor

    def __call__(self, states: Tensor) -> Tensor:
        """[batch, length, width] in and out; every place sees every other."""
        bias = self._bias(states.shape[1])
        for block in self.blocks:
            states = block(states, bias)
        return _rms_norm(states, self.last_norm)

    def _bias(self, length: int) -> Tensor:
        places = torch.arange(length, device=self.relative_bias.device)
        distances = places.unsqueeze(0) - places.unsqueeze(1)  # of the key from the query
        return self.relative_bias[buckets(distances, len(self.relative_bias))].permute(2, 0, 1).unsqueeze(0)


def buckets(distances: Tensor, count: int) -> Tensor:
    """Half of the buckets for keys behind the query; in each half the near distances alone, the far ones by logarithm."""
    half = count // 2
    exact = half // 2
    behind = (distances > 0).long() * half
    distances = distances.abs()
    share = torch.log(distances.clamp(min=1).float() / exact) / math.log(_MAX_DISTANCE / exact)
    far = (exact + (share * (half - exact)).long()).clamp(max=half - 1)
    return behind + torch.where(distances < exact, distances, far)


def stack(tensors: Tensors, width: int) -> Stack:
    """Takes the stack's tensors; sizes come from their shapes."""
    table = f"{PREFIX}block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    count, heads = tensors.shape(table)
    blocks = [_block(tensors, f"{PREFIX}block.{number}", width, heads) for number in range(tensors.layers(f"{PREFIX}block."))]
    return Stack(blocks, tensors.take(table, count, heads), tensors.take(f"{PREFIX}final_layer_norm.weight", width))


def _block(tensors: Tensors, here: str, width: int, heads: int) -> Block:
    attention, feed_forward = f"{here}.layer.0", f"{here}.layer.1"
    inner = tensors.shape(f"{attention}.SelfAttention.q.weight")[0]
    wide = tensors.shape(f"{feed_forward}.DenseReluDense.wi.weight")[0]
    query, key, value = (linear_layer(tensors.take(f"{attention}.SelfAttention.{name}.weight", inner, width), None) for name in "qkv")
    return Block(
        tensors.take(f"{attention}.layer_norm.weight", width),
        query,
        key,
        value,
        linear_layer(tensors.take(f"{attention}.SelfAttention.o.weight", width, inner), None),
        tensors.take(f"{feed_forward}.layer_norm.weight", width),
        linear_layer(tensors.take(f"{feed_forward}.DenseReluDense.wi.weight", wide, width), None),
        linear_layer(tensors.take(f"{feed_forward}.DenseReluDense.wo.weight", width, wide), None),
        heads,
    )


def _rms_norm(states: Tensor, weight: Tensor) -> Tensor:
    return functional.rms_norm(states, weight.shape, weight, _EPSILON)
