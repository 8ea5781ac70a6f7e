"""Linear layers: laid out beforehand or not, they compute the same."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra `models`)")

import torch

from models import linear
from models.linear import Linear, PackedLinear, linear_layer


def layers(bias: bool) -> tuple[PackedLinear, Linear]:
    torch.manual_seed(0)
    weight = torch.randn(48, 32).bfloat16()
    offset = torch.randn(48).bfloat16() if bias else None
    packed = linear_layer(weight, offset)
    if not isinstance(packed, PackedLinear):
        pytest.skip("this processor has no units for bfloat16")
    return packed, Linear(weight, offset)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 32), (5, 32), (2, 7, 32)])
def test_a_layer_that_is_laid_out_beforehand_computes_what_the_plain_one_does(bias: bool, shape: tuple[int, ...]) -> None:
    packed, plain = layers(bias)
    states = torch.randn(shape).bfloat16()
    residual = torch.randn((*shape[:-1], 48)).bfloat16()
    with torch.inference_mode():
        for ours, theirs in (
            (packed(states), plain(states)),
            (packed.silu(states), plain.silu(states)),
            (packed.gelu(states), plain.gelu(states)),
            (packed.added(states, residual), plain.added(states, residual)),
        ):
            torch.testing.assert_close(ours, theirs, rtol=0.02, atol=0.05)


def test_only_half_precision_on_a_processor_with_units_for_it_is_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(linear_layer(torch.randn(4, 4), None), Linear)
    monkeypatch.setattr(linear, "_can_pack", lambda: False)
    assert isinstance(linear_layer(torch.randn(4, 4).bfloat16(), None), Linear)
