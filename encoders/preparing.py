"""Making items ready one by one, so that one which can't be used is data and never the end of its batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from uniir.documents import Document
from uniir.errors import InputFailure, ItemFailure
from uniir.protocols import Prepared
from uniir.queries import Query


def prepared(items: Sequence[Document | Query], make: Callable[[Document | Query], object]) -> Prepared:
    """What `make` gives for each item, in order; where it raises InputFailure, the item becomes a failure."""
    positions, ready, failures = [], [], []
    for position, item in enumerate(items):
        try:
            ready.append(make(item))
        except InputFailure as failure:
            failures.append(ItemFailure(position, failure.code, failure.reason))
        else:
            positions.append(position)
    return Prepared(tuple(positions), tuple(failures), tuple(ready))
