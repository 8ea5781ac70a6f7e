"""NV-Embed's latent-attention pooler (NV-Embed section 3.2), under the names its checkpoints use."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

HEADS = 8


class _CrossAttention(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)

    def forward(self, states: Tensor, context: Tensor) -> Tensor:
        keys, values = self.to_kv(context).chunk(2, dim=-1)
        heads = [part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (self.to_q(states), keys, values)]
        attended = functional.scaled_dot_product_attention(*heads)
        return self.to_out(attended.transpose(1, 2).flatten(2))


class _GatedLinear(nn.Module):
    def forward(self, states: Tensor) -> Tensor:
        kept, gate = states.chunk(2, dim=-1)
        return kept * functional.gelu(gate)


class _FeedForward(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(width, 2 * inner), _GatedLinear(), nn.Linear(inner, width))

    def forward(self, states: Tensor) -> Tensor:
        return self.net(states)


class _Normed(nn.Module):
    """A layer behind its norms."""

    def __init__(self, width: int, layer: nn.Module, *, context: bool) -> None:
        super().__init__()
        self.fn = layer
        self.norm = nn.LayerNorm(width)
        if context:
            self.norm_context = nn.LayerNorm(width)


class LatentAttention(nn.Module):
    """Every state asks the learned latents, alone: no positions, no mask. [n, length, width] to the same shape."""

    def __init__(self, width: int, latents: int, attention_width: int, forward_width: int) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.empty(latents, width))
        self.cross_attend_blocks = nn.ModuleList(
            [
                _Normed(width, _CrossAttention(width, attention_width), context=True),
                _Normed(width, _FeedForward(width, forward_width), context=False),
            ]
        )

    def forward(self, states: Tensor) -> Tensor:
        attend, feed = self.cross_attend_blocks
        context = attend.norm_context(self.latents).expand(states.shape[0], -1, -1)
        states = states + attend.fn(attend.norm(states), context)
        return states + feed.fn(feed.norm(states))
