"""Weights of a checkpoint in safetensors, put into a module tensor by tensor, with an account of what is missing or left over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from accelerate import init_empty_weights
from safetensors import SafetensorError, safe_open

from uniir.errors import ModelUnavailable, UsageError

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
ADAPTER = "adapter_model.safetensors"
_NAMED = 6  # names an error lists before it counts the rest
_SAMPLES = 64  # places in each tensor that its digest reads
_SAMPLE = 1024  # numbers at each place


@dataclass(frozen=True, slots=True)
class Weights:
    """Which file holds which tensor. Nothing is read before it is asked for."""

    directory: Path
    files: Mapping[str, str]

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def tensors(self, names: Iterable[str]) -> Iterator[tuple[str, Tensor]]:
        """Name and tensor, file by file. Raises ModelUnavailable."""
        by_file: dict[str, list[str]] = {}
        for name in names:
            by_file.setdefault(self.files[name], []).append(name)
        for file, wanted in by_file.items():
            with self._reading(file), safe_open(self.directory / file, framework="pt") as opened:
                for name in wanted:
                    yield name, opened.get_tensor(name)

    def shape(self, name: str) -> tuple[int, ...]:
        """Raises ModelUnavailable where the tensor that tells a size is not there."""
        if name not in self.files:
            raise ModelUnavailable(f"{self.directory} lacks {name}, which tells the model's size.")
        with self._reading(self.files[name]), safe_open(self.directory / self.files[name], framework="pt") as opened:
            return tuple(opened.get_slice(name).get_shape())

    def digest(self) -> str:
        """A hash over names, types, shapes and samples from all over every tensor: another training can't keep it, and it takes seconds."""
        whole = hashlib.sha256()
        for name, tensor in self.tensors(sorted(self.files)):
            whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            flat = tensor.flatten()
            step = max(_SAMPLE, flat.numel() // _SAMPLES)
            for start in range(0, flat.numel(), step):
                whole.update(flat[start : start + _SAMPLE].contiguous().view(torch.uint8).numpy().tobytes())
        return whole.hexdigest()

    @contextmanager
    def _reading(self, file: str) -> Iterator[None]:
        try:
            yield
        except (OSError, SafetensorError) as error:
            raise ModelUnavailable(f"The weights {self.directory / file} can't be read ({error}).", "Fetch them again.") from None


def read_weights(directory: Path, single: str = SINGLE) -> Weights:
    """What a directory holds in safetensors, in the file `single` or in several with an index. Raises ModelUnavailable."""
    if (directory / INDEX).is_file():
        try:
            listed = json.loads((directory / INDEX).read_text("utf-8"))["weight_map"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelUnavailable(f"{directory / INDEX} can't be read ({error}).", "Fetch it again.") from None
        absent = sorted(file for file in set(listed.values()) if Path(file).name != file or not (directory / file).is_file())
        if absent:
            raise ModelUnavailable(f"{directory} lacks {', '.join(absent)}, which its index names.", "Fetch the checkpoint again.")
        return Weights(directory, listed)
    if not (directory / single).is_file():
        raise ModelUnavailable(
            f"{directory} has no {single}, and no {INDEX}.", "Only safetensors are read: fetch a checkpoint that has them."
        )
    try:
        with safe_open(directory / single, framework="pt") as opened:
            return Weights(directory, dict.fromkeys(opened.keys(), single))
    except (OSError, SafetensorError) as error:
        raise ModelUnavailable(f"The weights {directory / single} can't be read ({error}).", "Fetch them again.") from None


def digest_of(directory: Path, adapter: Path | None = None) -> str:
    """The digest of a checkpoint, or of it with a LoRA adapter on it. Raises ModelUnavailable."""
    whole = read_weights(directory).digest()
    if adapter is None:
        return whole
    return hashlib.sha256(f"{whole}+{read_weights(adapter, ADAPTER).digest()}".encode()).hexdigest()


def read_config(directory: Path) -> dict[str, Any]:
    """The checkpoint's config.json. Raises UsageError where there is none, ModelUnavailable where it is none."""
    try:
        config = json.loads((directory / CONFIG).read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{directory} is no checkpoint: it has no {CONFIG}.", "Give the directory that holds it.") from None
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{directory / CONFIG} can't be read ({error}).", "Fetch it again.") from None
    if not isinstance(config, dict):
        raise ModelUnavailable(f"{directory / CONFIG} holds no configuration.", "Fetch it again.")
    return config


def trained_in(directory: Path) -> str | None:
    """The number type that a checkpoint's configuration names, wherever the release that wrote it put it. Raises as `read_config`."""
    config = read_config(directory)
    parts = [config, *(config[name] for name in ("text_config", "vision_config") if isinstance(config.get(name), dict))]
    told = (part.get(name) for part in parts for name in ("dtype", "torch_dtype"))
    return next((str(one) for one in told if one), None)


def read_picture_settings(directory: Path) -> dict[str, Any]:
    """What a checkpoint says of its pictures, in the file of older or of newer releases. Raises ModelUnavailable."""
    for name, part in (("preprocessor_config.json", None), ("processor_config.json", "image_processor")):
        file = directory / name
        if file.is_file():
            try:
                told = json.loads(file.read_text("utf-8"))
            except (OSError, ValueError) as error:
                raise ModelUnavailable(f"{file} can't be read ({error}).", "Fetch the checkpoint again.") from None
            return dict(told.get(part, {}) if part else told)
    return {}


def empty(build: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    """A module whose parameters take no memory yet; its buffers are real."""
    with init_empty_weights(include_buffers=False):
        return build()


def fill(module: torch.nn.Module, weights: Weights, renamed: Callable[[str], str | None], dtype: torch.dtype) -> None:
    """Puts every tensor of a checkpoint where `renamed` says, None for one to leave out.

    Raises ModelUnavailable that names tensors which are missing, of another shape, or unknown.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    places = {name: place for name in weights if (place := renamed(name)) is not None}
    unknown = sorted(name for name, place in places.items() if place not in wanted)
    missing = sorted(wanted.keys() - set(places.values()))
    misshapen: list[str] = []
    state: dict[str, Tensor] = {}
    for name, tensor in weights.tensors(name for name in places if name not in unknown):
        place = places[name]
        if tuple(tensor.shape) == wanted[place]:
            state[place] = tensor.to(dtype)
        else:
            misshapen.append(f"{name} {tuple(tensor.shape)} instead of {wanted[place]}")
    complaints = [
        _listed(word, names) for word, names in (("lacks", missing), ("has unknown", unknown), ("has misshapen", misshapen)) if names
    ]
    if complaints:
        raise ModelUnavailable(f"{weights.directory} does not fit the architecture: it {' and '.join(complaints)}.")
    module.load_state_dict(state, assign=True)


def _listed(word: str, names: list[str]) -> str:
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{word} {', '.join(names[:_NAMED])}{rest}"
