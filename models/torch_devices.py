"""Where models on torch compute, and in which number type."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from models.devices import EIGHT_BITS, Device
from uniir.errors import UsageError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class TorchDevice:
    """A device of torch and the number type of weights and activations."""

    device: torch.device
    dtype: torch.dtype

    @property
    def dtype_name(self) -> str:
        """As in `Device.dtype`; a part of every vector space."""
        return str(self.dtype).removeprefix("torch.")


def torch_device(device: Device, trained_in: str | None = None) -> TorchDevice:
    """What `auto` means here, else what was asked for; sets torch's threads. Raises UsageError for what is not there.

    `trained_in` is a checkpoint's own number type, which a graphics card computes in by itself: most language models leave float16's range.
    """
    torch.set_num_threads(device.threads)
    name = ("cuda" if torch.cuda.is_available() else "cpu") if device.name == "auto" else device.name
    try:
        place = torch.device(name)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"There is no device {name!r} here ({str(error).splitlines()[0]}).", "Use cpu, cuda or auto.") from None
    if device.dtype == "auto":
        return TorchDevice(place, fitting_dtype(place, trained_in))
    if device.dtype == EIGHT_BITS:
        raise UsageError(
            f"Only UniIR's models (CLIP_SF, CLIP_FF, BLIP_SF, BLIP_FF) compute in {EIGHT_BITS}.", f"Use auto, {', '.join(_DTYPES)}."
        )
    if device.dtype not in _DTYPES:
        raise UsageError(f"There is no number type {device.dtype!r}.", f"Use auto, {', '.join(_DTYPES)}.")
    return TorchDevice(place, _DTYPES[device.dtype])


def fitting_dtype(place: torch.device, trained_in: str | None = None) -> torch.dtype:
    """Half precision where there are units for it, so that it is faster and not only smaller."""
    if place.type == "cuda":
        return torch.bfloat16 if trained_in == "bfloat16" else torch.float16
    # Asked of the processor and never timed: the number type is a part of the vector space and must not depend on the moment.
    units = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    if place.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in units):
        return torch.bfloat16
    return torch.float32
