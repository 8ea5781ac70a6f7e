"""What stands above the results and on their tiles."""

from __future__ import annotations

from collections.abc import Sequence

from app.web.kind_words import BANDS, ONE
from uniir.counting import counted
from uniir.documents import Modality
from uniir.hits import Band

RERANK = "Rerank"
RERANKING = "Reranking…"
NOT_RERANKED = "Not reranked"
RERANK_NOW = "Rerank now"
COPY_LINK = "Copy link"
LINK_COPIED = "Link copied"
RERANK_OFF_BY_DEFAULT = "Reranking does not help this kind of query, so it is off."
RERANK_ON_BY_DEFAULT = "A second model reads the best results again. It helps this kind of query, so it is on."
NARROW = "Narrow down"
KIND = "Kind"
FOLDER = "Folder"
COUNTING = "Counting what there is"
NOTHING_TO_NARROW = "Nothing here tells the documents apart."
WEAKER = "Weaker matches"
MORE_LIKE_THIS = "More like this"
SEARCH_WITH_PICTURE = "Search with this picture"
ORIGINAL = "Original"
NO_PREVIEW = "No preview"
FITS = "Fits"
FAILS = "Does not fit"
TAKE_BACK = "press again to take it back"
_SOME: dict[Modality, str] = {
    Modality.TEXT: "a text",
    Modality.IMAGE: "a picture",
    Modality.IMAGE_TEXT: "a picture with a text",
}


def announced(count: int, shown: int) -> str:
    """What a reader hears when results are there."""
    return f"{counted(count, 'result')}, {min(shown, count)} shown."


def in_time(count: int, milliseconds: float) -> str:
    number, noun = counted(count, "result").split(" ")
    return f"{number} <i>{noun} </i>in {max(milliseconds, 10) / 1000:.2f} s"


def shown_of(shown: int, count: int) -> str:
    return f"{shown} of {count} shown"


def show_more(count: int) -> str:
    return f"Show {count} more"


def narrowing(documents: int, collection: str, *, filtered: bool) -> str:
    """What the values to choose from are counted among."""
    return f"{counted(documents, 'document')} of “{collection}”{' within the filter' if filtered else ''}"


def reranked(count: int) -> str:
    return f"Top {count} reranked"


def not_reranked(reason: str) -> str:
    """The reason as the service gives it, made to a sentence."""
    because = reason.strip().rstrip(".") or "The reranker did not answer"
    return f"{because[:1].upper()}{because[1:]}; this is the first ranking."


def meant_for(wanted: Modality, given: Modality) -> str:
    return f"This instruction is meant for {_SOME[wanted]}, and this is {_SOME[given]}. Another may find more."


def weaker(count: int, better: int) -> str:
    if not better:
        return f"{count:,} that fit less well" if count > 1 else "1 that fits less well"
    return f"{count:,} more that fit less well" if count > 1 else "1 more that fits less well"


def not_judged(why: str) -> str:
    return f"That could not be kept: {why}"


def guessed(model: str | None, milliseconds: float) -> str:
    return f"{model or 'The model'} guessed in {max(milliseconds, 100) / 1000:.1f} s, and this was searched:"


def was_before(place: int) -> str:
    return f"Was {place} before reranking"


def tip(score: float, words: Sequence[str]) -> str:
    """The score, and which of the query's words were found."""
    return f"{scored(score)}; has the words {', '.join(words)}" if words else scored(score)


def scored(score: float) -> str:
    return f"Score {score:.2f}"


def tile(place: int, kind: Modality, title: str, band: Band | None, before: int | None, fits: bool | None = None) -> str:
    """A tile's name for a reader; `fits` is what somebody said of it."""
    parts = [f"Place {place}", ONE[kind].lower(), title]
    if band is not None:
        parts.append(f"{BANDS[band].lower()} match")
    if before is not None and before != place:
        parts.append(f"was {before}")
    if fits is not None:
        parts.append("judged to fit" if fits else "judged not to fit")
    return ", ".join(parts)
