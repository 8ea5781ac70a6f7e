"""Reads a PyTorch state dict in the old pickle format without PyTorch and without running anything it names."""

from __future__ import annotations

import collections
import io
import pickle
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_NUMBER_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(slots=True)
class _Storage:
    """A flat run of numbers; its values stand behind the pickle and are filled in afterwards."""

    dtype: np.dtype[Any]
    values: NDArray[Any] = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor as the file describes it: a window on a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        values = self.storage.values
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        if self.offset < 0 or min(self.strides, default=0) < 0 or last >= max(len(values), 1):
            raise pickle.UnpicklingError("a tensor reaches beyond its storage")
        # The file's tensors are not contiguous: reading them in storage order would scramble the weights without a word.
        window = np.lib.stride_tricks.as_strided(
            values[self.offset :], self.shape, tuple(stride * values.itemsize for stride in self.strides), writeable=False
        )
        return np.ascontiguousarray(window)


def _rebuild_tensor(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _View:
    return _View(storage, offset, shape, strides)


class _Unpickler(pickle.Unpickler):
    """Knows four names and no other."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "collections", "OrderedDict":
                return collections.OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return _rebuild_tensor
            case "torch", ("FloatStorage" | "LongStorage"):
                return _NUMBER_TYPES[name]
        raise pickle.UnpicklingError(f"the file names {module}.{name}, which a state dict has no need of")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _location, _size, view = pid
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError("the file refers to something that is not a storage")
        return self.storages.setdefault(key, _Storage(dtype))


def read_state_dict(data: bytes) -> dict[str, NDArray[Any]]:
    """Names to arrays, contiguous; raises pickle.UnpicklingError for anything but plain tensors."""
    file = io.BytesIO(data)
    if _Unpickler(file).load() != _MAGIC:
        raise pickle.UnpicklingError("not a state dict in the old format")
    for _preamble in ("protocol version", "byte order and sizes"):
        _Unpickler(file).load()
    unpickler = _Unpickler(file)
    tensors = unpickler.load()
    for key in _Unpickler(file).load():
        storage = unpickler.storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        storage.values = np.frombuffer(file.read(count * storage.dtype.itemsize), storage.dtype)
        if len(storage.values) != count:
            raise pickle.UnpicklingError("the file is cut off")
    return {name: tensor.array() for name, tensor in tensors.items()}
