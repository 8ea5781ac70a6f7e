"""Puts a filled module where it computes: one device, or spread over several cards where it does not fit into one."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from accelerate import dispatch_model, infer_auto_device_map

from models.torch_devices import TorchDevice
from uniir.errors import ModelUnavailable

_log = logging.getLogger(__name__)
_SPARE = 0.8  # of a card's free memory; the rest is for activations


def attention_for(on: TorchDevice) -> str:
    """Which implementation of attention computes: PyTorch's fused one everywhere, since it takes any mask."""
    return "sdpa" if on.device.type in {"cpu", "cuda", "mps"} else "eager"


def placed(module: torch.nn.Module, on: TorchDevice, whole: Sequence[str]) -> torch.nn.Module:
    """The module in evaluation mode on its device; classes named in `whole` are never cut in two.

    Raises ModelUnavailable where there is no room for it.
    """
    module.eval().requires_grad_(False)
    size = sum(tensor.numel() * tensor.element_size() for tensor in module.parameters())
    _log.info("%s: %.1f GB in %s, attention %s", type(module).__name__, size / 1e9, on.dtype_name, attention_for(on))
    if on.device.type == "cuda" and torch.cuda.device_count() > 1 and size > _SPARE * torch.cuda.mem_get_info(on.device)[0]:
        memory: dict[int | str, int] = {card: int(_SPARE * torch.cuda.mem_get_info(card)[0]) for card in range(torch.cuda.device_count())}
        spread = infer_auto_device_map(module, max_memory=memory | {"cpu": 0}, no_split_module_classes=list(whole))
        if {"cpu", "disk"} & set(spread.values()):
            raise _too_large(module, size)
        return dispatch_model(module, device_map=spread)
    try:
        return module.to(on.device)
    except torch.OutOfMemoryError:
        raise _too_large(module, size) from None


def _too_large(module: torch.nn.Module, size: int) -> ModelUnavailable:
    return ModelUnavailable(
        f"{type(module).__name__} takes {size / 1e9:.1f} GB, which the graphics memory does not hold.",
        "Take a smaller model, or compute on the processor (setting `device`).",
    )
