"""What the four architectures have in common for the encoder, and the two ways in which they put texts and pictures together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

import torch

from encoders.uniir_family.heads import HeadCounts
from encoders.uniir_family.inputs import Item
from encoders.uniir_family.reading import Reading

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor


class Model(Protocol):
    """Computes items. Not safe to call from several threads."""

    @property
    def architecture(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def heads(self) -> HeadCounts:
        """As they are, known or given."""
        ...

    @property
    def adds_parts(self) -> bool:
        """Whether texts and pictures are added up (score fusion), so that each can have a weight of its own."""
        ...

    @property
    def reading(self) -> Reading:
        """What is made of texts and pictures first."""
        ...

    def embed(self, items: Sequence[Item]) -> Tensor:
        """[n, dimension], float32, not normalised, as the authors' code returns them. At least one item."""
        ...


def summed(
    items: Sequence[Item], dimension: int, texts: Callable[[Sequence[Item]], Tensor], pictures: Callable[[Sequence[Item]], Tensor]
) -> Tensor:
    """Score fusion: text vector plus image vector, neither normalised before; what is not there adds exactly nothing."""
    total = torch.zeros((len(items), dimension))
    for compute, weights in ((texts, [item.text_weight for item in items]), (pictures, [item.image_weight for item in items])):
        there = [number for number, weight in enumerate(weights) if weight]
        if there:
            vectors = compute([items[number] for number in there]).float().cpu()
            total[there] += torch.tensor([weights[number] for number in there]).unsqueeze(1) * vectors
    return total
