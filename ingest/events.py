"""What an ingest tells while it works. The pipeline never prints; a progress bar, a log or a service listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from uniir.documents import Json
from uniir.ledger import Failure


@dataclass(frozen=True, slots=True)
class Planned:
    """The walk is done: so many sources to read, so many unchanged."""

    to_read: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch is at hand; this file is one of it."""

    file: Path


@dataclass(frozen=True, slots=True)
class Advanced:
    """So many more sources were dealt with, `failed` of them in vain; moved ones and those with new times alone are `unchanged`."""

    sources: int
    failed: int
    added: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Finishing:
    """All is written; the vector store builds its index."""


Event: TypeAlias = Planned | Reading | Advanced | Finishing
Sink: TypeAlias = Callable[[Event], None]


@dataclass
class Counts:
    """What a run did, in sources."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    deleted: int = 0
    gone: int = 0  # missing on disk and kept, for want of --prune
    quarantined: int = 0  # failed in an earlier run and not tried again
    documents: int = 0  # brought into the vector store
    failed: list[Failure] = field(default_factory=list)
    interrupted: bool = False

    @property
    def is_quiet(self) -> bool:
        """Whether everything that was looked at is as it was."""
        return not (self.added or self.changed or self.deleted or self.gone or self.quarantined or self.failed)

    def as_json(self) -> Json:
        """For the catalog's table of runs."""
        numbers = ("added", "changed", "moved", "unchanged", "deleted", "gone", "quarantined", "documents")
        return {name: getattr(self, name) for name in numbers} | {"failed": len(self.failed)}
