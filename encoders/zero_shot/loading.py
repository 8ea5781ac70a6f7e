"""Reads what transformers saved in a directory: from there alone, plain tensors alone, and never any code that lies beside them."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from models.loading import read_pretrained
from models.torch_devices import TorchDevice
from uniir.errors import ModelUnavailable

_NAMED = 6  # names an error lists before it counts the rest


def pretrained(kind: Any, directory: Path, on: TorchDevice) -> Any:
    """A model of this class of transformers, ready to compute. Raises ModelUnavailable for weights that are not all there or do not fit."""
    model, misfits = read_pretrained(kind, directory, on)
    lacking = [*misfits.missing, *misfits.misshapen]
    if lacking:
        more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        raise ModelUnavailable(
            f"{directory} is no whole {kind.__name__}: {', '.join(lacking[:_NAMED])}{more} missing or of another shape.",
            "Take a checkpoint that was trained for retrieval.",
        )
    return model.eval().to(on.device)


def tokenizer_in(directory: Path) -> Any:
    """The tokenizer saved there. Raises ModelUnavailable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the library plans to change is no matter of the person's
            return AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except ImportError as error:
        lacking = re.search(r"requires the (\w+) library", str(error))
        name = lacking[1].lower() if lacking else str(error.name)
        raise ModelUnavailable(
            f"The tokenizer in {directory} needs {name}, which is not installed.", f"Run `pip install {name}`."
        ) from None
    # As above: a missing library, a missing file and a damaged one come as anything.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(f"The tokenizer in {directory} can't be read ({reason}).", "Fetch the whole repository.") from None


def image_processor_in(directory: Path, kind: Any) -> Any:
    """The picture processor saved there, in its Pillow form, so that every machine prepares alike. Raises ModelUnavailable."""
    try:
        return kind.from_pretrained(directory, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(f"How {directory} wants its pictures can't be read ({error}).", "Fetch the whole repository.") from None
