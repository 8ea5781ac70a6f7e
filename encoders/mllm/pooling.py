"""How the states of a prompt become one vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import torch
from torch.nn import functional

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor


def pooled(states: Tensor, kept: Tensor) -> Tensor:
    """[n, dimension] in float32, unit length: the mean of the states kept. One place kept makes it that place's state."""
    weights = kept.to(states.device, torch.float32).unsqueeze(-1)
    mean = (states.float() * weights).sum(1) / weights.sum(1)
    return functional.normalize(mean, dim=-1).cpu()
