"""The second look: a reranker reads the best hits again, within a deadline, and the first order stands where it can't."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from search.deadlines import Deadline
from uniir.documents import Document, Modality
from uniir.errors import UniirError
from uniir.hits import BandCuts, RerankOutcome, RerankState
from uniir.protocols import Reranker
from uniir.queries import Query, Reranking

_LOG = logging.getLogger(__name__)
_AT_ONCE = 4
_MOMENT = 0.15  # seconds: an order that is replaced any sooner was never seen


@dataclass(frozen=True, slots=True)
class Reranked:
    """The places of the first order in their new order, and the probabilities of those that were read, by place in the first order."""

    order: tuple[int, ...]
    outcome: RerankOutcome
    relevance: dict[int, float] = field(default_factory=dict)
    cuts: BandCuts | None = None

    @property
    def note(self) -> str | None:
        """What a person should hear: that it failed, or that nothing that was read seems to fit."""
        if self.outcome.state is RerankState.FAILED:
            return f"{self.outcome.reason} The first order stands."
        best = max(self.relevance.values(), default=1.0)
        if self.cuts is not None and best < self.cuts.good:
            return (
                f"Nothing here looks relevant: of {len(self.relevance)} hits read again, the best is so with a probability of {best:.0%}."
            )
        return None


def unread(count: int) -> Reranked:
    """The first order, where nothing reads again."""
    return Reranked(tuple(range(count)), RerankOutcome())


class RerankStage:
    """Reads the first `top` hits, for `seconds` at most. `by_default` knows for which query and target that was measured to help.

    `weight` adds so much of a probability to the first score (LamRA, U-MARVEL+); without it the probability alone makes the order.
    """

    def __init__(
        self,
        reranker: Reranker,
        by_default: Callable[[Modality, Modality | None], bool],
        top: int,
        seconds: float,
        weight: float | None = None,
    ) -> None:
        self._reranker = reranker
        self._weight = weight
        self._by_default = by_default
        self._top = top
        self._deadline: Deadline[NDArray[np.float32] | str] = Deadline("rerank", seconds, _AT_ONCE)

    def wanted(self, query: Query, target: Modality | None) -> bool:
        """Whether hits should be read again: as asked for, else where it helps."""
        return query.rerank is Reranking.ON or (query.rerank is Reranking.AUTO and self.on_by_default(query, target))

    def on_by_default(self, query: Query, target: Modality | None) -> bool:
        return query.modality is not None and self._by_default(query.modality, target)

    @property
    def reranker(self) -> Reranker:
        return self._reranker

    @property
    def top(self) -> int:
        return self._top

    def run(self, query: Query, target: Modality | None, documents: Sequence[Document], scores: Sequence[float]) -> Reranked:
        """The last of the steps."""
        *_, last = self.steps(query, target, documents, scores)
        return last

    def steps(self, query: Query, target: Modality | None, documents: Sequence[Document], scores: Sequence[float]) -> Iterator[Reranked]:
        """The first order where reading takes more than a moment, then the new one.

        Documents are in their first order, with their scores. What can't be read, and what stands below the first `top`, keeps its place.
        """
        first = tuple(range(len(documents)))
        default = self.on_by_default(query, target)
        if not self.wanted(query, target):
            yield Reranked(first, RerankOutcome(RerankState.OFF, default))
            return
        name = self._reranker.name
        places = [place for place, document in enumerate(documents[: self._top]) if self._reranker.reads(query, document)]
        if not places:
            reason = f"There is nothing to read again: the reranker reads {self._reranker.reading}." if documents else None
            yield Reranked(first, RerankOutcome(RerankState.OFF, default, name, reason=reason))
            return
        reading = self._deadline.underway(lambda: self._probabilities(query, [documents[place] for place in places]))
        answer = reading.within(_MOMENT)
        if answer is None:
            yield Reranked(first, RerankOutcome(RerankState.PENDING, default, name, len(places)))
            answer = reading.within(self._deadline.seconds)
        if answer is None:
            answer = f"The reranker took longer than {self._deadline.seconds:g} s."
        if isinstance(answer, str):
            yield Reranked(first, RerankOutcome(RerankState.FAILED, default, name, reason=answer))
            return
        values = answer if self._weight is None else np.array([scores[place] for place in places]) + self._weight * answer
        order = list(first)
        for place, better in zip(places, np.argsort(-values, kind="stable").tolist(), strict=True):
            order[place] = places[better]
        relevance = {place: round(float(value), 6) for place, value in zip(places, answer, strict=True)}
        yield Reranked(tuple(order), RerankOutcome(RerankState.DONE, default, name, len(places)), relevance, self._reranker.cuts)

    def _probabilities(self, query: Query, documents: Sequence[Document]) -> NDArray[np.float32] | str:
        try:
            values = np.asarray(self._reranker.score(query, documents), np.float32)
        except UniirError as error:
            return f"The reranker can't be used: {error.what.rstrip('.')}."
        except Exception:  # whatever a model does wrong, the search has its answer already
            _LOG.exception("reranker %s", self._reranker.name)
            return "The reranker failed."
        if values.shape != (len(documents),):
            return f"The reranker gave values of shape {values.shape} for {len(documents)} hits."
        if not (np.isfinite(values).all() and (values >= 0).all() and (values <= 1).all()):
            return "The reranker gave a value that is no probability."
        return values
