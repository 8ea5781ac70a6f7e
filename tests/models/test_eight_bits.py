"""Linear layers in eight bits: near the plain ones, whatever else is in the batch and however loud some inputs are."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra `models`)")

import torch

from models import eight_bits
from models.devices import Device
from models.eight_bits import Calibration, eight_bit_device, eight_bit_layer
from models.linear import Linear
from uniir.errors import UsageError

needs_units = pytest.mark.skipif(not eight_bits._has_units(), reason="this processor has no units for eight bits")


def plain_layer(bias: bool = True) -> Linear:
    torch.manual_seed(0)
    return Linear(torch.randn(48, 64), torch.randn(48) if bias else None)


def wrong_by(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@needs_units
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 64), (5, 64), (2, 7, 64)])
def test_a_layer_computes_nearly_what_the_plain_one_does(bias: bool, shape: tuple[int, ...]) -> None:
    plain = plain_layer(bias)
    layer = eight_bit_layer(plain.weight, plain.bias, None)
    states = torch.randn(shape) + 0.5
    residual = torch.randn((*shape[:-1], 48))
    before = residual.clone()
    with torch.inference_mode():
        for ours, theirs in (
            (layer(states), plain(states)),
            (layer.silu(states), plain.silu(states)),
            (layer.gelu(states), plain.gelu(states)),
            (layer.added(states, residual), plain.added(states, residual)),
        ):
            assert ours.shape == theirs.shape
            assert wrong_by(ours, theirs) < 0.02
    assert torch.equal(residual, before)


@needs_units
def test_rows_of_zeros_and_of_one_sign_are_no_exception() -> None:
    plain = plain_layer()
    layer = eight_bit_layer(plain.weight, plain.bias, None)
    for states in (torch.zeros(2, 64), torch.rand(2, 64), -torch.rand(2, 64), torch.full((2, 64), 1e-6), torch.full((2, 64), 1e6)):
        assert wrong_by(layer(states), plain(states)) < 0.02


@needs_units
def test_a_row_does_not_depend_on_its_batch() -> None:
    plain = plain_layer()
    layer = eight_bit_layer(plain.weight, plain.bias, None)
    rows = torch.randn(9, 64)
    rows[3] *= 1_000
    torch.testing.assert_close(layer(rows)[:3], layer(rows[:3]), rtol=1e-5, atol=1e-5)


@needs_units
def test_loud_inputs_that_were_watched_leave_something_of_the_others() -> None:
    plain = plain_layer()
    plain.weight[:, 5] /= 100
    states = torch.randn(32, 64)
    states[:, 5] *= 100
    calibration = Calibration()
    watching = calibration.watching(plain.weight, plain.bias)
    torch.testing.assert_close(watching(states), plain(states))
    watched = calibration.eight_bits()(plain.weight, plain.bias)
    unwatched = eight_bit_layer(plain.weight, plain.bias, None)
    assert wrong_by(watched(states), plain(states)) < 0.02
    assert wrong_by(unwatched(states), plain(states)) > 0.1


def test_eight_bits_are_refused_where_they_can_not_be_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="not for cuda"):
        eight_bit_device(Device("cuda", "int8", threads=1))
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    with pytest.raises(UsageError, match="no units for int8"):
        eight_bit_device(Device("cpu", "int8", threads=1))
