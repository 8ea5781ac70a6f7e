"""What lies nearest to a query's vector, within what the query is narrowed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from uniir.filters import Filter
from uniir.protocols import Findable, Library, VectorStore
from uniir.queries import MAX_RESULTS, Query

_FIRST_LOOK = 250  # of all documents, to see how many of them fit


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Ids with scores, best first, and their documents."""

    found: Sequence[tuple[int, float]]
    documents: Mapping[int, Findable]


class Retrieval:
    """Asks a store and a library as one."""

    def __init__(self, store: VectorStore, library: Library) -> None:
        self._store = store
        self._library = library

    def nearest(self, vector: NDArray[np.float32], query: Query, count: int) -> Retrieved:
        """The best that fit, `count` or as many as there are. Raises StoreUnavailable."""
        if query.path or query.where is not None:
            return (
                self._among(self._nearest(vector, query, count), query, count)
                or self._among(self._narrowed_by_the_store(vector, query, count), query, count)
                or self._all_that_fit(vector, query, count)
            )
        return self._searchable(vector, _unnarrowed(query), count)

    def scores(self, vector: NDArray[np.float32], ids: Sequence[int]) -> Mapping[int, float]:
        """Those of certain documents. Raises StoreUnavailable."""
        return dict(self._asked(vector, len(ids), Filter(only=frozenset(ids)))) if ids else {}

    def _nearest(self, vector: NDArray[np.float32], query: Query, count: int) -> Sequence[tuple[int, float]]:
        """Most filters admit so much that enough of it lies near: then nobody need know all that fits.

        Twice as many are asked for as are looked at, since an approximate index misses most among the last.
        """
        looked_at = max(_FIRST_LOOK, 2 * count)
        return self._asked(vector, 2 * looked_at, _unnarrowed(query))[:looked_at]

    def _narrowed_by_the_store(self, vector: NDArray[np.float32], query: Query, count: int) -> Sequence[tuple[int, float]]:
        """The nearest of those that may fit, as far as the store can tell; nothing where it can't."""
        if query.where is None or not self._store.narrows(query.where):
            return ()
        return self._asked(vector, max(_FIRST_LOOK, 2 * count), replace(_unnarrowed(query), where=query.where))

    def _among(self, pairs: Sequence[tuple[int, float]], query: Query, count: int) -> Retrieved | None:
        """Those that fit; None where they are too few."""
        if len(pairs) < count:
            return None
        fitting = self._library.fitting([one for one, _ in pairs], query.path, query.where)
        found = [(one, score) for one, score in pairs if one in fitting][:count]
        documents = self._library.findable([one for one, _ in found])
        return Retrieved(found, documents) if len(documents) == count else None

    def _all_that_fit(self, vector: NDArray[np.float32], query: Query, count: int) -> Retrieved:
        only = self._library.ids_below(query.path, query.target) if query.path else None
        if query.where is not None:
            fitting = self._library.ids_matching(query.where, query.target)
            only = fitting if only is None else only & fitting
        return self._searchable(vector, Filter(without=frozenset(query.like), only=only), count)

    def _searchable(self, vector: NDArray[np.float32], where: Filter, count: int) -> Retrieved:
        wanted = count
        while True:  # again where the store still has what is on its way out; rows are dear, so no more are asked for beforehand
            pairs = self._asked(vector, wanted, where)
            documents = self._library.findable([one for one, _ in pairs])
            found = [(one, score) for one, score in pairs if one in documents]
            if len(found) >= count or len(pairs) < wanted or wanted > 4 * MAX_RESULTS:
                return Retrieved(found[:count], documents)
            wanted *= 2

    def _asked(self, vector: NDArray[np.float32], count: int, where: Filter) -> Sequence[tuple[int, float]]:
        neighbours = self._store.search(vector[None], min(count, self._store.most_results), where)
        return [(int(one), float(score)) for one, score in zip(neighbours.ids[0], neighbours.scores[0], strict=True) if one >= 0]


def _unnarrowed(query: Query) -> Filter:
    """What the store knows by itself."""
    return Filter(frozenset({query.target}) if query.target is not None else None, frozenset(query.like))
