"""What a search answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from uniir.documents import Document
from uniir.instructions import Instruction
from uniir.queries import Query


@dataclass(frozen=True, slots=True)
class Hit:
    """A document with its place. `parts` are the terms whose sum is the score: text, image, like, not, modality."""

    document: Document
    rank: int
    score: float
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, the instruction that steered them, milliseconds of every stage, and notes on what a person should know."""

    query: Query
    instruction: Instruction
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]
    notes: tuple[str, ...] = ()
