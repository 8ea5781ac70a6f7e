"""From parts of a query to vectors: the seam behind which queries of several people can be encoded together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from uniir.errors import ItemFailure
from uniir.protocols import Encoder, ImageLoader
from uniir.queries import Query

Row: TypeAlias = NDArray[np.float32]


class Embed(Protocol):
    """Encodes the parts of one query."""

    def __call__(self, items: Sequence[Query]) -> Sequence[Row | ItemFailure]:
        """A row for each item in order, or why it can't be used; `position` counts in `items`."""
        ...


@dataclass(frozen=True, slots=True)
class EncodeAtOnce:
    """Implements Embed in the caller's thread, one query at a time."""

    encoder: Encoder
    images: ImageLoader

    def __call__(self, items: Sequence[Query]) -> Sequence[Row | ItemFailure]:
        prepared = self.encoder.prepare(items, self.images)
        rows = self.encoder.encode(prepared)
        found: dict[int, Row | ItemFailure] = {failure.position: failure for failure in prepared.failures}
        found |= dict(zip(prepared.positions, rows, strict=True))
        return [found[position] for position in range(len(items))]
