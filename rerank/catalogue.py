"""Which rerankers there are, and for which searches one was measured to help. A new reranker is one row here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rerank.text import TextReranker
from uniir.documents import Modality
from uniir.protocols import Reranker, TextReader


@dataclass(frozen=True, slots=True)
class RerankerSpec:
    """One reranker as data. `helps` holds query and target (None: a mixed list) by the encoder that found the first list."""

    name: str
    summary: str
    helps: Mapping[str, frozenset[tuple[Modality, Modality | None]]]


TEXT = RerankerSpec(
    name="text",
    summary="Reads texts word by word with the starter encoder's language model, for queries of words alone.",
    # docs/results/rerank.md: better on validation and on evaluation, beyond chance on both
    helps=MappingProxyType({"starter": frozenset({(Modality.TEXT, Modality.TEXT)})}),
)


def by_default(encoder: str, query: Modality, target: Modality | None) -> bool:
    """Whether reranking is on when nobody says otherwise, for lists of this encoder."""
    return (query, target) in TEXT.helps.get(encoder, frozenset())


def load_reranker(reader: TextReader) -> Reranker:
    """Raises ModelUnavailable."""
    return TextReranker.load(reader)
