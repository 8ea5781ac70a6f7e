"""Models of the transformers library from a directory: its own classes, safetensors alone, nothing fetched, nothing run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Misfits:
    """Tensors by name that would be random, or have no place, in the module they were read for."""

    missing: Sequence[str]
    unknown: Sequence[str]
    misshapen: Sequence[str]


def read_pretrained(kind: Any, directory: Path, on: TorchDevice, attention: str | None = None) -> tuple[Any, Misfits]:
    """A model of the class `kind` on the processor, and what did not fit. Nothing is said meanwhile. Raises ModelUnavailable."""
    told = transformers.utils.logging
    before = told.get_verbosity()
    told.set_verbosity_error()
    told.disable_progress_bar()
    try:
        module, found = kind.from_pretrained(
            directory,
            dtype=on.dtype,
            attn_implementation=attention,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    # The library raises whatever a damaged or foreign file provokes; at this edge all of it means one thing.
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(f"The weights in {directory} can't be read ({reason}).", "Fetch them again, as safetensors.") from None
    finally:
        told.set_verbosity(before)
    misshapen = sorted(str(one[0] if isinstance(one, tuple) else one) for one in found["mismatched_keys"])
    return module, Misfits(sorted(found["missing_keys"]), sorted(found["unexpected_keys"]), misshapen)


def load_pretrained(kind: Any, directory: Path, on: TorchDevice, whole: Collection[str], spare: Collection[str] = ()) -> Module:
    """A model where it computes; tensors whose names end as one of `spare` may be there although the class has no use for them.

    Raises ModelUnavailable that names what is missing, unknown or of another shape.
    """
    module, misfits = read_pretrained(kind, directory, on, attention_for(on))
    wrong = {
        "lacks": misfits.missing,
        "has unknown": [name for name in misfits.unknown if not name.endswith(tuple(spare))],
        "has misshapen": misfits.misshapen,
    }
    complaints = [
        f"{word} {', '.join(names[:_NAMED])}{' and more' if len(names) > _NAMED else ''}" for word, names in wrong.items() if names
    ]
    if complaints:
        raise ModelUnavailable(f"{directory} does not fit {kind.__name__}: it {' and '.join(complaints)}.")
    return placed(module, on, tuple(whole))
