"""The rows of one collection: written, deleted, asked for, walked over. Nothing here knows which index there is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus import MilvusClient

from storage.milvus.collections import Columns
from storage.milvus.connection import Milvus
from storage.milvus.declared import Expressions, Kept, of_modality
from storage.milvus.indexes import IndexType, values_for
from uniir.documents import Metadata, Modality
from uniir.filter_language import Condition
from uniir.filters import Filter
from uniir.protocols import Points, StoredVector

MOST_ROWS_PER_CALL = 4000
_BYTES_PER_CALL = 12 * 2**20  # a message may have 64 MiB on most servers
_ROWS_PER_CALL = 1000  # of ids, and of rows that are looked at one by one
_SCAN_BLOCK = 5000
_OTHERS_ARE_SEEN = 30.0  # seconds after which a search of bounded staleness sees our own writes as well: a server lets it lag by 5

Found = list[tuple[list[int], list[float]]]


class Rows:
    """Every method raises StoreUnavailable. `unflushed` are the bytes of vectors written since the last flush."""

    def __init__(self, milvus: Milvus, name: str, dimension: int, columns: Columns) -> None:
        self._milvus = milvus
        self._patience = milvus.patience
        self._name = name
        self._bytes = 4 * dimension
        self._columns = columns.there
        self._expressions = Expressions(columns.trusted)
        self._wrote_at = -_OTHERS_ARE_SEEN
        self.unflushed = 0

    def upsert(self, points: Points) -> None:
        """Of an id that comes twice the last counts."""
        last = {document: position for position, document in enumerate(points.ids)}
        rows = [
            {"id": document, "vector": points.vectors[position], "modality": str(points.modalities[position])}
            | self._kept(points.metadata[position])
            for document, position in last.items()
        ]
        step = min(MOST_ROWS_PER_CALL, max(1, _BYTES_PER_CALL // self._bytes))
        for start in range(0, len(rows), step):
            self._milvus.ask("Vectors can't be written", partial(self._upsert, rows[start : start + step]), self._patience.write)
        self.unflushed += len(rows) * self._bytes
        self.changed()

    def delete(self, ids: Sequence[int]) -> None:
        for start in range(0, len(ids), _ROWS_PER_CALL):
            part = list(ids[start : start + _ROWS_PER_CALL])
            self._milvus.ask("Vectors can't be deleted", partial(self._delete, part), self._patience.write)
        self.changed()

    def changed(self) -> None:
        """From now on for a while our own writes are waited for."""
        self._wrote_at = time.monotonic()

    def release(self) -> None:
        """Out of memory; nothing is found until the collection is loaded again."""
        self._milvus.ask(
            "Vectors can't be written", lambda client, left: client.release_collection(self._name, timeout=left), self._patience.write
        )

    def flush(self) -> None:
        self._milvus.ask(
            "Vectors can't be written to disk", lambda client, left: client.flush(self._name, timeout=left), self._patience.write
        )
        self.unflushed = 0

    def nearest(self, vectors: NDArray[np.float32], limit: int, where: Filter, index: IndexType, search: Mapping[str, int]) -> Found:
        """What the index finds, with the scores it has."""
        answers = self._milvus.ask(
            "The vector store can't be searched",
            lambda client, left: client.search(
                self._name,
                data=list(vectors),
                anns_field="vector",
                filter=self._expression(where),
                limit=limit,
                output_fields=["id"],
                search_params={"metric_type": "IP", "params": values_for(index, search, limit)},
                timeout=left,
                consistency_level=self._consistency(),
            ),
            self._patience.search,
        )
        return [(answer.ids, answer.distances) for answer in answers]

    def scored_rightly(self, vectors: NDArray[np.float32], found: Found) -> Found:
        """Candidates of shortened vectors with the inner products of the whole ones."""
        ids = sorted({document for known, _ in found for document in known})
        rows = {row["id"]: np.asarray(row["vector"], np.float32) for block in self._blocks(ids) for row in block}
        right: Found = []
        for vector, (known, _) in zip(vectors, found, strict=True):
            there = [document for document in known if document in rows]
            right.append((there, (np.stack([rows[one] for one in there]) @ vector).tolist() if there else []))
        return right

    def all_of(self, ids: Sequence[int], vectors: NDArray[np.float32], where: Filter) -> Found:
        """Every one of these rows that the filter admits, with its inner product."""
        best: Found = [([], []) for _ in vectors]
        for block in self._blocks(ids):
            admitted = [row for row in block if where.admits(row["id"], Modality(row["modality"]))]
            if not admitted:
                continue
            scores = vectors @ np.asarray([row["vector"] for row in admitted], np.float32).T
            for (known, values), line in zip(best, scores, strict=True):
                known.extend(row["id"] for row in admitted)
                values.extend(line.tolist())
        return best

    def narrows(self, where: Condition) -> bool:
        return self._expressions.possible(where) is not True

    def otherwise(self, rows: Sequence[StoredVector]) -> Sequence[int]:
        """The documents of which other metadata is kept than these rows have."""
        wanted = {row.document: self._kept(row.metadata) for row in rows}
        blocks = self._blocks(list(wanted), ("id", *(column.name for column in self._columns)))
        return [row["id"] for block in blocks for row in block if _differs(row, wanted[row["id"]])]

    def vectors_of(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Of those that are there, in no order."""
        return np.asarray([row["vector"] for block in self._blocks(ids) for row in block], np.float32)

    def ids(self) -> Iterator[NDArray[np.int64]]:
        """Every id, as things stand now."""
        for page in self._walk(["id"], _SCAN_BLOCK):
            yield _ids(page)

    def with_vectors(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Every row, as things stand now."""
        for page in self._walk(["id", "vector"], min(_SCAN_BLOCK, max(100, _BYTES_PER_CALL // self._bytes))):
            yield _ids(page), np.asarray([row["vector"] for row in page], np.float32)

    def _kept(self, metadata: Metadata) -> dict[str, Kept]:
        return {column.name: column.value(metadata) for column in self._columns}

    def _expression(self, where: Filter) -> str:
        """Made of enumeration values, numbers and hexadecimal digits alone; Lite knows no templates."""
        conditions = []
        if where.modalities is not None:
            conditions.append(of_modality(where.modalities))
        if where.only is not None:
            conditions.append(f"id in [{', '.join(map(str, sorted(where.only)))}]")
        if where.without:
            conditions.append(f"id not in [{', '.join(map(str, sorted(where.without)))}]")
        possible = True if where.where is None else self._expressions.possible(where.where)
        if possible is not True:
            conditions.append(f"({possible})" if isinstance(possible, str) else "id < 0")
        return " and ".join(conditions)

    def _upsert(self, rows: Sequence[Mapping[str, Any]], client: MilvusClient, seconds: float | None) -> None:
        client.upsert(self._name, rows, timeout=seconds)

    def _delete(self, ids: Sequence[int], client: MilvusClient, seconds: float | None) -> None:
        client.delete(self._name, ids=ids, timeout=seconds)

    def _blocks(self, ids: Sequence[int], fields: Sequence[str] = ("id", "vector", "modality")) -> Iterator[Sequence[Mapping[str, Any]]]:
        for start in range(0, len(ids), _ROWS_PER_CALL):
            part = list(ids[start : start + _ROWS_PER_CALL])
            yield self._milvus.ask("The vector store can't be searched", partial(self._get, part, fields), self._patience.search)

    def _get(self, ids: Sequence[int], fields: Sequence[str], client: MilvusClient, seconds: float | None) -> Sequence[Mapping[str, Any]]:
        level = self._consistency()
        return list(client.get(self._name, ids=ids, output_fields=list(fields), timeout=seconds, consistency_level=level))

    def _consistency(self) -> str:
        """Who wrote a moment ago sees it; anybody else's writes are seen after seconds. To see all at once costs 0.2 s a search."""
        return "Session" if time.monotonic() - self._wrote_at < _OTHERS_ARE_SEEN else "Bounded"

    def _walk(self, fields: Sequence[str], size: int) -> Iterator[Sequence[Mapping[str, Any]]]:
        """An iterator alone sees what was written before it only after a while."""
        what = "The vector collection can't be read"
        self._milvus.ask(what, self._catch_up, self._patience.write)
        pages = None
        last: int | None = None

        def turn(client: MilvusClient, seconds: float | None) -> Sequence[Mapping[str, Any]]:
            nonlocal pages
            if pages is None:  # at first, and again behind the last row after the connection broke
                behind = "" if last is None else f"id > {last}"
                pages = client.query_iterator(self._name, batch_size=size, filter=behind, output_fields=list(fields), timeout=seconds)
            try:
                return list(pages.next())
            except Exception:
                pages = None
                raise

        while page := self._milvus.ask(what, turn, self._patience.write):
            last = int(page[-1]["id"])
            yield page
        if pages is not None:
            pages.close()

    def _catch_up(self, client: MilvusClient, seconds: float | None) -> None:
        """Returns when every write before it is seen."""
        client.query(self._name, filter="id in [0]", output_fields=["id"], consistency_level="Strong", timeout=seconds)


def _ids(page: Sequence[Mapping[str, Any]]) -> NDArray[np.int64]:
    return np.fromiter((row["id"] for row in page), dtype=np.int64, count=len(page))


def _differs(row: Mapping[str, Any], kept: Mapping[str, Kept]) -> bool:
    return any((list(row[name]) if isinstance(value, list) else row[name]) != value for name, value in kept.items())
