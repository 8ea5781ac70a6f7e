"""Turns a training checkpoint, of which a search needs a quarter, into a directory of weights alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from encoders.uniir_family.architectures import Built, build, digest
from encoders.uniir_family.checkpoint import WEIGHTS, Checkpoint, read_checkpoint
from encoders.uniir_family.heads import HeadCounts
from models.places import CONFIG, UNIIR_FORMAT, described
from models.torch_devices import TorchDevice
from uniir.errors import ModelUnavailable, StoreUnavailable, UsageError


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written. `weights` is the SHA-256 that an encoder of either form goes by."""

    architecture: str
    dimension: int
    heads: HeadCounts
    weights: str
    bytes_read: int
    bytes_written: int


def convert(source: Path, target: Path, heads: HeadCounts, origin: str) -> Converted:
    """Writes `model.safetensors` and `config.json` into a new directory, as a whole or not at all; numbers stay as they are.

    `origin` is written down as what they were made of. Head counts that are not given are those of the published configurations.
    Raises UsageError for a target that is taken or heads that are not known, ModelUnavailable, StoreUnavailable.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is taken.", "Name a directory that is new or empty.")
    read = read_checkpoint(source)
    checkpoint = Checkpoint(read.tensors, HeadCounts(heads.vision or read.heads.vision, heads.text or read.heads.text), source)
    built = _fitted(checkpoint)
    weights = digest(checkpoint.tensors, built.names, built.model.heads)
    config = {
        "format": UNIIR_FORMAT,
        "architecture": built.model.architecture,
        "dimension": built.model.dimension,
        "vision_heads": built.model.heads.vision,
        "text_heads": built.model.heads.text,
        "weights_sha256": weights,
        "converted_from": origin,
    }
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        # Cloned: what is stored strided, or inside another tensor's memory, gets memory of its own.
        save_file({name: checkpoint.tensors[name].contiguous().clone() for name in built.names}, part / WEIGHTS)
        (part / CONFIG).write_text(json.dumps(config, indent=2) + "\n", "utf-8")
        part.replace(target)
    except (OSError, SafetensorError) as error:  # the latter is what a full disk is to safetensors
        shutil.rmtree(part, ignore_errors=True)
        reason = getattr(error, "strerror", None) or error
        raise StoreUnavailable(f"{target} can't be written ({reason}).", "Make room, or name another directory.") from None
    return Converted(
        built.model.architecture,
        built.model.dimension,
        built.model.heads,
        weights,
        _size(source),
        (target / WEIGHTS).stat().st_size,
    )


def verify(directory: Path) -> str:
    """The SHA-256 of converted weights; raises ModelUnavailable where it is not the one that was written down, UsageError without any."""
    written = described(directory).get("weights_sha256")
    if written is None:
        raise UsageError(f"There are no converted weights in {directory}.", "`uniir models convert FILE.pth DIRECTORY` writes them.")
    checkpoint = read_checkpoint(directory)
    built = _fitted(checkpoint)
    weights = digest(checkpoint.tensors, built.names, built.model.heads)
    if weights != written:
        raise ModelUnavailable(f"The weights in {directory} are not those that were written there.", "Convert or fetch them again.")
    return weights


def _fitted(checkpoint: Checkpoint) -> Built:
    """Built without any numbers: only that everything is there and fits is found out."""
    return build(checkpoint, TorchDevice(torch.device("meta"), torch.float32))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else (path / WEIGHTS).stat().st_size
