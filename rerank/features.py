"""How well a text answers another one, in four numbers, from what a language model read piece by piece."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniir.protocols import ReadText
from uniir.sentences import sentences

NAMES = ("meaning", "sentence", "words", "overlap")
_WORD = re.compile(r"\w")
_SPECIAL = frozenset({"[CLS]", "[SEP]", "[PAD]", "[UNK]"})


@dataclass(frozen=True, slots=True)
class Rarity:
    """How much a piece tells: high for rare ones. What no background text held is the rarest."""

    of_known: Mapping[str, float]
    of_unknown: float

    def of(self, pieces: tuple[str, ...]) -> NDArray[np.float32]:
        return np.array([self.of_known.get(piece, self.of_unknown) for piece in pieces], np.float32)


@dataclass(frozen=True, slots=True)
class TextTraits:
    """What is kept of a text: its meaning, that of each sentence, and its pieces with their vectors; all of unit length."""

    meaning: NDArray[np.float32]
    sentences: NDArray[np.float32]
    pieces: tuple[str, ...]
    vectors: NDArray[np.float16]


def traits_of(text: str, read: ReadText) -> TextTraits:
    """Sentences are means over their part of the whole text's reading, so that one reading is enough."""
    meaning = _unit(read.vectors.mean(axis=0))
    spoken = np.array([bool(_WORD.search(piece)) and piece not in _SPECIAL for piece in read.pieces], bool)
    starts, ends = read.spans[:, 0], read.spans[:, 1]
    parts = []
    for start, end in sentences(text):
        inside = (starts >= start) & (ends <= end) & (ends > starts)
        if inside.any():
            parts.append(_unit(read.vectors[inside].mean(axis=0)))
    pieces = tuple(piece for piece, kept in zip(read.pieces, spoken, strict=True) if kept)
    return TextTraits(meaning, np.stack(parts or [meaning]), pieces, _unit(read.vectors[spoken]).astype(np.float16))


def compare(query: TextTraits, document: TextTraits, rarity: Rarity) -> tuple[float, float, float, float]:
    """In the order of NAMES: cosine of the whole texts; of the best sentence; of each query piece's best match and share of pieces held.

    The last two are weighted by how rare the query's pieces are.
    """
    meaning = float(query.meaning @ document.meaning)
    sentence = float((document.sentences @ query.meaning).max())
    if not query.pieces or not document.pieces:
        return meaning, sentence, 0.0, 0.0
    weights = rarity.of(query.pieces)
    best = (query.vectors.astype(np.float32) @ document.vectors.astype(np.float32).T).max(axis=1)
    words = float(weights @ best / weights.sum())
    held = frozenset(document.pieces)
    distinct = tuple(dict.fromkeys(query.pieces))
    shares = rarity.of(distinct)
    overlap = float(shares @ np.array([piece in held for piece in distinct], np.float32) / shares.sum())
    return meaning, sentence, words, overlap


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
