"""LoRA adapters of the library peft, merged into a model whatever release of transformers they were made with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch

from models.torch_devices import TorchDevice
from models.weights import ADAPTER, read_weights
from uniir.errors import ModelUnavailable

if TYPE_CHECKING:
    Module: TypeAlias = torch.nn.Module
    Tensor: TypeAlias = torch.Tensor

_PREFIX = "base_model.model."
_LEVELS = frozenset({"model", "language_model", "vision_model"})  # which of them a name has depends on class and release
_NAMED = 6
_WAY_OUT = "It must have been made for this model; else merge it into the weights first."


def adapted(module: Module, adapter: Path, on: TorchDevice) -> Module:
    """The model with an adapter merged into its weights. Raises ModelUnavailable for one that is not there or does not wholly fit.

    The library would only warn of tensors that find no place, and go on without them.
    """
    from peft import LoraConfig, PeftConfig, get_peft_model, set_peft_model_state_dict

    weights = read_weights(adapter, ADAPTER)
    tensors = dict(weights.tensors(weights))
    try:
        config = PeftConfig.from_pretrained(str(adapter))
    # A damaged or foreign configuration comes as anything; at this edge all of it means one thing.
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(f"The adapter {adapter} can't be read ({reason}).", _WAY_OUT) from None
    if not isinstance(config, LoraConfig):
        raise ModelUnavailable(f"The adapter {adapter} is no LoRA.", _WAY_OUT)
    placed = _placed(adapter, tensors, module)
    config.target_modules = sorted({name.removeprefix(_PREFIX).partition(".lora_")[0] for name in placed})
    config.task_type = None
    try:
        wrapped = get_peft_model(module, config)
        missing, unknown = set_peft_model_state_dict(wrapped, placed)
        left = [*(name for name in missing if ".lora_" in name), *unknown]
    except (RuntimeError, ValueError) as error:
        raise ModelUnavailable(f"The adapter {adapter} can't be put on ({str(error).partition(chr(10))[0]}).", _WAY_OUT) from None
    if left:
        raise ModelUnavailable(f"The adapter {adapter} does not fit: {_listed(left)}.", _WAY_OUT)
    merged: Module = wrapped.merge_and_unload()
    return merged.eval().requires_grad_(False).to(on.dtype)


def _placed(adapter: Path, tensors: Mapping[str, Tensor], module: Module) -> dict[str, Tensor]:
    """The adapter's tensors under the names that this model's layers have."""
    layers = {_bare(name): name for name, _ in module.named_modules()}
    placed: dict[str, Tensor] = {}
    homeless = []
    for name, tensor in tensors.items():
        layer, lora, rest = name.removeprefix(_PREFIX).partition(".lora_")
        if lora and _bare(layer) in layers:
            placed[f"{_PREFIX}{layers[_bare(layer)]}{lora}{rest}"] = tensor
        else:
            homeless.append(name)
    if homeless or not placed:
        raise ModelUnavailable(f"The adapter {adapter} does not fit: there is no place for {_listed(homeless) or 'nothing'}.", _WAY_OUT)
    return placed


def _bare(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in _LEVELS)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" and more" if len(names) > _NAMED else "")
