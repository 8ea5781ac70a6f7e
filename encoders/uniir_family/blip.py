"""BLIP's towers: a vision transformer, and a BERT whose layers can look at a picture between attention and feed-forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch.nn import functional

from encoders.uniir_family.tensors import Norm, Tensors, joined_heads, patches, split_heads
from encoders.uniir_family.tokens import BERT_VOCABULARY, BLIP_CONTEXT
from models.linear import LinearLayer, linear_layer

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

VISION, TEXT = "visual_encoder.", "text_encoder."
# Momentum copies, queues and the temperature serve training alone; positions are counted, not read.
TRAINING_ONLY = (
    r"(visual_encoder_m|text_encoder_m|vision_proj_m|text_proj_m)\..+",
    r"query_queue|cand_queue|idx_queue|new_ptr_queue|temp",
    r"text_encoder\.embeddings\.position_ids",
)
_VISION_EPSILON = 1e-6
_TEXT_EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
class VisionBlock:
    """Attention and a feed-forward part with exact GELU, each after its norm and added to what came in."""

    before_attention: Norm
    query_key_value: LinearLayer
    attention_out: LinearLayer
    before_feed_forward: Norm
    widen: LinearLayer
    narrow: LinearLayer
    heads: int

    def __call__(self, states: Tensor) -> Tensor:
        query, key, value = (split_heads(part, self.heads) for part in self.query_key_value(self.before_attention(states)).chunk(3, dim=-1))
        mixed = functional.scaled_dot_product_attention(query, key, value)
        states = self.attention_out.added(joined_heads(mixed), states)
        return self.narrow.added(self.widen.gelu(self.before_feed_forward(states)), states)


@dataclass(frozen=True, slots=True)
class VisionTower:
    """`side` is the picture's, in pixels."""

    patch_embedding: LinearLayer
    class_embedding: Tensor
    positions: Tensor
    blocks: Sequence[VisionBlock]
    last_norm: Norm
    patch: int
    side: int

    @property
    def heads(self) -> int:
        return self.blocks[0].heads

    def states(self, pixels: Tensor) -> Tensor:
        """Class and patches, normed, [batch, 1 + patches, width]."""
        embedded = self.patch_embedding(patches(pixels, self.patch))
        states = torch.cat([self.class_embedding.expand(len(embedded), 1, -1), embedded], dim=1) + self.positions
        for block in self.blocks:
            states = block(states)
        return self.last_norm(states)


@dataclass(frozen=True, slots=True)
class Attention:
    """From some states to others (or the same), added to what came in and normed."""

    query: LinearLayer
    key: LinearLayer
    value: LinearLayer
    out: LinearLayer
    norm: Norm
    heads: int

    def __call__(self, states: Tensor, seen: Tensor, mask: Tensor | None) -> Tensor:
        """`seen` may have one row for the whole batch. `mask` is true where a place may be looked at."""
        query, key, value = (
            split_heads(part(source), self.heads) for part, source in ((self.query, states), (self.key, seen), (self.value, seen))
        )
        key, value = key.expand(len(states), -1, -1, -1), value.expand(len(states), -1, -1, -1)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.norm(self.out.added(joined_heads(mixed), states))


@dataclass(frozen=True, slots=True)
class TextLayer:
    """`to_picture` is None in a model that never looks at a picture here."""

    to_itself: Attention
    to_picture: Attention | None
    widen: LinearLayer
    narrow: LinearLayer
    norm: Norm

    def __call__(self, states: Tensor, mask: Tensor, picture: Tensor | None) -> Tensor:
        states = self.to_itself(states, states, mask)
        if self.to_picture is not None and picture is not None:
            states = self.to_picture(states, picture, None)
        return self.norm(self.narrow.added(self.widen.gelu(states), states))


@dataclass(frozen=True, slots=True)
class TextTower:
    """BERT without token types and, for UniIR, without BLIP's [ENC]: the first token stays [CLS]."""

    embedding: Tensor
    positions: Tensor
    first_norm: Norm
    layers: Sequence[TextLayer]
    context: int

    @property
    def heads(self) -> int:
        return self.layers[0].to_itself.heads

    def first_states(self, ids: Tensor, lengths: Tensor, picture: Tensor | None) -> Tensor:
        """The last hidden state of each text's first token, [batch, width]; ids beyond a text's length are not seen."""
        places = torch.arange(ids.shape[1], device=ids.device)
        mask = (places < lengths.unsqueeze(1))[:, None, None, :]
        states = self.first_norm(functional.embedding(ids, self.embedding) + self.positions[: ids.shape[1]])
        for layer in self.layers:
            states = layer(states, mask, picture)
        return states[:, 0]


