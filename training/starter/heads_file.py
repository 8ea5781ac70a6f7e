"""Assembles heads from trained arrays and writes them as the package data that the encoder reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from encoders.starter.heads import Choices, Heads, describe_choices, picture_features
from encoders.starter.weights import ALL
from training.starter.features import PictureFeatures, TextFeatures

PICTURE = 384  # 256 loses up to two points of R@1 between pictures that are almost the same
# Strong components say what kind of picture it is, weak ones which of its kind: dividing by a power of the variance levels them.
_LEVELLING = 0.4


def class_sentences() -> list[str]:
    """`a photo of a ...` for each of ImageNet's classes, in the order of the towers' scores."""
    names = (files("encoders.starter") / "data" / "imagenet_classes.txt").read_text("utf-8").splitlines()
    return [f"a photo of a {name}" for name in names]


def standardisation(pictures: PictureFeatures) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean, and one over (deviation + 0.001), of each feature."""
    features = pictures.features.astype(np.float32)
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    # Through half precision once, so that training sees the numbers that are shipped.
    return mean.astype(np.float16).astype(np.float32), (1 / (deviation + 1e-3)).astype(np.float16).astype(np.float32)


def principal_components(rows: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """[columns, width]: the directions that keep most of the rows' inner products (not centred, so that cosines are what is kept)."""
    _, vectors = np.linalg.eigh(rows.T @ rows)
    return np.ascontiguousarray(vectors[:, ::-1][:, :width].astype(np.float32))


def levelled_components(rows: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """[columns, width]: principal components, each divided by a power of its variance."""
    components = principal_components(rows, width)
    variance = ((rows @ components) ** 2).mean(axis=0)
    return np.asarray(components * np.maximum(variance / variance[0], 1e-6) ** -_LEVELLING, np.float32)


def combine(runs: Sequence[Mapping[str, NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
    """The heads of several runs side by side; `head.mix` is still the identity."""
    sides = ("image.weight", "image.bias", "text.weight", "text.bias", "text.hidden.weight", "text.hidden.bias")
    combined = {name: np.concatenate([run[name] for run in runs], axis=-1) for name in sides}
    combined["text.out.weight"] = np.stack([run["text.out.weight"] for run in runs])
    combined["head.mix"] = np.eye(combined["image.weight"].shape[1], dtype=np.float32)
    return combined


def mixed_down(heads: Heads, pictures: PictureFeatures, texts: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """`head.mix` for combined heads: principal components of training pictures and as many training texts."""
    of_pictures = heads.image_head(pictures.features.astype(np.float32))
    chosen = np.random.default_rng(0).choice(len(texts), min(len(texts), len(of_pictures)), replace=False)
    return principal_components(np.concatenate([of_pictures, heads.text_head(texts[chosen])]), width)


def assemble(choices: Choices, trained: Mapping[str, NDArray[np.float32]], fixed: Mapping[str, NDArray[np.float32]]) -> Heads:
    """Heads in the half precision in which they are shipped."""
    tensors = {name: array.astype(np.float16).astype(np.float32) for name, array in {**trained, **fixed}.items()}
    return Heads(choices, tensors, "")


def fixed_arrays(pictures: PictureFeatures, texts: TextFeatures, width: int) -> dict[str, NDArray[np.float32]]:
    """What is computed, not trained: standardisation, principal components, class vectors."""
    mean, inverse = standardisation(pictures)
    return {
        "image.mean": mean,
        "image.inverse_deviation": inverse,
        "picture.weight": levelled_components(picture_features(pictures.features.astype(np.float32)), width),
        "classes": texts.of(class_sentences()),
    }


def write_heads(heads: Heads, about: Mapping[str, object], folder: Path) -> None:
    """Writes heads.safetensors and heads.json into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data = safetensors.numpy.save({name: np.ascontiguousarray(array.astype(np.float16)) for name, array in sorted(heads.tensors.items())})
    (folder / "heads.safetensors").write_bytes(data)
    described = {
        **about,
        "heads_sha256": hashlib.sha256(data).hexdigest(),
        "towers": [{"package": file.package, "version": file.version, "file": file.path, "sha256": file.sha256} for file in ALL],
        "choices": describe_choices(heads.choices),
    }
    (folder / "heads.json").write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", "utf-8")
