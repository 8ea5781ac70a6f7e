"""What a search answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from uniir.documents import Document
from uniir.instructions import Instruction
from uniir.queries import Query


class Band(StrEnum):
    """How good a match is in words; cut points are the encoder's or the reranker's and come from evaluation."""

    STRONG = "strong"
    GOOD = "good"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class BandCuts:
    """From which value on a match is strong or good; anything below is weak."""

    strong: float
    good: float

    def of(self, value: float) -> Band:
        if value >= self.strong:
            return Band.STRONG
        return Band.GOOD if value >= self.good else Band.WEAK


@dataclass(frozen=True, slots=True)
class Complement:
    """The other half of a hit that is a text or a picture alone: the nearest document of the other kind, with its score to the hit."""

    document: Document
    score: float


@dataclass(frozen=True, slots=True)
class ByWords:
    """What words did for a hit: its places among the nearest and among those with the query's words, from 1, and which words it has.

    `nearest_rank` is None where it did not lie near enough to have one.
    """

    nearest_rank: int | None
    lexical_rank: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A document with its place. `parts` are the terms whose sum is the score: text, image, like, not, modality.

    `retrieval_rank` is the place before reranking, `relevance` the reranker's probability; None where it was not reranked.
    `complement` is there where it was asked for and something was found.
    """

    document: Document
    rank: int
    score: float
    parts: Mapping[str, float] = field(default_factory=dict)
    band: Band | None = None
    retrieval_rank: int | None = None
    relevance: float | None = None
    complement: Complement | None = None
    by_words: ByWords | None = None


@dataclass(frozen=True, slots=True)
class ScoreTerm:
    """What a part of the query gives to the score by a part of the document; `document` None is the document as a whole."""

    query: str
    document: str | None
    value: float


@dataclass(frozen=True, slots=True)
class ScoreExplanation:
    """The terms whose sum, with `modality` (what steering added), is the score.

    `separable` is False where a pair's text and picture can't be told apart; `marked` is the sentence that fits the query's text best.
    """

    terms: tuple[ScoreTerm, ...]
    modality: float
    score: float
    separable: bool
    marked: tuple[int, int] | None = None


class RerankState(StrEnum):
    """What became of reranking."""

    PENDING = "pending"  # hits are being read; the first order is shown meanwhile
    DONE = "done"
    OFF = "off"  # asked to be off, or not helpful for this kind of query
    FAILED = "failed"  # the first order stands


@dataclass(frozen=True, slots=True)
class RerankOutcome:
    """`by_default` tells whether it is on for this kind of query when nobody says otherwise; `count` how many hits were read again."""

    state: RerankState = RerankState.OFF
    by_default: bool = False
    reranker: str | None = None
    count: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """What a model wrote in place of the query, in milliseconds; `reason` says why there is no text."""

    model: str | None = None
    milliseconds: float = 0.0
    text: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, the instruction that steered them, milliseconds of every stage, and notes on what a person should know."""

    query: Query
    instruction: Instruction
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]
    notes: tuple[str, ...] = ()
    rerank: RerankOutcome = RerankOutcome()
    instruction_chosen: bool = False  # for the user, since none was named
    guess: Guess | None = None  # where one was asked for
