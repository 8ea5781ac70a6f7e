"""Which index a collection gets, and how each engine wants to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Lite takes any name, reports it as built and searches without an index; only these are really built (of those we use).
HNSW_FROM_ROWS = 5_000  # below, FLAT answers in under 20 ms and costs nothing to build


@dataclass(frozen=True, slots=True)
class IndexChoice:
    type: str
    build: Mapping[str, int] = field(default_factory=dict)
    search: Mapping[str, int] = field(default_factory=dict)


FLAT = IndexChoice("FLAT")
HNSW = IndexChoice("HNSW", {"M": 16, "efConstruction": 200}, {"ef": 256})


def choose_index(rows: int) -> IndexChoice:
    """The index for this many rows."""
    return HNSW if rows >= HNSW_FROM_ROWS else FLAT


def index_of_type(name: str) -> IndexChoice:
    """The choice behind an index type that a collection has."""
    return HNSW if name == HNSW.type else FLAT


def lite_parameters(choice: IndexChoice) -> dict[str, dict[str, int]]:
    """Lite drops build parameters given flat, as a server wants them, and keeps them nested."""
    return {"params": dict(choice.build)} if choice.build else {}


def search_parameters(choice: IndexChoice, k: int) -> dict[str, dict[str, int]]:
    """`ef` below k would return fewer than k rows."""
    return {"params": {"ef": max(choice.search["ef"], 2 * k)}} if "ef" in choice.search else {}
