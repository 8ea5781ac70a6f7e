"""What a person asks, as a value that can be printed, stored and replayed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from uniir.documents import ImageReference, Modality
from uniir.errors import InputFailure, QueryError
from uniir.filter_language import Condition
from uniir.instructions import Instruction
from uniir.texts import require_clean

MAX_RESULTS = 1000
MAX_WEIGHT = 1000


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part counts in the sum that makes the query vector."""

    text: float = 1.0
    image: float = 1.0
    like: float = 1.0
    negative: float = 0.5


class Reranking(StrEnum):
    """Whether a second model reads the best hits again: where it was measured to help, always, or never."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class WordSearch(StrEnum):
    """Which documents the query's words bring forward: where it was measured to help those that hold nearly all, any that match, none."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search: parts, instruction, wanted modality, and what to avoid or resemble."""

    text: str | None = None
    image: ImageReference | None = None
    instruction: Instruction | None = None
    target: Modality | None = None
    weights: Weights = field(default_factory=Weights)
    negatives: tuple[str, ...] = ()
    like: tuple[int, ...] = ()
    path: str | None = None  # only documents whose path starts so, below its root or in full
    where: Condition | None = None  # only documents that fit
    rerank: Reranking = Reranking.AUTO
    words: WordSearch = WordSearch.AUTO
    guess: bool = False  # whether a model's guess of what is looked for is searched in place of words and picture
    complement: bool = False  # whether hits that are a text or a picture alone get their missing half
    k: int = 10

    @property
    def modality(self) -> Modality | None:
        """What the query is made of; None where it has neither text nor image (only `like`)."""
        if self.text is None and self.image is None:
            return None
        return Modality.of(text=self.text is not None, image=self.image is not None)

    def validate(self) -> None:
        """Raises QueryError for a query that asks for nothing, or for something no answer fits."""
        if self.modality is None and not self.like:
            raise QueryError("The query is empty.", "Give a text, a picture with `--image`, or an id with `--like`.")
        if not 1 <= self.k <= MAX_RESULTS:
            raise QueryError(f"{self.k} results can't be asked for.", f"Ask for 1 to {MAX_RESULTS:,}.")
        for text in filter(None, (self.text, *self.negatives)):
            try:
                require_clean(text, "the text")
            except InputFailure as failure:
                raise QueryError(f"The query can't be used: {failure.reason}.") from None
        try:
            require_clean(self.path or "", "the path")
        except InputFailure as failure:
            raise QueryError(f"The query can't be used: {failure.reason}.") from None
        if (self.text is not None and not self.text.strip()) or not all(text.strip() for text in self.negatives):
            raise QueryError("A text of the query is blank.", "Leave it out instead.")
        weights = (self.weights.text, self.weights.image, self.weights.like, self.weights.negative)
        if not all(0 <= weight <= MAX_WEIGHT for weight in weights):
            raise QueryError("A weight is negative, no number or too large.", f"Weights are 0 to {MAX_WEIGHT:,}; `--not` takes away.")
