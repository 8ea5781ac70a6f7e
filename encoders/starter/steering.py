"""How a query turns towards a modality: each block of its content rescaled, then a push along the modality axes.

Every document carries a one-hot axis for its modality, so that a query that leans on an axis adds the same amount to the score of every
document of that modality: an instruction or a target steers inside one inner product, in any vector store. Two more axes hold how
common a document is (`encoders.starter.commonness`), so that a query can weigh that down in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniir.documents import Modality
from uniir.protocols import Steering

_NEGLIGIBLE = 1e-12
MODALITIES = (Modality.IMAGE, Modality.TEXT, Modality.IMAGE_TEXT)
_AXES = len(MODALITIES) + 2
# Commonness is a direction of fixed length in a plane: were it a number on one axis, it would change the lengths of documents, and with
# them the scores of searches that do not ask for it. It is seldom farther than 0.1 from its mean.
_COMMONNESS_HEIGHT = 2.0
_COMMONNESS_LENGTH = 0.4


@dataclass(frozen=True, slots=True)
class Layout:
    """The blocks of a vector, in order: trained head, MiniLM's space, picture features, one axis per modality, and two for commonness."""

    head: int
    vocabulary: int
    picture: int

    @property
    def blocks(self) -> tuple[int, int, int]:
        return (self.head, self.vocabulary, self.picture)

    @property
    def content(self) -> int:
        """How many numbers stand before the axes."""
        return sum(self.blocks)

    @property
    def dimension(self) -> int:
        return self.content + _AXES

    def spread(self, scales: Sequence[float]) -> NDArray[np.float32]:
        """One number per block, repeated over the block: [content]."""
        return np.repeat(np.asarray(scales, np.float32), self.blocks)


@dataclass(frozen=True, slots=True)
class Turn:
    """How a query turns.

    `scales` multiply the blocks of the content; `axes` are added to the cosine for image, text and pair documents; a document's
    commonness times `uncommon` is taken off.
    """

    scales: tuple[float, float, float]
    axes: tuple[float, float, float]
    uncommon: float = 0.0


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length one; rows of zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)


def balanced(content: NDArray[np.float32], layout: Layout, weights: Sequence[float]) -> NDArray[np.float32]:
    """Documents of two parts: every block of their sum at its own length again, so that none depends on how well the others agree."""
    blocks = np.split(content, np.cumsum(layout.blocks)[:-1], axis=1)
    return unit(np.hstack([unit(block) * np.float32(weight) for block, weight in zip(blocks, weights, strict=True)]))


def scales_between(content: NDArray[np.float32], vector: NDArray[np.float32], layout: Layout) -> Sequence[float]:
    """What each block of a content was multiplied by to become that of a vector, its axes aside; 0 for a block of zeros."""
    cuts = np.cumsum(layout.blocks)
    blocks = zip(np.split(content, cuts[:-1]), np.split(vector, cuts)[:-1], strict=True)
    return [float(after @ before) / max(float(before @ before), _NEGLIGIBLE) for before, after in blocks]


def with_axis(
    content: NDArray[np.float32], modalities: Sequence[Modality], height: float, commonness: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Document vectors: unit content beside the one-hot axis of each document's modality and its commonness, unit length again."""
    axes = np.zeros((len(content), _AXES), np.float32)
    axes[np.arange(len(content)), [MODALITIES.index(modality) for modality in modalities]] = height
    common = np.clip(_COMMONNESS_HEIGHT * commonness, -_COMMONNESS_LENGTH, _COMMONNESS_LENGTH)
    axes[:, -2:] = np.stack([common, np.sqrt(_COMMONNESS_LENGTH**2 - common**2)], axis=1)
    return unit(np.hstack([content, axes]))


def turn(
    vectors: NDArray[np.float32], steering: Sequence[Steering], layout: Layout, turns: Mapping[Steering, Turn], height: float
) -> NDArray[np.float32]:
    """Query vectors turned as their steering asks, unit length; what stood on the axes is dropped."""
    rows = [turns[one] for one in steering]
    if not rows:
        return np.empty((0, layout.dimension), np.float32)
    scales = np.stack([layout.spread(row.scales) for row in rows])
    modalities = np.array([row.axes for row in rows], np.float32) / height
    commonness = np.array([[row.uncommon, 0] for row in rows], np.float32) / -_COMMONNESS_HEIGHT
    axes = np.hstack([modalities, commonness])
    return unit(np.hstack([unit(vectors[:, : layout.content] * scales), axes]))
