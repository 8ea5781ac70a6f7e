"""Towers run once: features of every picture and text of the training data, cached in a folder that git ignores."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.starter.image_tower import ARCHITECTURES, ImageTower, squash
from encoders.starter.text_tower import TextTower, load_tokenizer
from models.devices import Device
from uniir.documents import ImageReference
from uniir.images import FileImages

_BLOCK = 256  # pictures decoded before the towers run; bounds memory


class View(StrEnum):
    """How a picture is shown to the towers."""

    STRAIGHT = "straight"
    MIRRORED = "mirrored"


@dataclass(frozen=True, slots=True)
class PictureFeatures:
    """Rows by picture path: tower features [n, 3232] and the towers' mean class scores [n, 1000]."""

    row: dict[str, int]
    features: NDArray[np.float16]
    logits: NDArray[np.float16]

    @classmethod
    def joined(cls, parts: Sequence[PictureFeatures]) -> PictureFeatures:
        """Several sets as one."""
        row: dict[str, int] = {}
        for part in parts:
            start = len(row)
            row |= {path: start + number for path, number in part.row.items()}
        return cls(row, np.concatenate([part.features for part in parts]), np.concatenate([part.logits for part in parts]))


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """Rows by text: MiniLM's unit vectors [n, 384]."""

    row: dict[str, int]
    vectors: NDArray[np.float32]

    def of(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """One row per text, in order."""
        return self.vectors[[self.row[text] for text in texts]]


def extract_pictures(archives: Path, destination: Path) -> Path:
    """Unpacks the training pictures' zips once and returns the root that image paths are relative to."""
    for archive in sorted(archives.glob("*.zip")):
        done = destination / f"{archive.stem}.done"
        if not done.exists():
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(destination)
            done.touch()
    return destination


def picture_features(root: Path, paths: Sequence[str], *, view: View, cache: Path, device: Device) -> PictureFeatures:
    """Features of `root/path` for every path; read from the cache where the same list was asked for before."""
    ordered = sorted(set(paths))
    row = {path: number for number, path in enumerate(ordered)}
    file = cache / f"pictures-{_digest([view, *ordered])}.npz"
    if file.exists():
        with np.load(file) as stored:
            return PictureFeatures(row, stored["features"], stored["logits"])
    towers = [ImageTower(architecture, device) for architecture in ARCHITECTURES]
    images = FileImages()

    def pixels(path: str) -> list[NDArray[np.uint8]]:
        image = images.upright(ImageReference(root / path))
        turned = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if view is View.MIRRORED else image
        return [squash(turned, architecture.side) for architecture in ARCHITECTURES]

    features, logits = [], []
    with ThreadPoolExecutor(device.threads) as pool:
        for start in range(0, len(ordered), _BLOCK):
            block = list(pool.map(pixels, ordered[start : start + _BLOCK]))
            outputs = [tower.run([one[number] for one in block]) for number, tower in enumerate(towers)]
            features.append(np.hstack([part for output in outputs for part in (output.head, output.last_block)]).astype(np.float16))
            logits.append(np.mean([output.logits for output in outputs], axis=0).astype(np.float16))
    result = PictureFeatures(row, np.concatenate(features), np.concatenate(logits))
    np.savez(file, features=result.features, logits=result.logits)
    return result


def text_features(texts: Iterable[str], *, cache: Path, device: Device) -> TextFeatures:
    """MiniLM vectors of every text; only texts that no earlier run has seen are encoded."""
    wanted = sorted(set(texts))
    file = cache / "texts.npz"
    known: dict[str, int] = {}
    vectors = np.empty((0, 384), np.float32)
    if file.exists():
        with np.load(file) as stored:
            known = {key: number for number, key in enumerate(stored["keys"].tolist())}
            vectors = stored["vectors"]
    keys = [_digest([text]) for text in wanted]
    missing = [number for number, key in enumerate(keys) if key not in known]
    if missing:
        tokenizer, tower = load_tokenizer(), TextTower(device)
        encoded = tower.run([entry.ids for entry in tokenizer.encode_batch([wanted[number] for number in missing])])
        known |= {keys[number]: len(vectors) + position for position, number in enumerate(missing)}
        vectors = np.concatenate([vectors, encoded])
        np.savez(file, keys=np.array(list(known)), vectors=vectors)
    return TextFeatures({text: known[key] for text, key in zip(wanted, keys, strict=True)}, vectors)


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]
