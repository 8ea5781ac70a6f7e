"""Judgments: how well a document answers a query, in a person's eyes; what a collection is measured with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from uniir.documents import ImageReference, Json, Modality
from uniir.errors import UsageError
from uniir.filter_language import Condition, read_filter, written
from uniir.ids import format_id, parse_id
from uniir.instructions import Instruction, Instructions
from uniir.queries import Query, Weights

BEST_GRADE = 10
"""Grades are whole: 0 is wrong, 1 right, and what is better may have more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuery:
    """A query as it was understood: with the instruction that was used, its picture by the SHA-256 of its bytes."""

    instruction: Instruction
    text: str | None = None
    image: str | None = None
    target: Modality | None = None
    weights: Weights = field(default_factory=Weights)
    negatives: tuple[str, ...] = ()
    like: tuple[int, ...] = ()
    path: str | None = None
    where: Condition | None = None

    @classmethod
    def of(cls, query: Query, image: str | None, instructions: Instructions) -> JudgedQuery:
        """`image` is the hash of the query's picture; where no instruction is named, the one that search chooses."""
        chosen = query.instruction or instructions.chosen_for(query.modality or Modality.IMAGE_TEXT, query.target)
        return cls(
            instruction=chosen,
            text=query.text,
            image=image,
            target=query.target,
            weights=query.weights,
            negatives=query.negatives,
            like=query.like,
            path=query.path,
            where=query.where,
        )

    def asked(self, picture: Path | None) -> Query:
        """The query itself; `picture` is a file with the picture's bytes."""
        return Query(
            text=self.text,
            image=ImageReference(picture, self.image) if picture is not None else None,
            instruction=self.instruction,
            target=self.target,
            weights=self.weights,
            negatives=self.negatives,
            like=self.like,
            path=self.path,
            where=self.where,
        )

    @property
    def key(self) -> str:
        """SHA-256 of what the query's answer depends on; weights of parts that it has not are nothing of it."""
        parts = {**self.as_json(), "instruction": self.instruction.id, "weights": self._counting_weights()}
        return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def as_json(self) -> dict[str, Json]:
        """What `from_json` reads."""
        one = self.instruction
        return {
            "text": self.text,
            "image": self.image,
            "instruction": {"id": one.id, "query": one.query, "target": one.target, "text": one.wording, "dataset": one.dataset},
            "target": self.target,
            "weights": {name: float(getattr(self.weights, name)) for name in Weights.__slots__},
            "not": list(self.negatives),
            "like": [format_id(number) for number in self.like],
            "path": self.path,
            **({} if self.where is None else {"where": written(self.where)}),  # keys of queries without one stay as they were
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], instructions: Instructions) -> JudgedQuery:
        """From what `as_json` wrote, or less: what is left out is as usual, and an instruction may be an id. Raises UsageError."""
        try:
            weights = Weights(**{name: float(weight) for name, weight in (value.get("weights") or {}).items()})
            target = Modality(value["target"]) if value.get("target") is not None else None
            asked = Query(
                text=value.get("text"),
                image=ImageReference(Path(value["image"])) if value.get("image") is not None else None,
                instruction=_instruction(value.get("instruction"), instructions),
                target=target,
                weights=weights,
                negatives=tuple(value.get("not") or ()),
                like=tuple(parse_id(one) for one in value.get("like") or ()),
                path=value.get("path"),
                where=read_filter(value.get("where") or ""),
            )
            asked.validate()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"This is no query: {error}.", "Its fields are text, image, instruction, target, weights, not, like, path, where."
            ) from None
        return cls.of(asked, value.get("image"), instructions)

    def _counting_weights(self) -> dict[str, Json]:
        parts = {"text": self.text is not None, "image": self.image is not None, "like": bool(self.like), "negative": bool(self.negatives)}
        return {name: float(getattr(self.weights, name)) for name, is_there in parts.items() if is_there}


@dataclass(frozen=True, slots=True)
class Judgment:
    """A document's grade for a query, and when it was given last."""

    id: int
    query: JudgedQuery
    document: int
    grade: int
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure's mean over queries, 0..1, with the bounds that hold it with 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What the judged queries of a collection were answered like, once.

    `queries` have a right answer among their judgments; `left_out` have none. `failed` could not be asked and count as missed.
    `judged_share` is the part of the first ten hits that anybody has judged: what nobody has judged counts as wrong.
    """

    made_at: datetime
    encoder: Mapping[str, Json]
    settings: Mapping[str, Json]
    measures: Mapping[str, Measured]
    queries: int
    judgments: int
    documents: int
    left_out: int = 0
    failed: int = 0
    judged_share: float = 0.0


def require_grade(grade: object) -> int:
    """The grade. Raises UsageError for what is none."""
    if isinstance(grade, bool) or not isinstance(grade, int) or not 0 <= grade <= BEST_GRADE:
        raise UsageError(f"{grade!r} is no grade.", f"Grades are whole numbers: 0 for wrong, 1 for right, up to {BEST_GRADE} for better.")
    return grade


def _instruction(value: object, instructions: Instructions) -> Instruction | None:
    """One that is written out stands as it is, since a person's own file may have changed; a name is looked up."""
    if value is None or isinstance(value, str):
        return None if value is None else instructions.named(value)
    if not isinstance(value, Mapping):
        raise ValueError("an instruction is an id, or has id, query, target and text")
    target = None if value.get("target") is None else Modality(str(value["target"]))
    return Instruction(str(value["id"]), Modality(str(value["query"])), target, str(value["text"]), value.get("dataset"))
