"""Vector spaces: everything two vectors must share before they may be compared."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from enum import StrEnum

from uniir.errors import SpaceMismatch


class SpaceState(StrEnum):
    """The ACTIVE space of a collection is searched. BUILDING: not yet. RETIRED: not any more. REMOVING: on its way out."""

    ACTIVE = "active"
    BUILDING = "building"
    RETIRED = "retired"
    REMOVING = "removing"


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """The identity of a space. `dtype` is what the encoder computed in; `metric` is always inner product on unit vectors."""

    encoder: str
    weights: str
    preprocessing: str
    dtype: str
    dimension: int
    metric: str = "ip"

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that differ whenever any part differs."""
        return hashlib.sha256("\x1f".join(map(str, astuple(self))).encode()).hexdigest()[:16]

    def require(self, other: VectorSpace) -> None:
        """Raises SpaceMismatch unless both are the same space."""
        if self == other:
            return
        differing = [
            f"{name} {getattr(self, name)!r} against {getattr(other, name)!r}"
            for name in self.__slots__
            if getattr(self, name) != getattr(other, name)
        ]
        raise SpaceMismatch(
            f"The collection was encoded in another vector space: {', '.join(differing)}.",
            "Use the encoder it was made with, or change the collection's encoder: `uniir spaces add --encoder NAME`, "
            "then `uniir spaces promote`.",
        )
