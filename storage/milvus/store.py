"""Vectors of one collection and space in Milvus."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus import MilvusClient

from storage.milvus.choosing import Plan
from storage.milvus.collections import Collections, Tuned
from storage.milvus.gate import Gate
from storage.milvus.indexes import KINDS, harder, require_results, values_for
from storage.milvus.recall import QUESTIONS, Truth, questions_near
from storage.vectors import MAX_K, TIE_MARGIN, rank, require_fitting, require_k
from uniir.documents import Modality
from uniir.filters import Filter
from uniir.protocols import GOOD_RECALL, IndexReport, Neighbours, Points

_BYTES_PER_CALL = 12 * 2**20  # a message may have 64 MiB on most servers
_ROWS_PER_CALL = 1000  # of ids, and of rows that are looked at one by one
_MOST_ROWS_PER_CALL = 4000
_SCAN_BLOCK = 5000
_FEW = 2000  # looking at one costs 0.13 ms
_OTHERS_ARE_SEEN = 30.0  # seconds after which a search of bounded staleness sees our own writes as well: a server lets it lag by 5
_SPARE, _MOST_SPARE = 4, 1000  # times k, and rows, that are fetched beyond k where scores are about right
_MEASURE_AGAIN = 1.5  # times as many rows as when the index was measured

Found = list[tuple[list[int], list[float]]]


class MilvusVectors:
    """Implements VectorStore. Writes are serialised: Lite does not promise more than one writer."""

    def __init__(self, collections: Collections, name: str, dimension: int) -> None:
        self._collections = collections
        self._milvus = collections.milvus
        self._patience = collections.milvus.patience
        self._name = name
        self._dimension = dimension
        self._writing = Lock()
        self._wrote_at = -_OTHERS_ARE_SEEN
        self._gate = Gate()
        collections.create(name, dimension)
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
    def report(self) -> IndexReport:
        return IndexReport(str(self._index.type), self._why, self._recall, dict(self._search_with))

    def upsert(self, ids: Sequence[int], vectors: NDArray[np.float32], modalities: Sequence[Modality]) -> None:
        require_fitting(vectors, self._dimension)
        last = {document: position for position, document in enumerate(ids)}
        rows = [{"id": document, "vector": vectors[position], "modality": str(modalities[position])} for document, position in last.items()]
        step = min(_MOST_ROWS_PER_CALL, max(1, _BYTES_PER_CALL // (4 * self._dimension)))
        with self._writing:
            for start in range(0, len(rows), step):
                part = rows[start : start + step]
                self._milvus.ask("Vectors can't be written", partial(self._upsert, part), self._patience.write)
            self._wrote_at = time.monotonic()

    def delete(self, ids: Sequence[int]) -> None:
        with self._writing:
            for start in range(0, len(ids), _ROWS_PER_CALL):
                part = list(ids[start : start + _ROWS_PER_CALL])
                self._milvus.ask("Vectors can't be deleted", partial(self._delete, part), self._patience.write)
            self._wrote_at = time.monotonic()

    def fill(self, pages: Iterable[Points]) -> int:
        """Out of memory while it is written, in messages as large as they may be, and indexed once."""
        written = 0
        with self._gate.rebuilding():
            self._milvus.ask("Vectors can't be written", self._release, self._patience.write)
            kept: list[Points] = []
            for page in pages:
                kept.append(page)
                if sum(len(one.ids) for one in kept) >= _MOST_ROWS_PER_CALL:
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
            self._wrote_at = time.monotonic()
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
            return rank(self._found(vectors, k, where), k)

    def scan(self) -> Iterator[NDArray[np.int64]]:
        with self._gate.reading():
            blocks = [ids for ids, _ in self._walk(["id"])]
        yield from blocks  # read at once, or whoever writes between two blocks would wait for itself

    def close(self) -> None:
        """The connection is closed by whoever opened it."""

    def _release(self, client: MilvusClient, seconds: float | None) -> None:
        client.release_collection(self._name, timeout=seconds)

    def _upsert(self, rows: Sequence[Mapping[str, Any]], client: MilvusClient, seconds: float | None) -> None:
        client.upsert(self._name, rows, timeout=seconds)

    def _delete(self, ids: Sequence[int], client: MilvusClient, seconds: float | None) -> None:
        client.delete(self._name, ids=ids, timeout=seconds)

    def _write_all(self, pages: list[Points]) -> int:
        if not pages:
            return 0
        ids = [document for page in pages for document in page.ids]
        self.upsert(ids, np.concatenate([page.vectors for page in pages]), [one for page in pages for one in page.modalities])
        pages.clear()
        return len(ids)

    def _finish_embedded(self) -> None:
        """On Lite loading is what builds an index."""
        with self._gate.rebuilding():
            self._milvus.ask("The vector index can't be built", self._release_and_flush, 0)
            wanted = self._collections.plan(self._collections.rows(self._name), self._dimension)
            if not wanted.fits(self._index):
                self._collections.replace_index(self._name, wanted)
                self._take_in_use(wanted)
            self._collections.load(self._name, self._index)

    def _release_and_flush(self, client: MilvusClient, _: float | None) -> None:
        client.release_collection(self._name)  # first, or the flush starts building in the background
        client.flush(self._name)

    def _finish_far(self) -> None:
        """Searches of other processes go on unless the index is another one from now on."""
        self._milvus.ask(
            "Vectors can't be written to disk",
            lambda client, seconds: client.flush(self._name, timeout=seconds),
            self._patience.write,
        )
        wanted = self._collections.plan(self._collections.rows(self._name), self._dimension)
        if wanted.fits(self._index):
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
            rows = self._rows_of(sample.tolist())
            if not rows:
                return None
            questions = questions_near(np.asarray([row["vector"] for row in rows], np.float32))
            return Truth(questions, ((numbers, vectors) for numbers, vectors in self._walk(["id", "vector"]) if vectors is not None))

    def _ask(self, questions: NDArray[np.float32], search: Mapping[str, int]) -> Sequence[Sequence[int]]:
        with self._gate.reading():
            return rank(self._search(questions, 10, Filter(), search), 10).ids.tolist()  # type: ignore[no-any-return]

    def _found(self, vectors: NDArray[np.float32], k: int, where: Filter) -> Found:
        if where.only is not None and not self._index.exact:
            return self._search_among(where.only, vectors, k, where)
        rows = self._search(vectors, k, where, self._search_with)
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
        return self._look_at_all(sorted(only - where.without), vectors, k, where)

    def _wide(self) -> Mapping[str, int]:
        """An effort at which the index finds all of a folder that has nothing to do with the query: HNSW's `ef` at a quarter of
        the rows (60,000: 0.1 to 0.25 s), or at least 10,000."""
        kind = KINDS[self._index.type]
        if kind.effort != "ef":
            return self._widest()
        most = self._widest()["ef"]
        return {**self._search_with, "ef": min(most, max(10_000, self._collections.rows(self._name) // 4))}

    def _look_at_all(self, ids: Sequence[int], vectors: NDArray[np.float32], k: int, where: Filter) -> Found:
        best: Found = [([], []) for _ in vectors]
        for start in range(0, len(ids), _ROWS_PER_CALL):
            block = self._rows_of(ids[start : start + _ROWS_PER_CALL])
            found = [row for row in block if where.admits(row["id"], Modality(row["modality"]))]
            if not found:
                continue
            scores = vectors @ np.asarray([row["vector"] for row in found], np.float32).T
            for (known, values), line in zip(best, scores, strict=True):
                known.extend(row["id"] for row in found)
                values.extend(line.tolist())
        return best

    def _rows_of(self, ids: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        return self._milvus.ask(
            "The vector store can't be searched",
            lambda client, seconds: client.get(
                self._name,
                ids=list(ids),
                output_fields=["id", "vector", "modality"],
                timeout=seconds,
                consistency_level=self._consistency(),
            ),
            self._patience.search,
        )

    def _search(self, vectors: NDArray[np.float32], k: int, where: Filter, search: Mapping[str, int]) -> Found:
        kind = KINDS[self._index.type]
        limit = min(k + (max(TIE_MARGIN, min(_SPARE * k, _MOST_SPARE)) if kind.lossy else TIE_MARGIN), kind.most_results)
        answers = self._milvus.ask(
            "The vector store can't be searched",
            lambda client, seconds: client.search(
                self._name,
                data=list(vectors),
                anns_field="vector",
                filter=_expression(where),
                limit=limit,
                output_fields=["id"],
                search_params={"metric_type": "IP", "params": values_for(self._index.type, search, limit)},
                timeout=seconds,
                consistency_level=self._consistency(),
            ),
            self._patience.search,
        )
        found: Found = [(answer.ids, answer.distances) for answer in answers]
        return self._scored_rightly(vectors, found) if kind.lossy else found

    def _scored_rightly(self, vectors: NDArray[np.float32], found: Found) -> Found:
        """Candidates of shortened vectors with the inner products of the whole ones."""
        ids = sorted({document for known, _ in found for document in known})
        rows: dict[int, NDArray[np.float32]] = {}
        for start in range(0, len(ids), _ROWS_PER_CALL):
            rows |= {row["id"]: np.asarray(row["vector"], np.float32) for row in self._rows_of(ids[start : start + _ROWS_PER_CALL])}
        right: Found = []
        for vector, (known, _) in zip(vectors, found, strict=True):
            there = [document for document in known if document in rows]
            right.append((there, (np.stack([rows[one] for one in there]) @ vector).tolist() if there else []))
        return right

    def _consistency(self) -> str:
        """Who wrote a moment ago sees it; anybody else's writes are seen after seconds. To see all at once costs 0.2 s a search."""
        return "Session" if time.monotonic() - self._wrote_at < _OTHERS_ARE_SEEN else "Bounded"

    def _walk(self, fields: Sequence[str]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32] | None]]:
        """Every row, as it stands now: an iterator alone sees what was written before it only after a while."""
        with_vectors = "vector" in fields
        size = min(_SCAN_BLOCK, max(100, _BYTES_PER_CALL // (4 * self._dimension))) if with_vectors else _SCAN_BLOCK
        self._milvus.ask("The vector collection can't be read", self._catch_up, self._patience.write)
        pages = None
        last: int | None = None

        def turn(client: MilvusClient, seconds: float | None) -> Sequence[Mapping[str, Any]]:
            nonlocal pages
            if pages is None:  # at first, and again behind the last row after the connection broke
                pages = client.query_iterator(
                    self._name,
                    batch_size=size,
                    filter="" if last is None else f"id > {last}",
                    output_fields=list(fields),
                    timeout=seconds,
                )
            try:
                return pages.next()  # type: ignore[no-any-return]
            except Exception:
                pages = None
                raise

        while page := self._milvus.ask("The vector collection can't be read", turn, self._patience.write):
            last = int(page[-1]["id"])
            ids = np.fromiter((row["id"] for row in page), dtype=np.int64, count=len(page))
            yield ids, np.asarray([row["vector"] for row in page], np.float32) if with_vectors else None
        if pages is not None:
            pages.close()

    def _catch_up(self, client: MilvusClient, seconds: float | None) -> None:
        """Returns when every write before it is seen."""
        client.query(self._name, filter="id in [0]", output_fields=["id"], consistency_level="Strong", timeout=seconds)


def _expression(where: Filter) -> str:
    """A Milvus expression made of enumeration values and numbers alone; Lite knows no templates."""
    conditions = []
    if where.modalities is not None:
        names = ", ".join(f'"{modality}"' for modality in sorted(where.modalities))
        conditions.append(f"modality in [{names}]")
    if where.only is not None:
        conditions.append(f"id in [{', '.join(map(str, sorted(where.only)))}]")
    if where.without:
        conditions.append(f"id not in [{', '.join(map(str, sorted(where.without)))}]")
    return " and ".join(conditions)
