"""What is known of an encoder before it is loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from uniir.documents import Json, Modality


@dataclass(frozen=True, slots=True)
class Weakness:
    """A kind of search that was measured and found poor; `target` None is a mixed list. `remark` is one sentence for a person."""

    query: Modality
    target: Modality | None
    remark: str


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository; `revision` is a branch, a tag or a commit, which may be abbreviated."""

    repository: str
    path: str
    revision: str


@dataclass(frozen=True, slots=True)
class HubRepository:
    """A repository of a hub, `ORGANISATION/NAME`; `revision` as in `HubFile`."""

    name: str
    revision: str


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """One encoder as data. `megabytes` counts everything that is loaded for it."""

    name: str
    revision: str
    dimension: int
    megabytes: int
    licence: str
    commercial_use: str
    weights_from: str
    summary: str
    weaknesses: tuple[Weakness, ...]
    instead: str
    repository: HubRepository | None = None  # where `uniir models pull` fetches a whole directory from

    def as_json(self) -> dict[str, Json]:
        """All fields, modalities in M-BEIR's spelling."""
        return asdict(self)

    def describe(self) -> str:
        """A few lines for a terminal."""
        lines = [
            f"{self.name} ({self.revision})",
            f"  {self.summary}",
            f"  dimension {self.dimension}, {self.megabytes} MB; weights: {self.weights_from}",
            f"  licence: {self.licence}; commercial use: {self.commercial_use}",
            *(f"  weak: {remark}" for remark in dict.fromkeys(one.remark for one in self.weaknesses)),
            *([f"  instead: {self.instead}"] if self.instead else ()),
        ]
        return "\n".join(lines)
