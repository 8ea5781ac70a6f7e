"""The four UniIR models (CLIP or BLIP, score fusion or feature fusion), read from the authors' checkpoints and computed on torch.

This module lists and finds them; torch is imported when one is loaded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from encoders.devices import Device
from encoders.specs import EncoderSpec
from encoders.uniir_family.heads import HeadCounts
from uniir.documents import Json
from uniir.errors import ModelUnavailable, UsageError
from uniir.protocols import Encoder

if TYPE_CHECKING:
    from encoders.uniir_family.conversion import Converted

CONFIG = "config.json"
_HUB = "TIGER-Lab/UniIR"
_EARLIER = "e41c575"  # has files that the newest revision no longer has
_FUSIONS = {
    "CLIP_SF": "text and picture vectors of CLIP added up",
    "CLIP_FF": "CLIP's tokens fused by a small transformer",
    "BLIP_SF": "text and picture vectors of BLIP added up",
    "BLIP_FF": "BLIP's text tower looking at the picture",
}


def _row(architecture: str, size: str, dimension: int, megabytes: int, revision: str, origin: str) -> EncoderSpec:
    return EncoderSpec(
        name=f"{architecture.lower().replace('_', '-')}-{size}",
        revision=revision,
        dimension=dimension,
        megabytes=megabytes,
        licence="MIT",
        commercial_use="allowed by the weights' licence; the training data keep terms of their own",
        weights_from=origin,
        summary=f"UniIR {architecture} {size}: {_FUSIONS[architecture]}, trained on M-BEIR to follow instructions.",
        weaknesses=(),
        instead="",
    )


def _hub(path: str) -> str:
    return f"{_HUB} on the Hugging Face hub, {path}, then `uniir models convert`"


_UNPUBLISHED = f"no file of it was found in {_HUB}; a checkpoint of your own, by `uniir models convert`"

SPECS = (
    _row("CLIP_SF", "large", 768, 1710, "main", _hub("checkpoint/CLIP_SF/clip_sf_large.pth (5.1 GB)")),
    _row("BLIP_FF", "large", 768, 1783, "main", _hub("checkpoint/BLIP_FF/blip_ff_large.pth (7.5 GB)")),
    _row("CLIP_FF", "large", 768, 1752, "none", _UNPUBLISHED),
    _row("BLIP_SF", "large", 768, 1654, "none", _UNPUBLISHED),
    _row("CLIP_SF", "base", 512, 605, _EARLIER, _hub(f"folder CLIP_SF of revision {_EARLIER}")),
    _row("CLIP_FF", "base", 512, 633, _EARLIER, _hub(f"folder CLIP_FF of revision {_EARLIER}")),
    _row("BLIP_SF", "base", 768, 783, _EARLIER, _hub(f"BLIP_SF/blip_sf_base.pth of revision {_EARLIER} (3.7 GB)")),
    _row("BLIP_FF", "base", 768, 895, _EARLIER, _hub(f"BLIP_FF/blip_ff_base.pth of revision {_EARLIER} (3.9 GB)")),
)


def models_directory() -> Path:
    """Where converted weights are kept unless a setting says otherwise: one directory for each model, under its name."""
    return platformdirs.user_data_path("uniir", appauthor=False) / "models"


@dataclass(frozen=True, slots=True)
class Located:
    """Weights on this machine. `name` finds them again, so it is what a collection remembers its encoder by."""

    name: str
    path: Path


def located(name: str, models: Path) -> Located | None:
    """A directory of this name in `models`, else a path; None for a name that is neither.

    Raises ModelUnavailable for a listed model whose weights are not here.
    """
    plain = Path(name).name == name
    if plain and (models / name).is_dir():
        return Located(name, models / name)
    for spec in SPECS:
        if spec.name == name:
            raise ModelUnavailable(
                f"The weights of {name} are not in {models / name}.",
                f"They are from: {spec.weights_from}. Write them there with `uniir models convert FILE.pth {models / name}`.",
            )
    path = Path(name).expanduser()
    if not plain or path.suffix == ".pth" or (path / CONFIG).is_file():
        whole = Path(os.path.abspath(path))
        return Located(str(whole), whole)
    return None


def load(weights: Located, device: Device) -> Encoder:
    """The model on a device. Raises UsageError for a path that leads nowhere, ModelUnavailable without torch or for unfit weights."""
    with _libraries():
        from encoders.uniir_family.encoder import UniirEncoder
    return UniirEncoder.load(weights.path, weights.name, device)


def convert(source: Path, target: Path, heads: HeadCounts) -> Converted:
    """Writes what a search needs of a checkpoint into a new directory.

    Raises UsageError for a target that is taken or heads that are not known, ModelUnavailable, StoreUnavailable.
    """
    with _libraries():
        from encoders.uniir_family import conversion
    return conversion.convert(source, target, heads)


def verify(directory: Path) -> str:
    """The SHA-256 of converted weights, read as a whole; raises ModelUnavailable where it is not the one that was written down."""
    with _libraries():
        from encoders.uniir_family import conversion
    return conversion.verify(directory)


def described(directory: Path) -> dict[str, Json]:
    """What the configuration of converted weights says; raises UsageError where there is none."""
    try:
        said = json.loads((directory / CONFIG).read_text("utf-8"))
    except (OSError, ValueError):
        said = None
    if not isinstance(said, dict):
        raise UsageError(f"There are no converted weights in {directory}.", "`uniir models convert FILE.pth DIRECTORY` writes them.")
    return said


@contextmanager
def _libraries() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ModelUnavailable(
            f"The models of UniIR need {error.name}, which is not installed.", "Install `uniir[models]` (docs/models/uniir.md)."
        ) from None
