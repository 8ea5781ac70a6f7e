"""Which of the four architectures a checkpoint is, told by the names of its tensors, and how each is built."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import torch

from encoders.uniir_family import blip_ff, blip_sf, clip_ff, clip_sf
from encoders.uniir_family.checkpoint import Checkpoint
from encoders.uniir_family.heads import HeadCounts
from encoders.uniir_family.model import Model
from encoders.uniir_family.tensors import Tensors
from models.batching import Batches, batches_for
from models.linear import MakeLayer, linear_layer
from models.torch_devices import TorchDevice
from uniir.errors import ModelUnavailable

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

Build: TypeAlias = Callable[[Tensors, HeadCounts, TorchDevice, Batches], Model]


@dataclass(frozen=True, slots=True)
class Architecture:
    """`ignored` are patterns of names that only training needs."""

    build: Build
    ignored: Sequence[str]


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "CLIP_SF": Architecture(clip_sf.build, clip_sf.IGNORED),
        "CLIP_FF": Architecture(clip_ff.build, clip_ff.IGNORED),
        "BLIP_SF": Architecture(blip_sf.build, blip_sf.IGNORED),
        "BLIP_FF": Architecture(blip_ff.build, blip_ff.IGNORED),
    }
)


@dataclass(frozen=True, slots=True)
class Built:
    """A model, and the names of the tensors it is made of."""

    model: Model
    names: Sequence[str]


def build(checkpoint: Checkpoint, on: TorchDevice, layer: MakeLayer = linear_layer, batches: Batches | None = None) -> Built:
    """The model on a device; `layer` makes the linear layers of its blocks, `batches` are what is good for the device by default.

    Raises ModelUnavailable, naming the tensors that are missing, unknown or misshapen, and UsageError for head counts.
    """
    architecture = ARCHITECTURES[_recognised(checkpoint.tensors)]
    tensors = Tensors(checkpoint.tensors, on.device, on.dtype, layer)
    model = architecture.build(tensors, checkpoint.heads, on, batches or batches_for(on.device))
    tensors.settle(architecture.ignored)
    return Built(model, tuple(tensors.taken))


def digest(tensors: Mapping[str, Tensor], names: Iterable[str], heads: HeadCounts) -> str:
    """64 hexadecimal digits of heads and named tensors, wherever these are stored: a converted checkpoint has its original's."""
    ordered = sorted(names)
    with ThreadPoolExecutor() as pool:
        hashed = pool.map(lambda name: _digest_of(tensors[name]), ordered)
        lines = [f"{heads.vision} {heads.text}", *(f"{name} {one}" for name, one in zip(ordered, hashed, strict=True))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _digest_of(tensor: Tensor) -> str:
    values = tensor.contiguous().reshape(-1).view(torch.uint8).numpy()
    return f"{tensor.dtype} {tuple(tensor.shape)} {hashlib.sha256(values).hexdigest()}"


def _recognised(names: Iterable[str]) -> str:
    prefixes = {name.partition(".")[0] for name in names}
    if "t5_layers" in prefixes:
        return "CLIP_FF"
    if "clip_model" in prefixes:
        return "CLIP_SF"
    if "visual_encoder" in prefixes:
        return "BLIP_FF" if any(name.startswith("text_encoder.pooler.") for name in names) else "BLIP_SF"
    raise ModelUnavailable(
        f"The checkpoint is none of {', '.join(ARCHITECTURES)}: its tensors are called {', '.join(sorted(prefixes)[:4])}.",
        "Give a .pth file as the authors of UniIR publish it.",
    )
