"""The four UniIR models (CLIP or BLIP, score fusion or feature fusion), read from the authors' checkpoints and computed on torch.

This module lists and finds them; torch is imported when one is loaded.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from encoders.specs import EncoderSpec, HubFile
from encoders.uniir_family.heads import HeadCounts
from models.devices import Device
from models.places import Located, found, kind_of
from uniir.errors import ModelUnavailable, UsageError
from uniir.protocols import Encoder

if TYPE_CHECKING:
    from encoders.hub import Hub
    from encoders.uniir_family.conversion import Converted

_HUB = "TIGER-Lab/UniIR"
_EARLIER = "e41c575"  # has files that the newest revision no longer has
_FUSIONS = {
    "CLIP_SF": "text and picture vectors of CLIP added up",
    "CLIP_FF": "CLIP's tokens fused by a small transformer",
    "BLIP_SF": "text and picture vectors of BLIP added up",
    "BLIP_FF": "BLIP's text tower looking at the picture",
}


PUBLISHED: Mapping[str, HubFile] = MappingProxyType(
    {
        "clip-sf-large": HubFile(_HUB, "checkpoint/CLIP_SF/clip_sf_large.pth", "main"),
        "blip-ff-large": HubFile(_HUB, "checkpoint/BLIP_FF/blip_ff_large.pth", "main"),
        "clip-sf-base": HubFile(_HUB, "CLIP_SF/clip_sf_base.pth", _EARLIER),
        "clip-ff-base": HubFile(_HUB, "CLIP_FF/clip_ff_base.pth", _EARLIER),
        "blip-sf-base": HubFile(_HUB, "BLIP_SF/blip_sf_base.pth", _EARLIER),
        "blip-ff-base": HubFile(_HUB, "BLIP_FF/blip_ff_base.pth", _EARLIER),
    }
)
"""What the hub has. Large CLIP_FF and BLIP_SF were never seen there, and of the two CLIP base files the folders, but not the names."""


def _row(architecture: str, size: str, dimension: int, megabytes: int, download: str) -> EncoderSpec:
    name = f"{architecture.lower().replace('_', '-')}-{size}"
    file = PUBLISHED.get(name)
    if file is None:
        origin = f"none were found in {_HUB}; a checkpoint of your own by `uniir models convert`"
    else:
        origin = f"{file.repository} on the Hugging Face hub, {file.path} ({download}), by `uniir models pull {name}`"
    return EncoderSpec(
        name=name,
        revision="none" if file is None else file.revision,
        dimension=dimension,
        megabytes=megabytes,
        licence="MIT",
        commercial_use="allowed by the weights' licence; the training data keep terms of their own",
        weights_from=origin,
        summary=f"UniIR {architecture} {size}: {_FUSIONS[architecture]}, trained on M-BEIR to follow instructions.",
        weaknesses=(),
        instead="",
    )


SPECS = (
    _row("CLIP_SF", "large", 768, 1710, "5.1 GB"),
    _row("BLIP_FF", "large", 768, 1783, "7.5 GB"),
    _row("CLIP_FF", "large", 768, 1752, ""),
    _row("BLIP_SF", "large", 768, 1654, ""),
    _row("CLIP_SF", "base", 512, 605, "about 1.8 GB"),
    _row("CLIP_FF", "base", 512, 633, "about 1.9 GB"),
    _row("BLIP_SF", "base", 768, 783, "3.7 GB"),
    _row("BLIP_FF", "base", 768, 895, "3.9 GB"),
)


def located(name: str, models: Path) -> Located | None:
    """A converted directory of this name in `models` or at this path, or a `.pth` file; None for anything else.

    Raises ModelUnavailable for a listed model whose weights are not here.
    """
    listed = any(spec.name == name for spec in SPECS)
    place = Located(name, models / name) if listed else found(name, models)
    if place is not None and (place.path.suffix == ".pth" or kind_of(place.path).library == "uniir"):
        return place
    if not listed:
        return None
    if place is not None and place.path.is_dir():
        raise ModelUnavailable(
            f"{place.path} holds {kind_of(place.path)}, and not {name}.", f"`uniir models pull {name}` needs that place."
        )
    origin = next(spec.weights_from for spec in SPECS if spec.name == name)
    raise ModelUnavailable(
        f"The weights of {name} are not in {models / name}.",
        f"They are from: {origin}. A file that you have goes there by `uniir models convert FILE.pth {models / name}`.",
    )


def load(weights: Located, device: Device) -> Encoder:
    """The model on a device. Raises UsageError for a path that leads nowhere, ModelUnavailable without torch or for unfit weights."""
    with _libraries():
        from encoders.uniir_family.encoder import UniirEncoder
    return UniirEncoder.load(weights.path, weights.name, device)


def pull(name: str, models: Path, hub: Hub, revision: str | None, progress: Callable[[int, int], None]) -> Converted:
    """Fetches a model's checkpoint from the hub, converts it into `models`, and deletes it again.

    Raises UsageError for a model that the hub has not or that is here already, ModelUnavailable, StoreUnavailable.
    """
    if name not in PUBLISHED:
        raise UsageError(f"There is no {name!r} to be pulled.", f"There are {', '.join(PUBLISHED)}.")
    with _libraries():  # before gigabytes are fetched that nothing here could read
        from encoders.uniir_family import conversion
    if (models / name).exists():
        raise UsageError(f"{name} is in {models} already.", f"`uniir models remove {name}` deletes it.")
    file = PUBLISHED[name] if revision is None else replace(PUBLISHED[name], revision=revision)
    fetched, remote = hub.fetch(file, models / f".{name}.fetched", progress)
    done = conversion.convert(fetched, models / name, HeadCounts(), f"{file.repository}@{remote.commit}/{file.path}")
    shutil.rmtree(fetched.parent, ignore_errors=True)
    return done


def convert(source: Path, target: Path, heads: HeadCounts) -> Converted:
    """Writes what a search needs of a checkpoint into a new directory.

    Raises UsageError for a target that is taken or heads that are not known, ModelUnavailable, StoreUnavailable.
    """
    with _libraries():
        from encoders.uniir_family import conversion
    return conversion.convert(source, target, heads, source.name)


def verify(directory: Path) -> str:
    """The SHA-256 of converted weights, read as a whole; raises ModelUnavailable where it is not the one that was written down."""
    with _libraries():
        from encoders.uniir_family import conversion
    return conversion.verify(directory)


@contextmanager
def _libraries() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ModelUnavailable(
            f"The models of UniIR need {error.name}, which is not installed.", "Install `uniir[models]` (docs/models/uniir.md)."
        ) from None
