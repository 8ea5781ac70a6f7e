"""Answering a query: instruction, query vector, nearest neighbours, catalog, hits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search.bands import bands_of
from search.calibrating import calibrated
from search.complement import ComplementStage
from search.composition import QueryVector, compose
from search.embedding import Embed, EncodeAtOnce
from search.explanation import best_sentence, encoded, terms_of
from search.fusion import DEPTH, WordStage
from search.guessing import Guessed, GuessStage
from search.reranking import Reranked, RerankStage, unread
from search.retrieval import Retrieval, Retrieved
from uniir.calibration import Calibration
from uniir.documents import Document, Modality
from uniir.errors import InputFailure, NotFound, QueryError
from uniir.hits import BandCuts, ByWords, Guess, Hit, RerankState, ScoreExplanation, SearchResult
from uniir.ids import format_id
from uniir.instructions import Instruction, Instructions
from uniir.lexical import LexicalMatch
from uniir.protocols import Encoder, Findable, ImageLoader, Library, VectorStore
from uniir.queries import Query


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found, before anything is read again. `stages` goes on to be filled."""

    query: Query
    chosen: bool
    instruction: Instruction
    target: Modality | None
    guessed: Guessed | None
    vector: QueryVector
    found: Sequence[tuple[int, float]]
    documents: Mapping[int, Findable]
    by_words: Mapping[int, ByWords]
    stages: dict[str, float]
    notes: tuple[str, ...]

    @property
    def in_order(self) -> Sequence[Document]:
        return [self.documents[one].document for one, _ in self.found]


