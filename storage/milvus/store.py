"""Vectors of one collection and space in Milvus."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from storage.milvus.choosing import Plan
from storage.milvus.collections import Collections, Tuned
from storage.milvus.connection import is_not_loaded, may_pass
from storage.milvus.gate import Gate
from storage.milvus.indexes import KINDS, IndexType, harder, require_results
from storage.milvus.recall import QUESTIONS, Truth, questions_near
from storage.milvus.rows import MOST_ROWS_PER_CALL, Found, Rows
from storage.vectors import MAX_K, TIE_MARGIN, rank, require_fitting, require_k
from uniir.errors import StoreUnavailable
from uniir.filter_language import Condition, Key
from uniir.filters import Filter
from uniir.protocols import GOOD_RECALL, IndexReport, Neighbours, Points, StoredVector

_FEW = 10_000  # looking at one costs 0.07 ms on a server and 0.13 in Lite; of 3,000 far off an index may find only two thirds
_LOOK_AGAIN = 30.0  # seconds, after which what other processes did to the index is looked up
_SPARE, _MOST_SPARE = 4, 1000  # times k, and rows, that are fetched beyond k where scores are about right
_MOST_UNFLUSHED = 2**20  # bytes: Lite makes Python's numbers of them in each search, eight times as large and 64 KiB in a millisecond
_MEASURE_AGAIN = 1.5  # times as many rows as when the index was measured


class MilvusVectors:
    """Implements VectorStore. Writes are serialised: Lite does not promise more than one writer."""

    def __init__(self, collections: Collections, name: str, dimension: int) -> None:
        self._collections = collections
        self._name = name
        self._dimension = dimension
        self._writing = Lock()
        self._searched_unflushed = False
        self._looked_at = time.monotonic()
        self._gate = Gate()
        collections.create(name, dimension)
        self._columns = collections.columns(name)
        self._rows = Rows(collections.milvus, name, dimension, self._columns)
        built = collections.built(name, dimension)
        wanted = collections.plan(collections.rows(name), dimension)
        self._index = wanted if built is None or wanted.fits(built) else built
        self._why = self._index.why or f"it was built before the settings asked for {wanted.type}"
        self._search_with: Mapping[str, int] = self._index.search
        self._recall: float | None = 1.0 if self._index.exact else None
        self._take_over(collections.tuned(name))
        collections.load(name, self._index)

    @property
    def index_kind(self) -> str:
        return self._index.type

    @property
    def most_results(self) -> int:
        return KINDS[self._index.type].most_results

    @property
    def report(self) -> IndexReport:
        return IndexReport(str(self._index.type), self._why, self._recall, dict(self._search_with))

    @property
    def declared(self) -> Collection[Key]:
        return [column.key for column in self._columns.trusted]

    @property
    def lacking(self) -> Collection[Key]:
        return [column.key for column in self._collections.declared if column not in self._columns.trusted]

    def narrows(self, where: Condition) -> bool:
        # Lite's graph finds a third of what lies far off; a server's finds it all. The other indexes were not measured under a filter.
        finds_all = self._index.exact or (self._index.type is IndexType.HNSW and not self._collections.engine.embedded)
        return finds_all and self._rows.narrows(where)

    def otherwise(self, rows: Sequence[StoredVector]) -> Sequence[int]:
        with self._gate.reading():
            return self._rows.otherwise(rows)

    def upsert(self, points: Points) -> None:
        require_fitting(points.vectors, self._dimension)
        with self._writing:
            self._rows.upsert(points)
            if self._searched_unflushed and self._rows.unflushed >= _MOST_UNFLUSHED:
                with self._gate.rebuilding():  # for a moment what goes to the disk is found neither here nor there
                    self._rows.flush()
                    self._searched_unflushed = False  # what nobody searches is one file in the end, which is searched faster than several

    def delete(self, ids: Sequence[int]) -> None:
        with self._writing:
            self._rows.delete(ids)

    def fill(self, pages: Iterable[Points]) -> int:
        """Out of memory while it is written, in messages as large as they may be, and indexed once."""
        written = 0
        with self._gate.rebuilding():
            self._rows.release()
            kept: list[Points] = []
            for page in pages:
                kept.append(page)
                if sum(len(one.ids) for one in kept) >= MOST_ROWS_PER_CALL:
                    written += self._write_all(kept)
            written += self._write_all(kept)
        self.finish()
        return written

    def finish(self) -> None:
        """Flush, and see to it that the index which fits the size is there, in use, and finds what it should."""
        with self._writing:
            if self._collections.engine.embedded:
                self._finish_embedded()
            else:
                self._finish_far()
            self._rows.changed()
        self._measure_if_due()

    def measure(self) -> IndexReport:
        truth = self._truth()
        if truth is not None:
            self._recall = truth.recall(lambda questions: self._ask(questions, self._search_with))
        return self.report

    def tune(self) -> IndexReport:
        """Raises the search's effort until the index finds what it should, or as far as it goes; kept with the collection."""
        truth = self._truth()
        search = dict(self._index.search)
        recall = 1.0 if truth is None else truth.recall(lambda questions: self._ask(questions, search))
        while truth is not None and recall < GOOD_RECALL:
            raised = harder(self._index.type, search, self._index.build)
            if raised is None:
                break
            search = raised
            recall = truth.recall(lambda questions: self._ask(questions, search))  # noqa: B023
        tuned = Tuned(self._index.type, search, recall, self._collections.rows(self._name))
        self._collections.keep_tuned(self._name, tuned)
        self._take_over(tuned)
        return self.report

    def search(self, vectors: NDArray[np.float32], k: int, where: Filter) -> Neighbours:
        require_fitting(vectors, self._dimension)
        require_k(k)
        require_results(self._index.type, k)
        with self._gate.reading():
            self._searched_unflushed = self._collections.engine.embedded
            return rank(self._found_by_any_index(vectors, k, where), k)

    def scan(self) -> Iterator[NDArray[np.int64]]:
        with self._gate.reading():
            blocks = list(self._rows.ids())
        yield from blocks  # read at once, or whoever writes between two blocks would wait for itself

    def close(self) -> None:
        """The connection is closed by whoever opened it."""

    def _write_all(self, pages: list[Points]) -> int:
        if not pages:
            return 0
        together = Points(
            [document for page in pages for document in page.ids],
            np.concatenate([page.vectors for page in pages]),
            [modality for page in pages for modality in page.modalities],
            [metadata for page in pages for metadata in page.metadata],
        )
        require_fitting(together.vectors, self._dimension)
        with self._writing:
            self._rows.upsert(together)
        pages.clear()
        return len(together.ids)

    def _finish_embedded(self) -> None:
        """On Lite loading is what builds an index."""
        with self._gate.rebuilding():
            self._rows.release()  # first, or the flush starts building in the background
            self._rows.flush()
            wanted = self._collections.plan(self._collections.rows(self._name), self._dimension)
            if wanted.fits(self._index):
                self._why = wanted.why
            else:
                self._collections.replace_index(self._name, wanted)
                self._take_in_use(wanted)
            self._collections.load(self._name, self._index)

    def _finish_far(self) -> None:
        """Searches of other processes go on unless the index is another one from now on."""
        self._rows.flush()
        self._look_again(self._collections.milvus.patience.write)
        wanted = self._collections.plan(self._collections.rows(self._name), self._dimension)
        if wanted.fits(self._index):
            self._why = wanted.why
            self._collections.wait_until_built(self._name)
            self._collections.load(self._name, self._index)
            self._collections.refresh(self._name)
            return
        with self._gate.rebuilding():
            self._collections.replace_index(self._name, wanted)
            self._take_in_use(wanted)
            self._collections.wait_until_built(self._name)
            self._collections.load(self._name, wanted)

    def _take_in_use(self, plan: Plan) -> None:
        self._index, self._why, self._search_with = plan, plan.why, plan.search
        self._recall = 1.0 if self._index.exact else None
        self._tuned_rows = 0

    def _take_over(self, tuned: Tuned | None) -> None:
        self._tuned_rows = 0
        if tuned is not None and tuned.type is self._index.type and not self._index.exact:
            self._search_with, self._recall, self._tuned_rows = {**self._index.search, **tuned.search}, tuned.recall, tuned.rows

    def _measure_if_due(self) -> None:
        rows = self._collections.rows(self._name)
        if not self._index.exact and rows and not self._tuned_rows / _MEASURE_AGAIN < rows < self._tuned_rows * _MEASURE_AGAIN:
            self.tune()

    def _truth(self) -> Truth | None:
        ids = np.concatenate([np.empty(0, np.int64), *self.scan()])
        if not ids.size:
            return None
        sample = np.random.default_rng(ids.size).choice(ids, min(QUESTIONS, ids.size), replace=False)
        with self._gate.reading():
            rows = self._rows.vectors_of(sample.tolist())
            return Truth(questions_near(rows), self._rows.with_vectors()) if len(rows) else None

    def _ask(self, questions: NDArray[np.float32], search: Mapping[str, int]) -> Sequence[Sequence[int]]:
        with self._gate.reading():
            return rank(self._search(questions, 10, Filter(), search), 10).ids.tolist()  # type: ignore[no-any-return]

    def _found_by_any_index(self, vectors: NDArray[np.float32], k: int, where: Filter) -> Found:
        """On a server another process may put another index in the place of this one at any time."""
        patience = self._collections.milvus.patience
        if not self._collections.engine.embedded and time.monotonic() - self._looked_at > _LOOK_AGAIN:
            self._look_again(patience.search)
        try:
            return self._found(vectors, k, where)
        except StoreUnavailable as error:
            if is_not_loaded(error.__cause__):  # whoever took it out of memory has died since, or failed
                self._collections.load(self._name, self._index)
            elif may_pass(error.__cause__) or not self._look_again(patience.search):
                raise
            return self._found(vectors, k, where)

    def _look_again(self, seconds: float) -> bool:
        """Whether the index is another one than was known; what others measured is taken over as well."""
        built = self._collections.built(self._name, self._dimension, seconds)
        self._looked_at = time.monotonic()
        if built is None:
            return False
        other = not self._index.fits(built)
        if other:
            self._take_in_use(replace(built, why="another process chose it"))
        self._take_over(self._collections.tuned(self._name, seconds))
        return other

    def _found(self, vectors: NDArray[np.float32], k: int, where: Filter) -> Found:
        if where.only is not None and not self._index.exact:
            return self._search_among(where.only, vectors, k, where)
        narrowed = where.where is not None and self.narrows(where.where)
        rows = self._search(vectors, k, where, self._wide() if narrowed else self._search_with)
        if not self._index.exact and any(len(ids) < k for ids, _ in rows):
            # a filter, or a k near the number of rows, can leave an approximate search short: look wider once
            rows = self._search(vectors, k, where, self._widest())
        return rows

    def _widest(self) -> Mapping[str, int]:
        return harder(self._index.type, self._search_with, self._index.build, times=MAX_K) or self._search_with

    def _search_among(self, only: frozenset[int], vectors: NDArray[np.float32], k: int, where: Filter) -> Found:
        """An index that looks for the nearest of all finds few of some that lie together elsewhere: a few are all looked at."""
        if len(only) > _FEW:
            rows = self._search(vectors, k, where, self._wide())
            if all(len(ids) >= min(k, len(only - where.without)) for ids, _ in rows):
                return rows
        return self._rows.all_of(sorted(only - where.without), vectors, where)

    def _wide(self) -> Mapping[str, int]:
        """An effort at which the index finds all of what has nothing to do with the query: HNSW's `ef` at a quarter of
        the rows (60,000: 0.1 to 0.25 s), or at least 10,000."""
        kind = KINDS[self._index.type]
        if kind.effort != "ef":
            return self._widest()
        most = self._widest()["ef"]
        return {**self._search_with, "ef": min(most, max(10_000, self._collections.rows(self._name) // 4))}

    def _search(self, vectors: NDArray[np.float32], k: int, where: Filter, search: Mapping[str, int]) -> Found:
        kind = KINDS[self._index.type]

        def nearest(spare: int) -> Found:
            return self._rows.nearest(vectors, min(k + spare, kind.most_results), where, self._index.type, search)

        if kind.lossy:
            return self._rows.scored_rightly(vectors, nearest(max(TIE_MARGIN, min(_SPARE * k, _MOST_SPARE))))
        found = nearest(1)
        # each row costs Lite 35 microseconds, so the equals of the last one are asked for only where it has any
        return nearest(TIE_MARGIN) if any(len(scores) > k and scores[k] == scores[k - 1] for _, scores in found) else found
