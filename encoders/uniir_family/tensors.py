"""A model's tensors taken by name and shape, so that whatever is missing, misshapen or left over can be told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch.nn import functional

from models.linear import LinearLayer, MakeLayer, linear_layer
from uniir.errors import ModelUnavailable

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

_NAMED = 6  # names an error lists before it counts the rest


@dataclass(slots=True)
class Tensors:
    """Hands tensors out on their device and in their number type, and keeps the account. One for each loading.

    `layer` makes the linear layers of the blocks, where most of the time goes; those before and after them are always plain.
    """

    given: Mapping[str, Tensor]
    device: torch.device
    dtype: torch.dtype
    layer: MakeLayer = linear_layer
    taken: dict[str, None] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    misshapen: list[str] = field(default_factory=list)

    def shape(self, name: str) -> tuple[int, ...]:
        """Raises ModelUnavailable where the tensor that tells the size is not there."""
        if name not in self.given:
            raise ModelUnavailable(f"The checkpoint lacks {name}, which tells the model's size.")
        return tuple(self.given[name].shape)

    def layers(self, prefix: str) -> int:
        """How many numbered layers there are below a prefix that ends in a dot; at least one, whose absence `settle` reports."""
        numbered = re.compile(re.escape(prefix) + r"(\d+)\.")
        return 1 + max((int(found[1]) for name in self.given if (found := numbered.match(name))), default=0)

    def take(self, name: str, *shape: int, factor: float = 1.0) -> Tensor:
        """The tensor in the device's number type; an empty stand-in where it is missing, which `settle` reports."""
        self.taken[name] = None
        tensor = self.given.get(name)
        if tensor is None:
            self.missing.append(name)
        elif tuple(tensor.shape) != shape:
            self.misshapen.append(f"{name} {tuple(tensor.shape)} instead of {shape}")
        else:
            # Multiplied before it is rounded to the number type, not after.
            exact = tensor if factor == 1.0 else tensor.float() * factor
            return exact.to(self.device, self.dtype).contiguous()
        return torch.empty(shape, device="meta", dtype=self.dtype)

    def linear(self, name: str, inputs: int, outputs: int) -> LinearLayer:
        """A block's layer with `.weight` and `.bias`."""
        return self.layer(self.take(f"{name}.weight", outputs, inputs), self.take(f"{name}.bias", outputs))

    def head(self, name: str, inputs: int, outputs: int) -> LinearLayer:
        """A layer with `.weight` and `.bias` after the blocks."""
        return linear_layer(self.take(f"{name}.weight", outputs, inputs), self.take(f"{name}.bias", outputs))

    def norm(self, name: str, width: int, epsilon: float) -> Norm:
        return Norm(self.take(f"{name}.weight", width), self.take(f"{name}.bias", width), epsilon)

    def settle(self, ignored: Sequence[str]) -> None:
        """Raises ModelUnavailable unless every tensor was taken or matches one of the `ignored` patterns, and all fit."""
        pattern = re.compile("|".join(ignored) or "(?!)")
        unknown = [name for name in self.given if name not in self.taken and not pattern.fullmatch(name)]
        problems = [
            f"{what} {_listed(names)}"
            for what, names in (("missing:", self.missing), ("unknown:", unknown), ("of another shape:", self.misshapen))
            if names
        ]
        if problems:
            raise ModelUnavailable(f"The checkpoint does not fit the model it looks like; {'; '.join(problems)}.")


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation over the last dimension."""

    weight: Tensor
    bias: Tensor
    epsilon: float

    def __call__(self, states: Tensor) -> Tensor:
        return functional.layer_norm(states, self.weight.shape, self.weight, self.bias, self.epsilon)


def split_heads(states: Tensor, heads: int) -> Tensor:
    """[batch, length, width] to [batch, heads, length, width / heads]."""
    batch, length, width = states.shape
    return states.view(batch, length, heads, width // heads).transpose(1, 2)


def joined_heads(states: Tensor) -> Tensor:
    """The way back."""
    batch, heads, length, width = states.shape
    return states.transpose(1, 2).reshape(batch, length, heads * width)


def patches(pixels: Tensor, side: int) -> Tensor:
    """[batch, 3, height, width] to [batch, patches, 3 * side * side]: a strided convolution becomes one matrix product."""
    batch, channels, height, width = pixels.shape
    grid = pixels.view(batch, channels, height // side, side, width // side, side)
    return grid.permute(0, 2, 4, 1, 3, 5).reshape(batch, (height // side) * (width // side), channels * side * side)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
