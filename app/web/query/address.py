"""What is asked, and how it stands in the page's address: a link holds the whole search."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from uniir.documents import Modality
from uniir.filter_language import MAX_LENGTH
from uniir.queries import MAX_RESULTS, Reranking, WordSearch
from uniir.wire import MAX_TEXT, QueryWeights, SearchRequest

RESULTS = 48
MAX_SLIDER = 2.0
MAX_NEGATIVES = 20
_SHA256 = re.compile("[0-9a-f]{64}")
_DOCUMENT = re.compile("[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{13}")
_KINDS = {"picture": Modality.IMAGE, "text": Modality.TEXT, "pair": Modality.IMAGE_TEXT}
_KIND_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A search as a person put it together. `collection` None is the service's own choice."""

    text: str = ""
    picture: str | None = None
    like: tuple[str, ...] = ()
    instruction: str | None = None
    kind: Modality | None = None
    collection: str | None = None
    text_weight: float = 1.0
    picture_weight: float = 1.0
    negatives: tuple[str, ...] = ()
    path: str = ""
    where: str = ""
    results: int = RESULTS
    rerank: Reranking = Reranking.AUTO
    words: WordSearch = WordSearch.AUTO
    guess: bool = False
    halves: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to search for."""
        return not (self.text.strip() or self.picture or self.like)

    @property
    def modality(self) -> Modality | None:
        """What the query is made of; None where nothing is given."""
        if self.text.strip() or self.picture:
            return Modality.of(text=bool(self.text.strip()), image=self.picture is not None)
        return Modality.IMAGE_TEXT if self.like else None

    @property
    def is_likeness(self) -> bool:
        """Whether a result is all that is given."""
        return bool(self.like) and not self.text.strip() and self.picture is None

    @property
    def unusual(self) -> int:
        """How many of the options are not as they normally are."""
        return sum(getattr(self, name) != normal for name, normal in NORMAL.items())

    def has_the_bar_of(self, other: Ask) -> bool:
        """Whether the query bar looks the same for both: what differs is which words, or whether to rerank."""
        return replace(self, text=other.text, rerank=other.rerank) == other and bool(self.text.strip()) == bool(other.text.strip())

    def as_request(self) -> SearchRequest:
        """The search for the service."""
        return SearchRequest(
            text=self.text.strip() or None,
            image=self.picture,
            instruction=self.instruction,
            target=self.kind,
            k=self.results,
            weights=QueryWeights(text=self.text_weight, image=self.picture_weight),
            negatives=list(self.negatives),
            like=list(self.like),
            path=self.path.strip() or None,
            where=self.where.strip() or None,
            rerank=self.rerank,
            words=self.words,
            guess=self.guess,
            complement=self.halves,
            collection=self.collection,
        )


_OPTIONS = ("text_weight", "picture_weight", "negatives", "path", "where", "results", "words", "guess", "halves")
NORMAL: Mapping[str, Any] = {name: getattr(Ask(), name) for name in _OPTIONS}  # the options of a search as they are when nobody sets them


@dataclass(frozen=True, slots=True)
class Address:
    """A search, and the document that is open over it."""

    ask: Ask = Ask()
    document: str | None = None

    def as_parameters(self) -> dict[str, list[str]]:
        """The part behind the question mark; what is as always is left out."""
        return {name: values for name, values in self._parameters() if values}

    def _parameters(self) -> Iterator[tuple[str, list[str]]]:
        ask = self.ask
        yield "text", [ask.text] if ask.text else []
        yield "picture", [ask.picture] if ask.picture else []
        yield "like", list(ask.like)
        yield "instruction", [ask.instruction] if ask.instruction else []
        yield "kind", [_KIND_NAMES[ask.kind]] if ask.kind else []
        yield "collection", [ask.collection] if ask.collection else []
        yield "text_weight", [f"{ask.text_weight:g}"] if ask.text_weight != 1 else []
        yield "picture_weight", [f"{ask.picture_weight:g}"] if ask.picture_weight != 1 else []
        yield "not", list(ask.negatives)
        yield "path", [ask.path] if ask.path else []
        yield "where", [ask.where] if ask.where else []
        yield "results", [str(ask.results)] if ask.results != RESULTS else []
        yield "rerank", [str(ask.rerank)] if ask.rerank is not Reranking.AUTO else []
        yield "words", [str(ask.words)] if ask.words is not WordSearch.AUTO else []
        yield "guess", ["on"] if ask.guess else []
        yield "halves", ["on"] if ask.halves else []
        yield "document", [self.document] if self.document else []


def read(parameters: Mapping[str, Sequence[str]]) -> Address:
    """The search in an address. A part that can't be used is left out, since links are cut off and typed by hand."""

    def first(name: str) -> str:
        return next(iter(parameters.get(name, ())), "")

    ask = Ask(
        text=_clean(first("text"))[:MAX_TEXT],
        picture=first("picture") if _SHA256.fullmatch(first("picture")) else None,
        like=tuple(name for name in parameters.get("like", ()) if _DOCUMENT.fullmatch(name))[:MAX_NEGATIVES],
        instruction=_clean(first("instruction"))[:1000] or None,
        kind=_KINDS.get(first("kind")),
        collection=_clean(first("collection"))[:100] or None,
        text_weight=_weight(first("text_weight")),
        picture_weight=_weight(first("picture_weight")),
        negatives=tuple(_clean(text)[:MAX_TEXT] for text in parameters.get("not", ()) if _clean(text).strip())[:MAX_NEGATIVES],
        path=_clean(first("path"))[:4096],
        where=_clean(first("where"))[:MAX_LENGTH],
        results=_results(first("results")),
        rerank=Reranking(first("rerank")) if first("rerank") in set(Reranking) else Reranking.AUTO,
        words=WordSearch(first("words")) if first("words") in set(WordSearch) else WordSearch.AUTO,
        guess=first("guess") == "on",
        halves=first("halves") == "on",
    )
    return Address(ask, first("document") if _DOCUMENT.fullmatch(first("document")) else None)


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 1.0
    return round(min(max(value, 0.0), MAX_SLIDER), 1) if math.isfinite(value) else 1.0


def _results(text: str) -> int:
    return min(max(int(text), 1), MAX_RESULTS) if text.isascii() and text.isdigit() and len(text) < 9 else RESULTS
