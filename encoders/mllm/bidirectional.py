"""Whether every token really sees every other: a stack that stayed causal gives vectors that look fine and are wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import torch

from uniir.errors import ModelUnavailable

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

_LENGTH = 6
_PADDING = 2
_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.2, torch.float16: 0.05}  # of the largest state, alone against padded


def require_bidirectional(states: Callable[[Tensor, Tensor], Tensor], vocabulary: int, device: torch.device, dtype: torch.dtype) -> None:
    """`states` takes ids and attention, [n, length] each. Raises ModelUnavailable for a stack that does not look ahead.

    The last token alone is changed: without padding, padded, and beside a longer row, the first token's state must change too;
    and a row must have the same states alone as in a padded batch.
    """
    first = torch.arange(3, 3 + _LENGTH, device=device).unsqueeze(0) % vocabulary
    second = first.clone()
    second[0, -1] = (second[0, -1] + 1) % vocabulary
    ones = torch.ones_like(first)
    padded = torch.cat([ones, torch.zeros_like(ones[:, :_PADDING])], dim=1)

    def longer(ids: Tensor) -> Tensor:
        return torch.cat([ids, ids[:, :_PADDING]], dim=1)

    full = torch.ones_like(padded)
    batches = {
        "without padding": [states(ids, ones) for ids in (first, second)],
        "with padding": [states(longer(ids), padded) for ids in (first, second)],
        "beside a longer row": [states(torch.cat([longer(ids), longer(first)]), torch.cat([padded, full]))[:1] for ids in (first, second)],
    }
    for circumstances, (one, other) in batches.items():
        if torch.equal(one[0, 0], other[0, 0]):
            raise ModelUnavailable(
                f"The model's attention is causal {circumstances}, but it was trained to look both ways.",
                "Its vectors would be wrong; use the version of transformers in constraints.txt.",
            )
    alone, beside = batches["without padding"][0], batches["with padding"][0][:, :_LENGTH]
    apart = float((alone - beside).abs().max() / alone.abs().max())
    if not apart <= _TOLERANCE[dtype]:
        raise ModelUnavailable(
            f"The model's states change by {apart:.0%} when a row is padded.",
            "Its vectors would depend on their batch; use the version of transformers in constraints.txt.",
        )
