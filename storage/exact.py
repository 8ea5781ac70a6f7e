"""The exact store: FAISS over all vectors in memory. The oracle in tests and the judge of the others' recall."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from zipfile import BadZipFile

import faiss
import numpy as np
from numpy.typing import NDArray

from storage.graphics import MOST_RESULTS, GraphicsCopy, gpu_of
from storage.vectors import MAX_K, TIE_MARGIN, rank, require_fitting, require_k
from uniir.documents import Modality
from uniir.errors import StoreUnavailable
from uniir.filter_language import Condition, Key
from uniir.filters import Filter
from uniir.protocols import IndexReport, Neighbours, Points, StoredVector

_MODALITIES = tuple(Modality)
_BLOCK = 5000


class ExactVectors:
    """Implements VectorStore. With a file, `finish` writes all there and opening reads it back.

    One call at a time: FAISS moves its memory. Searches run on a GPU where `device` allows it and FAISS has one.
    """

    index_kind = "exact"
    most_results = MAX_K

    def __init__(self, dimension: int, file: Path | None = None, device: str = "cpu") -> None:
        self._dimension = dimension
        number = gpu_of(device)
        self._graphics = None if number is None else GraphicsCopy(number, dimension)
        self._file = file
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self._modalities: dict[int, Modality] = {}
        self._busy = Lock()
        if file is not None and file.exists():
            self._read(file)

    @property
    def report(self) -> IndexReport:
        where = "the CPU" if self._graphics is None else f"GPU {self._graphics.number}"
        return IndexReport(self.index_kind, f"the setting `vector_store` says so; FAISS looks at every vector, on {where}", 1.0, {})

    @property
    def declared(self) -> Collection[Key]:
        return ()

    @property
    def lacking(self) -> Collection[Key]:
        return ()

    def narrows(self, where: Condition) -> bool:
        return False

    def otherwise(self, rows: Sequence[StoredVector]) -> Sequence[int]:
        return ()

    def measure(self) -> IndexReport:
        return self.report

    def fill(self, pages: Iterable[Points]) -> int:
        written = 0
        for page in pages:
            self.upsert(page)
            written += len(page.ids)
        self.finish()
        return written

    def upsert(self, points: Points) -> None:
        require_fitting(points.vectors, self._dimension)
        last = {document: position for position, document in enumerate(points.ids)}
        keys = np.fromiter(last, dtype=np.int64, count=len(last))
        with self._busy:
            self._changed()
            self._index.remove_ids(keys)
            self._index.add_with_ids(np.ascontiguousarray(points.vectors[list(last.values())], dtype=np.float32), keys)
            self._modalities.update(zip(points.ids, points.modalities, strict=True))

    def delete(self, ids: Sequence[int]) -> None:
        with self._busy:
            self._changed()
            self._index.remove_ids(np.asarray(ids, dtype=np.int64))
            for document in ids:
                self._modalities.pop(document, None)

    def finish(self) -> None:
        if self._file is None:
            return
        with self._busy:
            keys = np.fromiter(self._modalities, dtype=np.int64, count=len(self._modalities))
            codes = np.asarray([_MODALITIES.index(modality) for modality in self._modalities.values()], dtype=np.int8)
            vectors = self._index.reconstruct_batch(keys) if keys.size else np.empty((0, self._dimension), dtype=np.float32)
        unfinished = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                np.savez(file, ids=keys, modalities=codes, vectors=vectors)
            unfinished.replace(self._file)
        except OSError as error:
            raise StoreUnavailable(
                f"The vectors can't be written to {self._file}: {error.strerror or error}.",
                "Make room, or mend the permissions, then run the same again: it goes on where it stopped.",
            ) from error

    def search(self, vectors: NDArray[np.float32], k: int, where: Filter) -> Neighbours:
        require_fitting(vectors, self._dimension)
        require_k(k)
        with self._busy:
            return self._search(vectors, k, where)

    def scan(self) -> Iterator[NDArray[np.int64]]:
        with self._busy:
            keys = np.fromiter(self._modalities, dtype=np.int64, count=len(self._modalities))
        for start in range(0, keys.size, _BLOCK):
            yield keys[start : start + _BLOCK]

    def close(self) -> None:
        with self._busy:
            self._changed()
            self._index.reset()

    def _search(self, vectors: NDArray[np.float32], k: int, where: Filter) -> Neighbours:
        if not self._modalities:
            return rank([((), ())] * len(vectors), k)
        admitted = None
        if not where.admits_all:
            candidates = self._modalities if where.only is None else where.only & self._modalities.keys()
            admitted = np.asarray([one for one in candidates if where.admits(one, self._modalities[one])], dtype=np.int64)
        queries = np.ascontiguousarray(vectors, dtype=np.float32)
        wanted = min(k + TIE_MARGIN, len(self._modalities))
        if self._graphics is not None and wanted <= MOST_RESULTS:
            scores, ids = self._search_on_gpu(self._graphics, queries, wanted, admitted)
        else:
            parameters = None if admitted is None else faiss.SearchParameters(sel=faiss.IDSelectorBatch(admitted))
            scores, ids = self._index.search(queries, wanted, params=parameters)
        return rank([(row[row >= 0], values[row >= 0]) for row, values in zip(ids, scores, strict=True)], k)

    def _search_on_gpu(
        self, graphics: GraphicsCopy, queries: NDArray[np.float32], k: int, admitted: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """A GPU knows neither ids nor filters: it gets rows and answers with positions."""
        ids = faiss.vector_to_array(self._index.id_map)
        flat = faiss.downcast_index(self._index.index)
        rows = faiss.rev_swig_ptr(flat.get_xb(), ids.size * self._dimension).reshape(ids.size, self._dimension)
        if admitted is None:
            scores, positions = graphics.search(queries, rows, k)
        else:
            kept = np.flatnonzero(np.isin(ids, admitted))
            if not kept.size:
                return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
            ids = ids[kept]
            scores, positions = graphics.search_among(queries, np.ascontiguousarray(rows[kept]), min(k, kept.size))
        return scores, np.where(positions >= 0, ids[positions], -1)

    def _changed(self) -> None:
        if self._graphics is not None:
            self._graphics.forget()

    def _read(self, file: Path) -> None:
        try:
            with file.open("rb") as data, np.load(data, allow_pickle=False) as stored:
                ids, codes, vectors = stored["ids"], stored["modalities"], stored["vectors"]
            modalities = {int(document): _MODALITIES[code] for document, code in zip(ids, codes, strict=True)}
            fits = vectors.shape == (ids.size, self._dimension)
        except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile) as error:
            raise _damaged(file) from error
        if not fits:
            raise _damaged(file)
        if ids.size:
            self._index.add_with_ids(vectors, ids)
        self._modalities = modalities


def _damaged(file: Path) -> StoreUnavailable:
    return StoreUnavailable(f"The vectors in {file} can't be read.", "`uniir rebuild` makes them anew from the catalog, without encoding.")
