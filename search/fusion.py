"""Words beside meaning: documents that hold what was typed are put together with those that lie nearest, by rank."""

from __future__ import annotations

from _thread import start_new_thread
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future

from search.retrieval import Retrieved
from uniir.documents import Document, Modality
from uniir.filters import Filter
from uniir.hits import ByWords
from uniir.lexical import LexicalMatch, words_of
from uniir.protocols import Library
from uniir.queries import MAX_RESULTS, Query, WordSearch

# k of reciprocal rank fusion (Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank
# learning methods", SIGIR 2009)
RANK_CONSTANT = 60
DEPTH = 50  # of both rankings; what lies deeper keeps its order, so that a longer list begins like a shorter one
NEARLY_ALL = 0.9  # of a query, by the rarity of its words: docs/results/words.md


def fused(nearest: Sequence[int], lexical: Sequence[int], without_text: Collection[int]) -> list[int]:
    """Both rankings as one, best first.

    What has no text, and no match by its name, can't be in the second ranking and is not judged by it: it keeps its place in the first,
    and documents with a text share out the places that are left. What has no text but matches by its name goes before all that counts less.
    """
    head = nearest[:DEPTH]
    scores: dict[int, float] = {}
    for ranking in (head, lexical[:DEPTH]):
        for place, document in enumerate(ranking, start=1):
            scores[document] = scores.get(document, 0.0) + 1 / (RANK_CONSTANT + place)
    best = sorted(scores, key=lambda one: -scores[one])
    named = set(lexical[:DEPTH]).intersection(without_text)
    texts = iter([one for one in best if one not in without_text])
    order = [one if one in without_text else next(texts) for one in head if one not in named]
    order += texts
    for one in filter(named.__contains__, best):
        order.insert(next((place for place, other in enumerate(order) if scores[other] < scores[one]), len(order)), one)
    return order + [one for one in nearest[DEPTH:] if one not in scores]


class WordStage:
    """Looks words up. `by_default` knows for which query and target that was measured to help."""

    def __init__(self, library: Library, by_default: Callable[[Modality, Modality | None], bool]) -> None:
        self._library = library
        self._by_default = by_default

    def begin(self, query: Query, target: Modality | None) -> Future[Sequence[LexicalMatch]]:
        """The matches, best first, looked up while the caller does something else. `target` is what the instruction asks for."""
        matches = Future[Sequence[LexicalMatch]]()
        least = self._least(query, target)
        if least is None or query.text is None:
            matches.set_result(())
        else:
            # threading.Thread waits for the new thread, which meanwhile keeps the interpreter to itself: two milliseconds of a search
            start_new_thread(_fulfil, (matches, lambda: self._matches(query, query.text or "", least)))
        return matches

    def joined(
        self, retrieved: Retrieved, matches: Sequence[LexicalMatch], query: Query, scores: Callable[[Sequence[int]], Mapping[int, float]]
    ) -> tuple[Retrieved, Mapping[int, ByWords]]:
        """The fused order, and why; `scores` tells those of documents that did not lie near enough.

        A match that holds all words of something unwanted is none.
        """
        ranks = {one: place for place, (one, _) in enumerate(retrieved.found, start=1)}
        further = [match.document for match in matches if match.document not in ranks]
        known = {**dict(retrieved.found), **scores(further)}
        documents = {**retrieved.documents, **self._library.findable(further)}
        unwanted = [set(words_of(text)) for text in query.negatives]
        matches = [
            match
            for match in matches
            if match.document in known and match.document in documents and not _holds_any(documents[match.document].document, unwanted)
        ]
        without_text = {one for one in known if one in documents and documents[one].document.text is None}
        order = fused(list(ranks), [match.document for match in matches], without_text)
        reasons = {match.document: ByWords(ranks.get(match.document), place, match.words) for place, match in enumerate(matches, start=1)}
        return Retrieved([(one, known[one]) for one in order], documents), reasons

    def _least(self, query: Query, target: Modality | None) -> float | None:
        """How much of the query a document must hold; None where words are not looked at."""
        if query.words is WordSearch.ON:
            return 0.0
        helps = query.modality is not None and self._by_default(query.modality, target)
        return NEARLY_ALL if query.words is WordSearch.AUTO and helps else None

    def _matches(self, query: Query, text: str, least: float) -> Sequence[LexicalMatch]:
        where = Filter(frozenset({query.target}) if query.target is not None else None, frozenset(query.like))
        narrowed = query.path or query.where is not None
        found = self._library.lexical_matches(words_of(text), MAX_RESULTS if narrowed else DEPTH, where, least)
        if narrowed and found:
            fitting = self._library.fitting([match.document for match in found], query.path, query.where)
            found = [match for match in found if match.document in fitting]
        return found[:DEPTH]


def _holds_any(document: Document, unwanted: Sequence[set[str]]) -> bool:
    return bool(unwanted) and any(words <= set(words_of(document.text or "")) for words in unwanted if words)


def _fulfil(future: Future[Sequence[LexicalMatch]], look: Callable[[], Sequence[LexicalMatch]]) -> None:
    try:
        future.set_result(look())
    except BaseException as error:  # the one who waits raises it
        future.set_exception(error)
