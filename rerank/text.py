"""The first reranker: a logistic regression over what a small language model reads, for texts that are asked for by text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from rerank.features import NAMES, Rarity, TextTraits, compare, traits_of
from rerank.remembering import Memory
from uniir.documents import Document, Modality
from uniir.errors import ModelUnavailable
from uniir.hits import BandCuts
from uniir.protocols import Steering, TextReader
from uniir.queries import Query

MODEL_FILE = "text.json"
RARITY_FILE = "rarity.npz"
_LONGEST = 600  # characters of a text that are read: what a passage is about stands early, and twice as much takes twice the time


@dataclass(frozen=True, slots=True)
class Regression:
    """`weights` by NAMES of features, and the intercept: what training/reranker wrote."""

    weights: tuple[float, ...]
    intercept: float

    def probabilities(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(1 / (1 + np.exp(-(rows @ np.asarray(self.weights) + self.intercept))), np.float32)


class TextReranker:
    """Implements `uniir.protocols.Reranker` for queries of words alone and documents that have a text; pictures are not looked at."""

    name = "text"
    reading = "texts, for queries of words alone"

    def __init__(
        self, reader: TextReader, regression: Regression, rarity: Rarity, cuts: BandCuts | None = None, memory: Memory | None = None
    ) -> None:
        self.cuts = cuts
        self.version = hashlib.sha256(f"{regression} {rarity.of_unknown}".encode()).hexdigest()[:16]
        self._reader = reader
        self._regression = regression
        self._rarity = rarity
        self._memory = memory or Memory()

    @classmethod
    def load(cls, reader: TextReader) -> TextReranker:
        """With the weights that came with the package. Raises ModelUnavailable where they are missing."""
        return cls(reader, *load_model())

    def reads(self, query: Query, candidate: Document) -> bool:
        if query.text is None or not (candidate.text and candidate.text.strip()):
            return False
        wanted = query.target or (query.instruction.target if query.instruction is not None else None)
        return reads_kind(Steering(Modality.of(text=True, image=query.image is not None), wanted), candidate.modality)

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        if not candidates:
            return np.empty(0, np.float32)
        texts = [query.text or "", *(one.text or "" for one in candidates)]
        asked, *offered = self._memory.of([beginning(text) for text in texts], self._read)
        rows = np.array([compare(asked, one, self._rarity) for one in offered], np.float32)
        return self._regression.probabilities(rows)

    def _read(self, texts: Sequence[str]) -> Sequence[TextTraits]:
        return [traits_of(text, read) for text, read in zip(texts, self._reader.read(texts), strict=True)]


def beginning(text: str) -> str:
    """What is read of a text."""
    return text[:_LONGEST]


def reads_kind(search: Steering, candidate: Modality) -> bool:
    """Texts, for words alone; pairs only where nothing but pairs was asked for.

    Beside a picture words are often "what is this?", and read alone they cost more than half of nDCG@10 on validation. In a mixed list
    pairs would be judged by half of what they are.
    """
    if search.query is not Modality.TEXT:
        return False
    return candidate is Modality.TEXT or (candidate is search.target is Modality.IMAGE_TEXT)


def load_model() -> tuple[Regression, Rarity, BandCuts]:
    """Raises ModelUnavailable where the files are missing or do not belong together."""
    folder = files("rerank") / "data"
    way_out = "Install uniir again, or train the reranker with `python -m training.reranker`."
    try:
        described = json.loads((folder / MODEL_FILE).read_text("utf-8"))
        table = (folder / RARITY_FILE).read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"The reranker's weights are missing ({error}).", way_out) from None
    if described["rarity_sha256"] != hashlib.sha256(table).hexdigest() or tuple(described["features"]) != NAMES:
        raise ModelUnavailable(f"{MODEL_FILE} and {RARITY_FILE} of the reranker do not belong together.", way_out)
    with (folder / RARITY_FILE).open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
        pieces = stored["pieces"].tobytes().decode("utf-8").split("\n")
        known = dict(zip(pieces, stored["rarity"].astype(np.float32).tolist(), strict=True))
    regression = Regression(tuple(described["weights"]), described["intercept"])
    return regression, Rarity(known, described["rarity_of_unknown"]), BandCuts(**described["cuts"])