def vision_tower(tensors: Tensors, heads: int) -> VisionTower:
    """Takes the vision tower's tensors; sizes come from their shapes."""
    width, _, patch, _ = tensors.shape(f"{VISION}patch_embed.proj.weight")
    places = tensors.shape(f"{VISION}pos_embed")[1]
    kernel = tensors.take(f"{VISION}patch_embed.proj.weight", width, 3, patch, patch)
    return VisionTower(
        linear_layer(kernel.view(width, -1), tensors.take(f"{VISION}patch_embed.proj.bias", width)),
        tensors.take(f"{VISION}cls_token", 1, 1, width),
        tensors.take(f"{VISION}pos_embed", 1, places, width),
        [_vision_block(tensors, f"{VISION}blocks.{number}", width, heads) for number in range(tensors.layers(f"{VISION}blocks."))],
        tensors.norm(f"{VISION}norm", width, _VISION_EPSILON),
        patch,
        isqrt(places - 1) * patch,
    )


def text_tower(tensors: Tensors, heads: int, picture_width: int | None) -> TextTower:
    """Takes the text tower's tensors; `picture_width` is that of the states its layers look at, None where they look at none."""
    positions, width = tensors.shape(f"{TEXT}embeddings.position_embeddings.weight")
    layers = f"{TEXT}encoder.layer."
    return TextTower(
        tensors.take(f"{TEXT}embeddings.word_embeddings.weight", BERT_VOCABULARY, width),
        tensors.take(f"{TEXT}embeddings.position_embeddings.weight", positions, width),
        tensors.norm(f"{TEXT}embeddings.LayerNorm", width, _TEXT_EPSILON),
        [_text_layer(tensors, f"{layers}{number}", width, heads, picture_width) for number in range(tensors.layers(layers))],
        min(positions, BLIP_CONTEXT),
    )


def widths(tensors: Tensors) -> tuple[int, int]:
    """Of the vision and of the text tower."""
    return tensors.shape(f"{VISION}patch_embed.proj.weight")[0], tensors.shape(f"{TEXT}embeddings.position_embeddings.weight")[1]


def _vision_block(tensors: Tensors, here: str, width: int, heads: int) -> VisionBlock:
    inner = tensors.shape(f"{here}.mlp.fc1.weight")[0]
    return VisionBlock(
        tensors.norm(f"{here}.norm1", width, _VISION_EPSILON),
        tensors.linear(f"{here}.attn.qkv", width, 3 * width),
        tensors.linear(f"{here}.attn.proj", width, width),
        tensors.norm(f"{here}.norm2", width, _VISION_EPSILON),
        tensors.linear(f"{here}.mlp.fc1", width, inner),
        tensors.linear(f"{here}.mlp.fc2", inner, width),
        heads,
    )


def _text_layer(tensors: Tensors, here: str, width: int, heads: int, picture_width: int | None) -> TextLayer:
    inner = tensors.shape(f"{here}.intermediate.dense.weight")[0]
    return TextLayer(
        _attention(tensors, f"{here}.attention", width, width, heads),
        None if picture_width is None else _attention(tensors, f"{here}.crossattention", width, picture_width, heads),
        tensors.linear(f"{here}.intermediate.dense", width, inner),
        tensors.linear(f"{here}.output.dense", inner, width),
        tensors.norm(f"{here}.output.LayerNorm", width, _TEXT_EPSILON),
    )


def _attention(tensors: Tensors, here: str, width: int, seen_width: int, heads: int) -> Attention:
    return Attention(
        tensors.linear(f"{here}.self.query", width, width),
        tensors.linear(f"{here}.self.key", seen_width, width),
        tensors.linear(f"{here}.self.value", seen_width, width),
        tensors.linear(f"{here}.output.dense", width, width),
        tensors.norm(f"{here}.output.LayerNorm", width, _TEXT_EPSILON),
        heads,
    )
