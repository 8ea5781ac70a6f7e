"""The self-test of stacks that were trained to look both ways: it stops each of the ways in which one can be causal after all."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from encoders.mllm.bidirectional import require_bidirectional
from uniir.errors import ModelUnavailable

VOCABULARY = 40
States = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def stack(causal: Callable[[torch.Tensor], bool], heeds_padding: bool = True) -> States:
    """One layer of attention; `causal` decides by the mask of the whole batch, as implementations do."""
    torch.manual_seed(0)
    table = torch.randn(VOCABULARY, 8)

    def states(ids: torch.Tensor, attention: torch.Tensor) -> torch.Tensor:
        rows = table[ids]
        scores = rows @ rows.transpose(1, 2)
        if heeds_padding:
            scores = scores.masked_fill(attention[:, None] == 0, -math.inf)
        if causal(attention):
            scores = scores.masked_fill(torch.ones(scores.shape[1:]).triu(1).bool(), -math.inf)
        return torch.softmax(scores, -1) @ rows

    return states


def padded(attention: torch.Tensor) -> bool:
    return bool((attention == 0).any())


def check(states: States) -> None:
    require_bidirectional(states, VOCABULARY, torch.device("cpu"), torch.float32)


def test_a_stack_that_looks_both_ways_passes() -> None:
    check(stack(lambda attention: False))


@pytest.mark.parametrize(
    ("causal", "circumstances"),
    [
        (lambda attention: True, "without padding"),
        (lambda attention: not padded(attention), "without padding"),
        (padded, "with padding"),
        (lambda attention: len(attention) > 1, "beside a longer row"),
    ],
)
def test_one_that_is_causal_now_and_then_is_stopped(causal: Callable[[torch.Tensor], bool], circumstances: str) -> None:
    with pytest.raises(ModelUnavailable, match=f"causal {circumstances}"):
        check(stack(causal))


def test_one_that_reads_its_padding_is_stopped() -> None:
    with pytest.raises(ModelUnavailable, match="when a row is padded"):
        check(stack(lambda attention: False, heeds_padding=False))
