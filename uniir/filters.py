"""Conditions on candidates, as values: every store compiles them for itself, so no text ever becomes syntax."""

from __future__ import annotations

from dataclasses import dataclass

from uniir.documents import Modality
from uniir.filter_language import Condition


@dataclass(frozen=True, slots=True)
class Filter:
    """All conditions must hold. `modalities` and `only` None mean any; `without` bars single documents, `only` bars all others.

    `where` alone is only a hint: a store leaves out what it knows not to fit, and may let anything else through.
    """

    modalities: frozenset[Modality] | None = None
    without: frozenset[int] = frozenset()
    only: frozenset[int] | None = None
    where: Condition | None = None

    def admits(self, document_id: int, modality: Modality) -> bool:
        """Whether a candidate passes, `where` left aside."""
        if document_id in self.without or (self.only is not None and document_id not in self.only):
            return False
        return self.modalities is None or modality in self.modalities

    @property
    def admits_all(self) -> bool:
        """`where` left aside."""
        return self.modalities is None and not self.without and self.only is None


EVERYTHING = Filter()
