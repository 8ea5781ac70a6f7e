"""Conditions on candidates, as values: every store compiles them for itself, so no text ever becomes syntax."""

from __future__ import annotations

from dataclasses import dataclass

from uniir.documents import Modality


@dataclass(frozen=True, slots=True)
class Filter:
    """All conditions must hold. `modalities` None means any; `without` bars single documents."""

    modalities: frozenset[Modality] | None = None
    without: frozenset[int] = frozenset()

    def admits(self, document_id: int, modality: Modality) -> bool:
        """Whether a candidate passes."""
        return document_id not in self.without and (self.modalities is None or modality in self.modalities)

    @property
    def is_empty(self) -> bool:
        return self.modalities is None and not self.without


EVERYTHING = Filter()