class SearchService:
    """Searches one collection. `remarks` knows what a person should hear about a kind of search, such as a weakness of the encoder."""

    def __init__(
        self,
        encoder: Encoder,
        store: VectorStore,
        library: Library,
        images: ImageLoader,
        instructions: Instructions,
        remarks: Callable[[Modality, Modality | None], Sequence[str]],
        embed: Embed | None = None,
        bands: Callable[[Modality, Modality | None], BandCuts | None] | None = None,
        reranking: RerankStage | None = None,
        guessing: GuessStage | None = None,
        calibration: Callable[[], Calibration | None] = lambda: None,
        words: Callable[[Modality, Modality | None], bool] = lambda query, target: False,
    ) -> None:
        """`embed` encodes the parts of a query; none: here and one query at a time. `bands` knows what scores mean in words.

        `calibration` knows what the reranker's values were found to mean here, `words` for which kinds of search words help.
        """
        self._encoder = encoder
        self._library = library
        self._images = images
        self._embed = embed or EncodeAtOnce(encoder, images)
        self._instructions = instructions
        self._remarks = remarks
        self._bands = bands
        self._reranking = reranking
        self._guessing = guessing
        self._calibration = calibration
        self._retrieval = Retrieval(store, library)
        self._words = WordStage(library, words)
        self._complements = ComplementStage(encoder, store, library, instructions, self._embed)

    def search(self, query: Query) -> SearchResult:
        """The k best documents. Raises QueryError for a bad query, StoreUnavailable where the store does not answer."""
        look = self._look(query)
        *_, last = self._orders(look)
        return self._answered(look, last)

    def search_in_steps(self, query: Query) -> Iterator[SearchResult]:
        """The first order where reading again takes more than a moment, then what `search` answers. Raises as `search` does."""
        look = self._look(query)
        for order in self._orders(look):
            yield self._answered(look, order)

    def _look(self, query: Query) -> _Look:
        query.validate()
        stages: dict[str, float] = {}
        chosen = query.instruction is None
        instruction, notes = self._instruct(query)
        query = replace(query, instruction=instruction)
        target = query.target or instruction.target
        matching = self._words.begin(query, target)
        guessed = None
        if query.guess:
            with _timed(stages, "guess"):
                guessed = self._guessed(query, instruction, target)
        with _timed(stages, "encode"):
            vector = compose(guessed.query if guessed is not None else query, target, self._encoder, self._embed, self._library)
        with _timed(stages, "search"):
            retrieved, by_words = self._retrieved(vector.vector, query, self._count(query, target), matching)
        return _Look(
            query, chosen, instruction, target, guessed, vector, retrieved.found, retrieved.documents, by_words, stages, tuple(notes)
        )

    def _retrieved(
        self, vector: NDArray[np.float32], query: Query, count: int, matching: Future[Sequence[LexicalMatch]]
    ) -> tuple[Retrieved, Mapping[int, ByWords]]:
        """What lies nearest, together with what has the query's words."""
        matches = matching.result()
        if not matches:
            return self._retrieval.nearest(vector, query, count), {}
        near = self._retrieval.nearest(vector, query, max(count, DEPTH))
        joined, by_words = self._words.joined(near, matches, query, lambda ids: self._retrieval.scores(vector, ids))
        return Retrieved(joined.found[:count], joined.documents), by_words

    def _orders(self, look: _Look) -> Iterator[Reranked]:
        """One, or the first and the one after reading again."""
        if self._reranking is None:
            yield unread(len(look.found))
            return
        start = time.perf_counter()
        for reranked in self._reranking.steps(look.query, look.target, look.in_order, [score for _, score in look.found]):
            calibration = self._calibration() if reranked.relevance else None
            if reranked.outcome.state is not RerankState.PENDING:
                look.stages["rerank"] = _milliseconds_since(start)
            yield reranked if calibration is None else calibrated(reranked, calibration)

    def _answered(self, look: _Look, reranked: Reranked) -> SearchResult:
        query, stages, notes = look.query, dict(look.stages), list(look.notes)
        with _timed(stages, "explain"):
            hits = self._hits(look, reranked)[: query.k]
        if query.complement and reranked.outcome.state is not RerankState.PENDING:
            with _timed(stages, "complement"):
                hits, note = self._completed(query, hits)
            notes += [note] if note else []
        stages["total"] = round(sum(stages.values()), 3)
        if not hits and (unseen := self._unseen(query)):
            notes.append(f"The catalog holds {unseen:,} of these, and the vector store finds none: `uniir doctor` says what is lost.")
        elif len(hits) < query.k and (query.path or query.where is not None or query.target is not None):
            notes.append(_few(query, len(hits)))
        notes += [note for note in (look.guessed and look.guessed.note, reranked.note) if note]
        notes += self._remarks(look.instruction.query, look.target)
        guess = look.guessed.guess if look.guessed else None
        return SearchResult(query, look.instruction, hits, stages, tuple(notes), reranked.outcome, look.chosen, guess)

    def _unseen(self, query: Query) -> int:
        """How many documents a search should have found that found nothing; none where it is narrowed by more than a modality."""
        if query.path or query.where is not None:
            return 0
        return len(self._library.ids_below("", query.target) - frozenset(query.like))

    def _guessed(self, query: Query, instruction: Instruction, target: Modality | None) -> Guessed:
        if self._guessing is None:
            return Guessed(query, Guess(reason="No model for guesses is set (`guess_url`)."))
        return self._guessing.run(query, instruction, target)

    def _completed(self, query: Query, hits: tuple[Hit, ...]) -> tuple[tuple[Hit, ...], str | None]:
        complements = self._complements.run(query, [hit.document for hit in hits])
        return tuple(replace(hit, complement=complements.found.get(hit.document.id)) for hit in hits), complements.note

    def explain(self, query: Query, document: int) -> ScoreExplanation:
        """Why a document has its score in this search, whether or not it is among the hits. Raises QueryError, NotFound."""
        query.validate()
        instruction, _ = self._instruct(query)
        query, target = replace(query, instruction=instruction), query.target or instruction.target
        if query.guess:
            query = self._guessed(query, instruction, target).query
        vector = compose(query, target, self._encoder, self._embed, self._library)
        found = self._library.documents([document]).get(document)
        score = self._retrieval.scores(vector.vector, [document]).get(document)
        if found is None or score is None:
            raise NotFound(
                f"There is no document {format_id(document)} in this collection.", "Take an id from a search in the same collection."
            )
        score = round(score, 6)
        terms, separable = terms_of(vector, found, self._stored(found), self._encoder, self._images)
        marked = best_sentence(query, found.text, self._encoder, self._images)
        return ScoreExplanation(terms, round(score - sum(term.value for term in terms), 6), score, separable, marked)

    def _stored(self, document: Document) -> NDArray[np.float32]:
        """The document's vector, made anew where the catalog keeps none."""
        vector = self._library.vectors([document.id]).get(document.id)
        if vector is not None:
            return vector.astype(np.float32)
        try:
            return encoded(document, self._encoder, self._images)
        except InputFailure as failure:
            raise QueryError(f"The document {format_id(document.id)} can't be read again: {failure.reason}.") from None

    def _instruct(self, query: Query) -> tuple[Instruction, list[str]]:
        """The instruction given, or the plain one for what goes in and what should come out."""
        modality = query.modality or Modality.IMAGE_TEXT
        chosen = query.instruction
        if chosen is None:
            return self._instructions.chosen_for(modality, query.target), []
        notes = []
        if query.modality is not None and chosen.query is not query.modality:
            notes.append(f"The instruction {chosen.id} is meant for {chosen.query} queries; this one is {query.modality}.")
        if query.target is not None and chosen.target not in (None, query.target):
            notes.append(f"The instruction {chosen.id} asks for {chosen.target}; the target {query.target} overrules it.")
        return chosen, notes

    def _count(self, query: Query, target: Modality | None) -> int:
        """k, or as many as are read again."""
        if self._reranking is None or not self._reranking.wanted(query, target):
            return query.k
        return max(query.k, self._reranking.top)

    def _hits(self, look: _Look, reranked: Reranked) -> tuple[Hit, ...]:
        vector, found = look.vector, look.found
        vectors = {one: stored for one, _ in found if (stored := look.documents[one].vector) is not None}
        parts = dict(zip(vectors, vector.contributions(np.stack(list(vectors.values()))), strict=True)) if vectors else {}
        relevance = [reranked.relevance.get(place) for place in reranked.order]
        cuts = self._bands(vector.steering.query, vector.steering.target) if self._bands is not None else None
        places = reranked.order if look.by_words else range(len(found))
        bands = bands_of([found[place][1] for place in places], cuts, relevance, reranked.cuts)
        hits = []
        for rank, (place, likely, band) in enumerate(zip(reranked.order, relevance, bands, strict=True), start=1):
            one, score = found[place]
            before = None if likely is None else place + 1
            reason = look.by_words.get(one)
            hits.append(Hit(look.documents[one].document, rank, round(score, 6), parts.get(one, {}), band, before, likely, by_words=reason))
        return tuple(hits)


def _few(query: Query, count: int) -> str:
    if count:
        return f"Only {count:,} documents fit." if count > 1 else "Only 1 document fits."
    if query.where is not None:
        return "No document fits the filter" + (f" below {query.path!r}." if query.path else ".")
    return f"No document's path starts with {query.path!r}." if query.path else "No document fits."


@contextmanager
def _timed(stages: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    stages[name] = _milliseconds_since(start)


def _milliseconds_since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 3)
