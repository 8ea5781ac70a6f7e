"""Vectors of one collection and space in Milvus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from storage.milvus.gate import Gate
from storage.milvus.indexes import FLAT, HNSW, IndexChoice, choose_index, index_of_type, search_parameters
from storage.milvus.lite import MilvusLite, translated
from storage.vectors import MAX_K, TIE_MARGIN, rank, require_fitting, require_k
from uniir.documents import Modality
from uniir.filters import Filter
from uniir.protocols import Neighbours

_ROWS_PER_CALL = 1000  # a message may have 256 MiB; this keeps one below 8 MiB at 2,000 dimensions
_SCAN_BLOCK = 5000
_FEW = 2000  # looking at one costs 0.13 ms
_WIDE = 10_000  # an `ef` at which the index finds all of a folder that has nothing to do with the query (60,000 rows: 0.1 to 0.25 s)


class MilvusVectors:
    """Implements VectorStore. Writes are serialised: Lite does not promise more than one writer."""

    def __init__(self, server: MilvusLite, name: str, dimension: int) -> None:
        self._server = server
        self._client = server.client
        self._name = name
        self._dimension = dimension
        self._writing = Lock()
        server.create(name, dimension)
        self._index = self._described_index()
        self._gate = Gate()
        server.load(name, self._index)

    @property
    def index_kind(self) -> str:
        return self._index.type

    def upsert(self, ids: Sequence[int], vectors: NDArray[np.float32], modalities: Sequence[Modality]) -> None:
        require_fitting(vectors, self._dimension)
        last = {document: position for position, document in enumerate(ids)}
        rows = [{"id": document, "vector": vectors[position], "modality": str(modalities[position])} for document, position in last.items()]
        with self._writing, translated("Vectors can't be written"):
            for start in range(0, len(rows), _ROWS_PER_CALL):
                self._client.upsert(self._name, rows[start : start + _ROWS_PER_CALL])

    def delete(self, ids: Sequence[int]) -> None:
        with self._writing, translated("Vectors can't be deleted"):
            for start in range(0, len(ids), _ROWS_PER_CALL):
                self._client.delete(self._name, ids=list(ids[start : start + _ROWS_PER_CALL]))

    def finish(self) -> None:
        """Flush, declare the index that fits the size, and load: on Lite loading is what builds an index."""
        with self._writing, self._gate.rebuilding(), translated("The vector index can't be built"):
            self._client.release_collection(self._name)  # first, or the flush starts building in the background
            self._client.flush(self._name)
            choice = choose_index(self._rows())
            if choice != self._index:
                self._client.drop_index(self._name, "vector")
                self._server.build_index(self._name, choice)
                self._index = choice
            self._server.load(self._name, choice)

    def search(self, vectors: NDArray[np.float32], k: int, where: Filter) -> Neighbours:
        require_fitting(vectors, self._dimension)
        require_k(k)
        with self._gate.reading():
            return rank(self._found(vectors, k, where), k)

    def scan(self) -> Iterator[NDArray[np.int64]]:
        blocks = []
        with self._gate.reading(), translated("The vector collection can't be read"):
            pages = self._client.query_iterator(self._name, batch_size=_SCAN_BLOCK, output_fields=["id"])
            try:
                while page := pages.next():
                    blocks.append(np.fromiter((row["id"] for row in page), dtype=np.int64, count=len(page)))
            finally:
                pages.close()
        yield from blocks  # read at once, or whoever writes between two blocks would wait for itself

    def close(self) -> None:
        """The server is closed by whoever opened it."""

    def _found(self, vectors: NDArray[np.float32], k: int, where: Filter) -> list[tuple[list[int], list[float]]]:
        if where.only is not None and self._index is HNSW:
            return self._search_among(where.only, vectors, k, where)
        rows = self._search(vectors, k, where, search_parameters(self._index, k + TIE_MARGIN))
        if self._index is HNSW and any(len(ids) < k for ids, _ in rows):
            # a filter, or a k near the number of rows, can leave an approximate search short: look wider once
            rows = self._search(vectors, k, where, search_parameters(self._index, MAX_K))
        return rows

    def _search_among(
        self, only: frozenset[int], vectors: NDArray[np.float32], k: int, where: Filter
    ) -> list[tuple[list[int], list[float]]]:
        """An index that looks for the nearest of all finds few of some that lie together elsewhere: a few are all looked at."""
        if len(only) > _FEW:
            wide = search_parameters(self._index, max(_WIDE, self._rows() // 4, k + TIE_MARGIN))
            rows = self._search(vectors, k, where, wide)
            if all(len(ids) >= min(k, len(only - where.without)) for ids, _ in rows):
                return rows
        return self._look_at_all(sorted(only - where.without), vectors, k, where)

    def _look_at_all(self, ids: Sequence[int], vectors: NDArray[np.float32], k: int, where: Filter) -> list[tuple[list[int], list[float]]]:
        best: list[tuple[list[int], list[float]]] = [([], []) for _ in vectors]
        for start in range(0, len(ids), _ROWS_PER_CALL):
            with translated("The vector store can't be searched"):
                block = self._client.get(
                    self._name, ids=list(ids[start : start + _ROWS_PER_CALL]), output_fields=["id", "vector", "modality"]
                )
            found = [row for row in block if where.admits(row["id"], Modality(row["modality"]))]
            if not found:
                continue
            scores = vectors @ np.asarray([row["vector"] for row in found], np.float32).T
            for (known, values), line in zip(best, scores, strict=True):
                known.extend(row["id"] for row in found)
                values.extend(line.tolist())
        return best

    def _search(
        self, vectors: NDArray[np.float32], k: int, where: Filter, parameters: dict[str, dict[str, int]]
    ) -> list[tuple[list[int], list[float]]]:
        with translated("The vector store can't be searched"):
            answers = self._client.search(
                self._name,
                data=list(vectors),
                anns_field="vector",
                filter=_expression(where),
                limit=min(k + TIE_MARGIN, MAX_K),
                output_fields=["id"],
                search_params={"metric_type": "IP", **parameters},
            )
        return [([hit["id"] for hit in answer], [hit["distance"] for hit in answer]) for answer in answers]

    def _rows(self) -> int:
        return int(self._client.get_collection_stats(self._name)["row_count"])

    def _described_index(self) -> IndexChoice:
        with translated("The vector index can't be read"):
            if "vector" not in self._client.list_indexes(self._name):  # a process that was killed between drop and build
                self._server.build_index(self._name, FLAT)
            return index_of_type(self._client.describe_index(self._name, "vector")["index_type"])


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
