"""How a query turns towards a modality: each block of its content rescaled, then a push along the modality axes.

Every document carries a one-hot axis for its modality, so that a query that leans on an axis adds the same amount to the score of every
document of that modality: an instruction or a target steers inside one inner product, in any vector store.
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


@dataclass(frozen=True, slots=True)
class Layout:
    """The blocks of a vector, in order: trained head, MiniLM's space, picture features, and one axis per modality."""

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
        return self.content + len(MODALITIES)

    def spread(self, scales: Sequence[float]) -> NDArray[np.float32]:
        """One number per block, repeated over the block: [content]."""
        return np.repeat(np.asarray(scales, np.float32), self.blocks)


@dataclass(frozen=True, slots=True)
class Turn:
    """`scales` multiply the blocks of the content; `axes` are added to the cosine for image, text and pair documents."""

    scales: tuple[float, float, float]
    axes: tuple[float, float, float]


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


def with_axis(content: NDArray[np.float32], modalities: Sequence[Modality], height: float) -> NDArray[np.float32]:
    """Document vectors: unit content beside the one-hot axis of each document's modality, unit length again."""
    axes = np.zeros((len(content), len(MODALITIES)), np.float32)
    axes[np.arange(len(content)), [MODALITIES.index(modality) for modality in modalities]] = height
    return unit(np.hstack([content, axes]))


def turn(
    vectors: NDArray[np.float32], steering: Sequence[Steering], layout: Layout, turns: Mapping[Steering, Turn], height: float
) -> NDArray[np.float32]:
    """Query vectors turned as their steering asks, unit length; what stood on the axes is dropped."""
    rows = [turns[one] for one in steering]
    if not rows:
        return np.empty((0, layout.dimension), np.float32)
    scales = np.stack([layout.spread(row.scales) for row in rows])
    axes = np.array([row.axes for row in rows], np.float32) / height
    return unit(np.hstack([unit(vectors[:, : layout.content] * scales), axes]))
