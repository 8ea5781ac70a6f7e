"""What tells two directories of weights apart: digests of tensors, and of everything that says how texts and pictures are prepared."""

from __future__ import annotations

import hashlib
from pathlib import Path

from models.places import ORIGIN
from uniir.errors import ModelUnavailable

_WEIGHTS = ("*.safetensors", "*.bin")
_PREPARING = ("*.json", "*.txt", "*.model", "*.jinja")
_NOT_READ = (ORIGIN, "README.md", "model.safetensors.index.json")


def digest_of_weights(directory: Path) -> str:
    """64 hexadecimal digits of all tensors' files. Raises ModelUnavailable where there are none."""
    files = sorted(file for pattern in _WEIGHTS for file in directory.rglob(pattern))
    if not files:
        raise ModelUnavailable(f"There are no weights in {directory}.", "They are read from model.safetensors.")
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            whole.update(hashlib.file_digest(content, "sha256").digest())
    return whole.hexdigest()


def digest_of_preparing(directory: Path) -> str:
    """12 hexadecimal digits of all configurations and vocabularies."""
    files = sorted(file for pattern in _PREPARING for file in directory.rglob(pattern) if file.name not in _NOT_READ)
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]
