"""Features of every query and candidate that both have a text, worked out once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.starter.text_tower import load_tokenizer
from rerank.features import NAMES, Rarity, TextTraits, compare, traits_of
from rerank.remembering import Memory
from rerank.text import beginning, reads_kind
from training.reranker.lists import FirstLists
from uniir.protocols import TextReader

_MEMORY = 3_000_000  # pieces: everything that one run reads


class Comparisons:
    """Feature rows by the texts compared. Rows of an earlier run with the same table of rare pieces are read from a file."""

    def __init__(self, reader: TextReader, rarity: Rarity, file: Path) -> None:
        self._reader, self._rarity, self._file = reader, rarity, file
        self._memory = Memory(_MEMORY)
        self._known: dict[str, NDArray[np.float32]] = {}
        if file.exists():
            with np.load(file) as stored:
                self._known = dict(zip(stored["keys"].tolist(), stored["rows"], strict=True))

    def rows(self, lists: FirstLists) -> NDArray[np.float32]:
        """[queries, TOP, features]; NaN where the reranker would not read."""
        result = np.full((*lists.relevant.shape, len(NAMES)), np.nan, np.float32)
        for number, (query, candidates) in enumerate(zip(lists.queries, lists.candidates, strict=True)):
            if query.text is not None:
                readable = [beginning(one.text) if one.text and reads_kind(lists.steering, one.modality) else None for one in candidates]
                result[number] = self._of(beginning(query.text), readable)
        return result

    def save(self) -> None:
        np.savez(self._file, keys=np.array(list(self._known)), rows=np.array(list(self._known.values())))

    def _of(self, query: str, texts: Sequence[str | None]) -> NDArray[np.float32]:
        keys = [None if text is None else hashlib.sha256(f"{query}\x1f{text}".encode()).hexdigest()[:24] for text in texts]
        missing = [(key, text) for key, text in zip(keys, texts, strict=True) if key is not None and key not in self._known and text]
        if missing:
            asked, *offered = self._memory.of([query, *(text for _, text in missing)], self._read)
            for (key, _), traits in zip(missing, offered, strict=True):
                self._known[key] = np.array(compare(asked, traits, self._rarity), np.float32)
        nothing = np.full(len(NAMES), np.nan, np.float32)
        return np.stack([nothing if key is None else self._known.get(key, nothing) for key in keys])

    def _read(self, texts: Sequence[str]) -> Sequence[TextTraits]:
        return [traits_of(text, read) for text, read in zip(texts, self._reader.read(texts), strict=True)]


def rarity_of(texts: Iterable[str]) -> Rarity:
    """Inverse document frequency of every piece over some background texts."""
    distinct = sorted(set(texts))
    counts: dict[str, int] = {}
    for encoded in load_tokenizer().encode_batch(distinct):
        for piece in set(encoded.tokens):
            counts[piece] = counts.get(piece, 0) + 1
    total = len(distinct) + 1
    return Rarity(
        {piece: round(float(max(np.log(total / (count + 0.5)), 0.05)), 2) for piece, count in sorted(counts.items()) if count > 1},
        round(float(np.log(total)), 2),
    )
