"""OpenAI's CLIP: a vision tower over patches and a causal text tower, both of pre-norm blocks with QuickGELU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch.nn import functional

from encoders.uniir_family.tensors import Norm, Tensors, joined_heads, patches, split_heads
from encoders.uniir_family.tokens import CLIP_VOCABULARY
from models.linear import LinearLayer, linear_layer

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

PREFIX = "clip_model."
_EPSILON = 1e-5
_QUICK = 1.702


@dataclass(frozen=True, slots=True)
class Block:
    """Attention and a feed-forward part, each after its norm and added to what came in."""

    before_attention: Norm
    query_key_value: LinearLayer
    attention_out: LinearLayer
    before_feed_forward: Norm
    widen: LinearLayer
    narrow: LinearLayer
    heads: int
    causal: bool

    def __call__(self, states: Tensor) -> Tensor:
        query, key, value = self._attended(states)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return self._finished(states, mixed)

    def at(self, states: Tensor, places: Tensor) -> Tensor:
        """The block's output at one place of each row, [batch, width]: all that is wanted of a last block."""
        query, key, value = self._attended(states)
        rows = torch.arange(len(states), device=states.device)
        query = query.transpose(1, 2)[rows, places].unsqueeze(2)
        mask = None
        if self.causal:
            mask = (torch.arange(states.shape[1], device=states.device) <= places.unsqueeze(1))[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self._finished(states[rows, places].unsqueeze(1), mixed).squeeze(1)

    def _attended(self, states: Tensor) -> Sequence[Tensor]:
        return [split_heads(part, self.heads) for part in self.query_key_value(self.before_attention(states)).chunk(3, dim=-1)]

    def _finished(self, states: Tensor, mixed: Tensor) -> Tensor:
        states = self.attention_out.added(joined_heads(mixed), states)
        # x * sigmoid(1.702 x) is silu(1.702 x) / 1.702, and both factors are in the weights (see `_blocks`).
        return self.narrow.added(self.widen.silu(self.before_feed_forward(states)), states)


@dataclass(frozen=True, slots=True)
class VisionTower:
    """`side` is the picture's, in pixels."""

    patch_embedding: LinearLayer
    class_embedding: Tensor
    positions: Tensor
    first_norm: Norm
    blocks: Sequence[Block]
    last_norm: Norm
    projection: LinearLayer
    patch: int
    side: int

    @property
    def heads(self) -> int:
        return self.blocks[0].heads

    def vectors(self, pixels: Tensor) -> Tensor:
        """One projected vector for each picture, [batch, output]."""
        states = self._before_the_last_block(pixels)
        first = torch.zeros(len(states), dtype=torch.long, device=states.device)
        return self.projection(self.last_norm(self.blocks[-1].at(states, first)))

    def states(self, pixels: Tensor) -> Tensor:
        """Class and patches, all normed and projected, [batch, 1 + patches, output]."""
        return self.projection(self.last_norm(self.blocks[-1](self._before_the_last_block(pixels))))

    def _before_the_last_block(self, pixels: Tensor) -> Tensor:
        embedded = self.patch_embedding(patches(pixels, self.patch))
        start = self.class_embedding.expand(len(embedded), 1, -1)
        states = self.first_norm(torch.cat([start, embedded], dim=1) + self.positions)
        for block in self.blocks[:-1]:
            states = block(states)
        return states


@dataclass(frozen=True, slots=True)
class TextTower:
    """`projection` is None where the model has none."""

    embedding: Tensor
    positions: Tensor
    blocks: Sequence[Block]
    last_norm: Norm
    projection: LinearLayer | None
    context: int

    @property
    def heads(self) -> int:
        return self.blocks[0].heads

    def vectors(self, ids: Tensor) -> Tensor:
        """One projected vector for each text, read at its first end token, [batch, output]; what follows that token is not seen."""
        assert self.projection is not None
        ends = ids.argmax(dim=1)  # the end token has the highest id
        return self.projection(self.last_norm(self.blocks[-1].at(self._before_the_last_block(ids), ends)))

    def states(self, ids: Tensor) -> Tensor:
        """All places, normed and not projected, [batch, length, width]."""
        return self.last_norm(self.blocks[-1](self._before_the_last_block(ids)))

    def _before_the_last_block(self, ids: Tensor) -> Tensor:
        states = functional.embedding(ids, self.embedding) + self.positions[: ids.shape[1]]
        for block in self.blocks[:-1]:
            states = block(states)
        return states


def vision_tower(tensors: Tensors, heads: int) -> VisionTower:
    """Takes the vision tower's tensors; sizes come from their shapes."""
    prefix = f"{PREFIX}visual."
    width, _, patch, _ = tensors.shape(f"{prefix}conv1.weight")
    places = tensors.shape(f"{prefix}positional_embedding")[0]
    output = tensors.shape(f"{prefix}proj")[1]
    kernel = tensors.take(f"{prefix}conv1.weight", width, 3, patch, patch)
    return VisionTower(
        linear_layer(kernel.view(width, -1), None),
        tensors.take(f"{prefix}class_embedding", width),
        tensors.take(f"{prefix}positional_embedding", places, width),
        tensors.norm(f"{prefix}ln_pre", width, _EPSILON),
        _blocks(tensors, f"{prefix}transformer.resblocks.", width, heads, causal=False),
        tensors.norm(f"{prefix}ln_post", width, _EPSILON),
        _projection(tensors, f"{prefix}proj", width, output),
        patch,
        isqrt(places - 1) * patch,
    )


def text_tower(tensors: Tensors, heads: int, output: int | None) -> TextTower:
    """Takes the text tower's tensors; `output` is the projection's width, None for a model without it."""
    context, width = tensors.shape(f"{PREFIX}positional_embedding")
    return TextTower(
        tensors.take(f"{PREFIX}token_embedding.weight", CLIP_VOCABULARY, width),
        tensors.take(f"{PREFIX}positional_embedding", context, width),
        _blocks(tensors, f"{PREFIX}transformer.resblocks.", width, heads, causal=True),
        tensors.norm(f"{PREFIX}ln_final", width, _EPSILON),
        None if output is None else _projection(tensors, f"{PREFIX}text_projection", width, output),
        context,
    )


def _projection(tensors: Tensors, name: str, inputs: int, outputs: int) -> LinearLayer:
    # Stored as input x output, the other way round than a linear layer's weight.
    return linear_layer(tensors.take(name, inputs, outputs).T.contiguous(), None)


def _blocks(tensors: Tensors, prefix: str, width: int, heads: int, causal: bool) -> list[Block]:
    blocks = []
    for number in range(tensors.layers(prefix)):
        here = f"{prefix}{number}"
        inner = 4 * width
        blocks.append(
            Block(
                tensors.norm(f"{here}.ln_1", width, _EPSILON),
                tensors.layer(
                    tensors.take(f"{here}.attn.in_proj_weight", 3 * width, width), tensors.take(f"{here}.attn.in_proj_bias", 3 * width)
                ),
                tensors.linear(f"{here}.attn.out_proj", width, width),
                tensors.norm(f"{here}.ln_2", width, _EPSILON),
                tensors.layer(
                    tensors.take(f"{here}.mlp.c_fc.weight", inner, width, factor=_QUICK),
                    tensors.take(f"{here}.mlp.c_fc.bias", inner, factor=_QUICK),
                ),
                tensors.layer(
                    tensors.take(f"{here}.mlp.c_proj.weight", width, inner, factor=1 / _QUICK),
                    tensors.take(f"{here}.mlp.c_proj.bias", width),
                ),
                heads,
                causal,
            )
        )
    return blocks
