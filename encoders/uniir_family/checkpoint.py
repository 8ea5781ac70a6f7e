"""Reads checkpoints: the authors' training files without running or keeping anything but tensors, and directories of ours."""

from __future__ import annotations

import json
import pickle
import re
import typing
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from encoders.uniir_family.heads import HeadCounts
from models.places import CONFIG, UNIIR_FORMAT
from uniir.errors import ModelUnavailable, UsageError

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

WEIGHTS = "model.safetensors"
_FILES = "Give a .pth file of the authors, or a directory that `uniir models convert` wrote."
_STARTS = (b"PK", b"\x80\x02")  # of torch's files, new and old
_STAND_INS = (
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    *(f"omegaconf.nodes.{kind}Node" for kind in ("Any", "Boolean", "Bytes", "Float", "Integer", "Path", "String")),
    *(f"pathlib.{kind}" for kind in ("Path", "PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")),
    "argparse.Namespace",
    "types.SimpleNamespace",
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Tensors by name, mapped from disk and read when they are used, and what their shapes do not tell."""

    tensors: Mapping[str, Tensor]
    heads: HeadCounts
    file: Path


class _Inert:
    """Stands for a class of the trainer's configuration: takes whatever it is given and keeps none of it."""

    def __init__(self, *given: object, **named: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _dictionary(*_factory: object) -> dict[object, object]:
    """Stands for a defaultdict, which torch does not fill."""
    return {}


def read_checkpoint(path: Path) -> Checkpoint:
    """A `.pth` of the authors, or a directory that `uniir models convert` wrote. Raises UsageError, ModelUnavailable."""
    if path.is_dir():
        return _read_directory(path)
    if not path.is_file():
        raise UsageError(f"There is no checkpoint {path}.", _FILES)
    return Checkpoint(_model_of(_read_pickle(path), path), HeadCounts(), path)


def _read_pickle(path: Path) -> Any:
    """Whatever the file holds, as tensors and plain containers; nothing it names is ever run."""
    # Named here and not imported: the trainer's configuration needs a library that nobody needs to search.
    stand_ins = [(type(name.rpartition(".")[2], (_Inert,), {}), name) for name in _STAND_INS]
    allowed = [*stand_ins, (typing.Any, "typing.Any"), dict, list, int, (_dictionary, "collections.defaultdict")]
    try:
        with path.open("rb") as opened:
            start = opened.read(2)
        if start not in _STARTS:
            raise UsageError(f"{path} is no checkpoint.", _FILES)
        with torch.serialization.safe_globals(allowed):
            # Only the new format can be mapped; of a mapped file, pages that are not touched (the optimizer's) are never read.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except UsageError:
        raise
    except pickle.UnpicklingError as error:
        raise ModelUnavailable(f"{path} is no checkpoint of weights alone: {_refusal(str(error))}. Nothing of it was run.") from None
    except OSError as error:
        raise ModelUnavailable(f"{path} can't be read ({error.strerror or error}).") from None
    # Torch's readers raise whatever damaged bytes provoke; at this edge all of it means one thing.
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(f"{path} is damaged or cut off ({reason}).", "Fetch it again.") from None


def _refusal(message: str) -> str:
    """What a file names that a checkpoint has no need of, out of torch's long explanation."""
    named = re.search(r"GLOBAL:? ([\w.]+)", message)
    return f"it names {named[1]}" if named else "it can't be unpickled"


def _model_of(content: Any, path: Path) -> Mapping[str, Tensor]:
    """The part under `model`, or all of it where somebody saved the model alone."""
    model = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(model, dict) or not model or not all(_is_named_tensor(name, tensor) for name, tensor in model.items()):
        raise ModelUnavailable(f"{path} holds no model: neither tensors by name, nor such tensors under `model`.")
    return model


def _is_named_tensor(name: object, tensor: object) -> bool:
    return isinstance(name, str) and isinstance(tensor, torch.Tensor) and tensor.layout is torch.strided


def _read_directory(path: Path) -> Checkpoint:
    try:
        config = json.loads((path / CONFIG).read_text("utf-8"))
        tensors = load_file(path / WEIGHTS)
    except FileNotFoundError as error:
        raise UsageError(
            f"{path} is no directory of converted weights: it has no {Path(error.filename or WEIGHTS).name}.",
            "`uniir models convert FILE.pth DIRECTORY` writes one.",
        ) from None
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelUnavailable(f"The weights in {path} can't be read ({error}).", "Convert or fetch them again.") from None
    if not isinstance(config, dict) or config.get("format") != UNIIR_FORMAT:
        raise ModelUnavailable(f"{path / CONFIG} is of another format than {UNIIR_FORMAT!r}.", "Convert the checkpoint again.")
    return Checkpoint(tensors, HeadCounts(config.get("vision_heads"), config.get("text_heads")), path)
