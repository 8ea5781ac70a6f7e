"""The trained part of the starter encoder: small heads over frozen towers, and what validation chose for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from encoders.starter.commonness import Crowd
from encoders.starter.image_tower import ARCHITECTURES, HEAD_WIDTH, TowerOutput
from encoders.starter.steering import Layout, Turn, unit
from uniir.documents import Modality
from uniir.errors import ModelUnavailable
from uniir.protocols import Steering

ASKING = {Modality.IMAGE: Modality.TEXT, Modality.TEXT: Modality.IMAGE}  # whose queries make a document common
_TENSORS = "heads.safetensors"
_SETTINGS = "heads.json"
_LAST_BLOCK = np.float32(0.5)  # its share in picture features: it lifts what tells two shots of one thing from two like things
_WAY_OUT = "Install uniir again, or train the heads with `python -m training.starter`."


@dataclass(frozen=True, slots=True)
class Choices:
    """What validation chose.

    Weights of the blocks in a document, height of the axes, turns of queries, and where an instruction goes in front of the text.
    """

    layout: Layout
    image_weights: tuple[float, float, float]
    text_weights: tuple[float, float, float]
    axis_height: float
    top_classes: int
    turns: Mapping[Steering, Turn]
    prefixed: frozenset[Steering]


@dataclass(frozen=True, slots=True)
class Heads:
    """Projections from tower outputs to content, in NumPy. `digest` is over both files. Safe to use from several threads."""

    choices: Choices
    tensors: Mapping[str, NDArray[np.float32]]
    digest: str

    def image_content(self, outputs: tuple[TowerOutput, ...]) -> NDArray[np.float32]:
        """[n, content] of unit length from the image towers' outputs, in the towers' order."""
        features = np.hstack([part for output in outputs for part in (output.head, output.last_block)])
        logits = np.mean([output.logits for output in outputs], axis=0)
        return self._join((self.image_head(features), self.class_vectors(logits), self.picture(features)), self.choices.image_weights)

    def text_content(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n, content] of unit length from MiniLM's unit vectors."""
        nothing = np.zeros((len(vectors), self.choices.layout.picture), np.float32)
        return self._join((self.text_head(vectors), vectors, nothing), self.choices.text_weights)

    def commonness(self, content: NDArray[np.float32], modalities: Sequence[Modality]) -> NDArray[np.float32]:
        """[n]: how near each document lies to queries of the other modality, zero on average; pairs have none."""
        common = np.zeros(len(content), np.float32)
        for modality, asking in ASKING.items():
            chosen = [number for number, one in enumerate(modalities) if one is modality]
            if chosen:
                common[chosen] = self.crowd(asking).commonness(content[chosen])
        return common

    def crowd(self, asking: Modality) -> Crowd:
        """Queries of this modality as they ask for the other one."""
        return Crowd(*(self.tensors[name] for name in crowd_names(asking)))

    def image_head(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The trained shared space, from tower features [n, 3232]."""
        return self._mixed(self._standardised(features) @ self.tensors["image.weight"] + self.tensors["image.bias"])

    def text_head(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The trained shared space, from MiniLM's unit vectors [n, 384]."""
        given = np.asarray(vectors * np.sqrt(vectors.shape[1]), np.float32)
        hidden = gelu(given @ self.tensors["text.hidden.weight"] + self.tensors["text.hidden.bias"])
        outputs = self.tensors["text.out.weight"]  # [runs, hidden, width]
        added = np.hstack([part @ output for part, output in zip(np.split(hidden, len(outputs), axis=1), outputs, strict=True)])
        return self._mixed(given @ self.tensors["text.weight"] + self.tensors["text.bias"] + added)

    def _mixed(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The heads of several training runs side by side, each of unit length, brought back to the width of one."""
        mix = self.tensors["head.mix"]  # [runs * width of one, width]
        runs = len(self.tensors["text.out.weight"])
        return unit(unit(rows.reshape(len(rows), runs, -1)).reshape(len(rows), -1) @ mix)

    def class_vectors(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """ImageNet's vocabulary as a point in MiniLM's space: the likeliest classes' names, weighted by probability."""
        top = np.argpartition(-logits, self.choices.top_classes - 1, axis=1)[:, : self.choices.top_classes]
        scores = np.take_along_axis(logits, top, axis=1)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        names = self.tensors["classes"][top]
        return unit(np.einsum("nk,nkd->nd", weights / weights.sum(axis=1, keepdims=True), names).astype(np.float32))

    def picture(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Untrained picture features, for image to image: principal components of what the towers give."""
        return unit(picture_features(features) @ self.tensors["picture.weight"])

    def _standardised(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return (features - self.tensors["image.mean"]) * self.tensors["image.inverse_deviation"]

    def _join(self, blocks: tuple[NDArray[np.float32], ...], weights: tuple[float, float, float]) -> NDArray[np.float32]:
        return unit(np.hstack([block * np.float32(weight) for block, weight in zip(blocks, weights, strict=True)]))


def head_features(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Both towers' pooled head features, each of unit length, [n, 2560], from tower features [n, 3232]."""
    heads, start = [], 0
    for architecture in ARCHITECTURES:
        heads.append(unit(features[:, start : start + HEAD_WIDTH]))
        start += HEAD_WIDTH + architecture.last_block
    return unit(np.hstack(heads))


def picture_features(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The head features, of unit length, beside each tower's last block at half of that, [n, 3232] from [n, 3232]."""
    middles, start = [], 0
    for architecture in ARCHITECTURES:
        end = start + HEAD_WIDTH + architecture.last_block
        middles.append(unit(features[:, start + HEAD_WIDTH : end]) * _LAST_BLOCK)
        start = end
    return unit(np.hstack([head_features(features), *middles]))


def gelu(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The tanh form, which needs nothing but NumPy; the heads are trained with the same form."""
    inner = np.float32(np.sqrt(2 / np.pi)) * (values + np.float32(0.044715) * values**3)
    return np.asarray(np.float32(0.5) * values * (1 + np.tanh(inner)), np.float32)


def crowd_names(asking: Modality) -> tuple[str, str]:
    """The names of a crowd's two arrays."""
    return f"crowd.{asking}.centres", f"crowd.{asking}.log_shares"


def load_heads() -> Heads:
    """The heads that came with the package; raises ModelUnavailable where they are missing or do not belong together."""
    folder = files("encoders.starter") / "data"
    try:
        tensors = (folder / _TENSORS).read_bytes()
        settings = (folder / _SETTINGS).read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"The starter encoder's heads are missing ({error}).", _WAY_OUT) from None
    described = json.loads(settings)
    if described["heads_sha256"] != hashlib.sha256(tensors).hexdigest():
        raise ModelUnavailable(f"{_TENSORS} and {_SETTINGS} of the starter encoder do not belong together.", _WAY_OUT)
    arrays = {name: array.astype(np.float32) for name, array in safetensors.numpy.load(tensors).items()}
    # Only what changes a vector counts: a new sentence in the settings must not make every collection stale.
    identity = tensors + json.dumps(described["choices"], sort_keys=True).encode()
    return Heads(parse_choices(described["choices"]), arrays, hashlib.sha256(identity).hexdigest())


def parse_choices(described: Mapping[str, Any]) -> Choices:
    """Choices from their JSON form, which `describe_choices` writes."""
    return Choices(
        layout=Layout(**described["layout"]),
        image_weights=_three(described["image_weights"]),
        text_weights=_three(described["text_weights"]),
        axis_height=float(described["axis_height"]),
        top_classes=int(described["top_classes"]),
        turns={_steering(row): Turn(_three(row["scales"]), _three(row["axes"]), float(row["uncommon"])) for row in described["turns"]},
        prefixed=frozenset(_steering(row) for row in described["instruction_in_front"]),
    )


def describe_choices(choices: Choices) -> dict[str, object]:
    """Choices as JSON values."""
    layout = choices.layout
    return {
        "layout": {"head": layout.head, "vocabulary": layout.vocabulary, "picture": layout.picture},
        "image_weights": list(choices.image_weights),
        "text_weights": list(choices.text_weights),
        "axis_height": choices.axis_height,
        "top_classes": choices.top_classes,
        "turns": [
            {**_described(steering), "scales": list(turn.scales), "axes": list(turn.axes), "uncommon": turn.uncommon}
            for steering, turn in choices.turns.items()
        ],
        "instruction_in_front": [_described(steering) for steering in sorted(choices.prefixed, key=str)],
    }


def _described(steering: Steering) -> dict[str, object]:
    return {"query": str(steering.query), "target": None if steering.target is None else str(steering.target)}


def _steering(row: Mapping[str, Any]) -> Steering:
    return Steering(Modality(row["query"]), None if row["target"] is None else Modality(row["target"]))


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    first, second, third = values
    return (float(first), float(second), float(third))
