"""Linear layers in eight bits on a processor: weights once for all by output, inputs anew for each row, so no row depends on its batch.

What an input channel is louder than the others goes to its weights first, by powers of two (SmoothQuant, Xiao et al. 2022): trained
models have a few channels that are many times as loud, and in eight bits nothing of the others would be left beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch.nn import functional

from models.devices import EIGHT_BITS, Device
from models.linear import Linear, LinearLayer, MakeLayer
from models.torch_devices import TorchDevice, torch_device
from uniir.errors import UsageError

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

TOKENS = 528  # of a batch, two pictures of ViT-L/14: with eight, the numbers before and after rounding leave the caches (a sixth slower)

_ROWS = 514
_LEVELS = 254  # and one more, which rounding of a row's zero may need
_TO_ROUND = 1.5 * 2**23  # added and taken away again, it leaves a float32 rounded
_LOUD = 8.0  # how many times as loud as the median a layer's loudest channel is before anything is done about it


@dataclass(frozen=True, slots=True)
class EightBitLinear:
    """Implements `LinearLayer` for float32 in and out; 3 times as fast as float32 where a processor has VNNI."""

    packed: Tensor
    scales: Tensor  # of each output's weights
    sums: Tensor  # of each output's weights
    bias: Tensor
    quieting: Tensor | None  # what each input is multiplied by; None for 1

    def __call__(self, states: Tensor) -> Tensor:
        product, scale, zero = self._product(states)
        torch.addcmul(self.bias, product, scale, out=product)
        return product.addcmul_(zero, self.sums).view(*states.shape[:-1], -1)

    def silu(self, states: Tensor) -> Tensor:
        return functional.silu(self(states), inplace=True)

    def gelu(self, states: Tensor) -> Tensor:
        return torch.ops.aten.gelu_(self(states))

    def added(self, states: Tensor, to: Tensor) -> Tensor:
        return self(states).add_(to)

    def _product(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of the rounded numbers; what each row of it is to be multiplied by, and what to add of `sums`."""
        rows = states.reshape(-1, states.shape[-1])
        if self.quieting is not None:
            rows = rows * self.quieting
        lowest, highest = rows.amin(-1, keepdim=True).clamp_max_(0), rows.amax(-1, keepdim=True).clamp_min_(0)
        scale = (highest - lowest).clamp_min_(1e-20) / _LEVELS
        zero = (-lowest / scale).round_()
        # Signed first, since that is what torch converts to fast, and then the sign's bit turned over.
        signed = (rows / scale).add_(zero + (_TO_ROUND - 128)).sub_(_TO_ROUND).to(torch.int8)
        unsigned = signed.view(torch.uint8).bitwise_xor_(128)
        product = torch.ops.onednn.qlinear_pointwise(
            unsigned, 1.0, 0, self.packed, self.scales, torch.zeros_like(self.scales, dtype=torch.long),
            None, 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        return product, scale, -zero * scale


@dataclass(slots=True)
class WatchedLinear:
    """Implements `LinearLayer` in float32 and keeps how loud each input ever was."""

    plain: Linear
    loudest: Tensor | None = None

    def __call__(self, states: Tensor) -> Tensor:
        return self.plain(self._watched(states))

    def silu(self, states: Tensor) -> Tensor:
        return self.plain.silu(self._watched(states))

    def gelu(self, states: Tensor) -> Tensor:
        return self.plain.gelu(self._watched(states))

    def added(self, states: Tensor, to: Tensor) -> Tensor:
        return self.plain.added(self._watched(states), to)

    def _watched(self, states: Tensor) -> Tensor:
        here = states.abs().reshape(-1, states.shape[-1]).amax(0)
        self.loudest = here if self.loudest is None else torch.maximum(self.loudest, here)
        return states


@dataclass(slots=True)
class Calibration:
    """A model is built twice, in the same order: with layers that watch, which then see examples, and with those made from them."""

    layers: list[WatchedLinear] = field(default_factory=list)

    def watching(self, weight: Tensor, bias: Tensor | None) -> LinearLayer:
        self.layers.append(WatchedLinear(Linear(weight, bias)))
        return self.layers[-1]

    def eight_bits(self) -> MakeLayer:
        loudest: Iterator[Tensor | None] = (layer.loudest for layer in self.layers)
        return lambda weight, bias: eight_bit_layer(weight, bias, next(loudest))


def eight_bit_layer(weight: Tensor, bias: Tensor | None, loudest: Tensor | None) -> EightBitLinear:
    """`loudest` is how loud each input gets; None where nothing is known of it."""
    gain = None if loudest is None else _gain(loudest, weight)
    louder = weight if gain is None else weight * gain
    scales = louder.abs().amax(1).clamp_min(1e-20) / 127
    rounded = (louder / scales.unsqueeze(1)).round_().to(torch.int8)
    return EightBitLinear(
        torch.ops.onednn.qlinear_prepack(rounded, [_ROWS, weight.shape[1]]),
        scales,
        rounded.sum(1).float() * scales,
        torch.zeros_like(scales) if bias is None else bias,
        None if gain is None else 1 / gain,
    )


def eight_bit_device(device: Device) -> TorchDevice:
    """The processor, in float32: what is not a linear layer stays so. Raises UsageError where eight bits can't be computed."""
    if device.name not in ("auto", "cpu"):
        raise UsageError(f"{EIGHT_BITS} is for processors, not for {device.name}.", "Use device cpu, or dtype float16 or bfloat16.")
    if not _has_units():
        raise UsageError(f"This processor has no units for {EIGHT_BITS} (VNNI).", "Use dtype auto, bfloat16 or float32.")
    return torch_device(replace(device, name="cpu", dtype="float32"))


def _gain(loudest: Tensor, weight: Tensor) -> Tensor | None:
    """What the weights of each input take over of its loudness."""
    typical = loudest.median()
    if not loudest.max() > _LOUD * typical > 0:
        return None
    ratio = loudest.clamp_min(typical / _LOUD) / weight.abs().amax(0).clamp_min(1e-20)
    # Powers of two change no digit, and a rounding elsewhere in what was watched hardly ever changes them.
    return torch.exp2((ratio / ratio.median()).log2().mul(0.5).round())


def _has_units() -> bool:
    """Asked of the processor and never timed, as for half precision. Without VNNI sums of two products would overflow."""
    there = torch.backends.mkldnn.is_available() and all(
        hasattr(torch.ops.onednn, name) for name in ("qlinear_prepack", "qlinear_pointwise")
    )
    return there and bool(getattr(torch.cpu, "_is_vnni_supported", bool)())
