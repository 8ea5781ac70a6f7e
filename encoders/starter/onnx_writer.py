"""Writes the few ONNX messages a convolutional tower needs, so that no exporter and no `onnx` package is required at run time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Field numbers are those of onnx.proto (IR version 8, operator set 13).
_IR_VERSION = 8
_OPERATOR_SET = 13
_FLOAT = 1
_INT64 = 7
_ATTRIBUTE_INT = 2
_ATTRIBUTE_INTS = 7

_TYPES = {np.dtype(np.float32): _FLOAT, np.dtype(np.int64): _INT64}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(position: int, value: int) -> bytes:
    return _varint(position << 3) + _varint(value)


def _bytes(position: int, value: bytes) -> bytes:
    return _varint(position << 3 | 2) + _varint(len(value)) + value


def _text(position: int, value: str) -> bytes:
    return _bytes(position, value.encode())


def _attribute(name: str, value: int | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _ATTRIBUTE_INT)
    return _text(1, name) + b"".join(_number(8, element) for element in value) + _number(20, _ATTRIBUTE_INTS)


def _value_info(name: str, shape: Sequence[int | str]) -> bytes:
    dimensions = b"".join(_bytes(1, _text(2, size) if isinstance(size, str) else _number(1, size)) for size in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, _FLOAT) + _bytes(2, dimensions)))


@dataclass(slots=True)
class GraphWriter:
    """Collects nodes and weights of one graph in float32; `n` is the batch dimension's name."""

    nodes: list[bytes] = field(default_factory=list)
    weights: list[bytes] = field(default_factory=list)

    def weight(self, name: str, array: NDArray[np.float32] | NDArray[np.int64]) -> str:
        """Stores an array under a name and returns the name."""
        shape = b"".join(_number(1, size) for size in array.shape)
        kind = _number(2, _TYPES[array.dtype])
        self.weights.append(shape + kind + _text(8, name) + _bytes(9, np.ascontiguousarray(array).tobytes()))
        return name

    def node(self, operator: str, inputs: Iterable[str], output: str, **attributes: int | Sequence[int]) -> str:
        """Adds one operator and returns its output's name."""
        message = b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, operator)
        message += b"".join(_bytes(5, _attribute(name, value)) for name, value in attributes.items())
        self.nodes.append(message)
        return output

    def model(self, inputs: dict[str, Sequence[int | str]], outputs: dict[str, Sequence[int | str]]) -> bytes:
        """The finished ONNX model; inputs and outputs by name with their shapes."""
        graph = b"".join(_bytes(1, node) for node in self.nodes) + _text(2, "tower")
        graph += b"".join(_bytes(5, weight) for weight in self.weights)
        graph += b"".join(_bytes(11, _value_info(name, shape)) for name, shape in inputs.items())
        graph += b"".join(_bytes(12, _value_info(name, shape)) for name, shape in outputs.items())
        return _number(1, _IR_VERSION) + _text(2, "uniir") + _bytes(7, graph) + _bytes(8, _number(2, _OPERATOR_SET))
