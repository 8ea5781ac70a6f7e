"""Models of the transformers library from a directory: its own classes, safetensors alone, nothing fetched, nothing run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
import transformers

from models.placing import attention_for, placed
from models.torch_devices import TorchDevice
from uniir.errors import ModelUnavailable

if TYPE_CHECKING:
    Module: TypeAlias = torch.nn.Module

_NAMED = 6


def load_pretrained(kind: Any, directory: Path, on: TorchDevice, whole: Collection[str], spare: Collection[str] = ()) -> Module:
    """A model of the class `kind`; tensors whose names end as one of `spare` may be there although the class has no use for them.

    Raises ModelUnavailable that names what is missing, unknown or of another shape: such a tensor would be random.
    """
    quiet = transformers.utils.logging
    before = quiet.get_verbosity()
    quiet.set_verbosity_error()
    quiet.disable_progress_bar()
    try:
        module, told = kind.from_pretrained(
            directory,
            dtype=on.dtype,
            attn_implementation=attention_for(on),
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    # The library raises whatever damaged files provoke; at this edge all of it means one thing.
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(f"The model in {directory} can't be loaded ({reason}).", "Fetch the checkpoint again.") from None
    finally:
        quiet.set_verbosity(before)
    wrong = {
        "lacks": sorted(told["missing_keys"]),
        "has unknown": sorted(name for name in told["unexpected_keys"] if not name.endswith(tuple(spare))),
        "has misshapen": sorted(str(one[0] if isinstance(one, tuple) else one) for one in told["mismatched_keys"]),
    }
    complaints = [
        f"{word} {', '.join(names[:_NAMED])}{' and more' if len(names) > _NAMED else ''}" for word, names in wrong.items() if names
    ]
    if complaints:
        raise ModelUnavailable(f"{directory} does not fit {kind.__name__}: it {' and '.join(complaints)}.")
    return placed(module, on, tuple(whole))


def adapted(module: Module, adapter: Path, on: TorchDevice) -> Module:
    """The model with a LoRA adapter merged into its weights. Raises ModelUnavailable for an adapter that is not there or does not fit."""
    from peft import PeftModel

    try:
        merged = PeftModel.from_pretrained(module, str(adapter), is_trainable=False, local_files_only=True).merge_and_unload()
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(f"The adapter {adapter} can't be put on ({reason}).", "It must have been made for this model.") from None
    return merged.eval().requires_grad_(False).to(on.dtype)
