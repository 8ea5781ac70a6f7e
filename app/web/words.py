"""Every sentence of the search page, in one place."""

from __future__ import annotations

from uniir.documents import Modality
from uniir.hits import Band

# first visit
WELCOME = "Search pictures and texts together"
WELCOME_LEAD = "Say what you want, add a picture if you have one. Results come as one ranked list."
FIELD = "Describe it, or paste a picture"
TRY = "Try one of these"
ONLY_A_PICTURE = "Only a picture, no words"
IN_COLLECTION = "In this collection"
ALL_COLLECTIONS = "All collections"

# the bar
WHAT_TO_DO = "What to do"
ANY_INSTRUCTION = "Find anything that matches"
ANY_LIKE = "Find anything like this result"
CHOSEN = "Chosen for you"
KIND = "Kind of result"
COLLECTION = "Collection"
OPTIONS = "Options"
TEXT = "What you are looking for"
PICTURE = "Picture"
SEARCH = "Search"
YOUR_PICTURE = "Your picture"
QUERY_PICTURE = "Your query picture"
REMOVE_PICTURE = "Remove the picture"
REMOVE_LIKE = "Remove what the results should resemble"
ADD_PICTURE = "Add a picture"
PICTURE_HINT = "Or paste one with Ctrl+V, or drop it anywhere on the page."
TEXT_WEIGHT = "Weight of the text"
PICTURE_WEIGHT = "Weight of the picture"
NOT_LIKE = "Not like"
NOT_LIKE_HINT = "e.g. juice, packaging"
PATH = "Only paths that start with"
PATH_HINT = "photos/"
WHERE = "Only what fits this filter"
WHERE_HINT = "tag=shoes year>=2020 -draft"
WHERE_HELP = (
    '`tag=shoes`, `tag!=shoes`, `year>=2020`, `tag in (shoes, boots)`, `name:begins*`, `has:tag`, `path:"slides/*"`, `modality:image`; '
    "with `or`, parentheses, and `-` for what should not be."
)
RESULTS = "Number of results"
NORMAL = "Back to normal"
HALVES = "Add missing halves"
HALVES_HELP = "Beside a picture the nearest text of the collection, beside a text the nearest picture."
GUESS = "Guess first"
NOTHING_GIVEN = "Type something or add a picture."
DROP = "Drop the picture to search with it"
# what the page's script tells
ADDING = "Adding the picture"
TOO_LARGE = "It is larger than 64 MB. Make it smaller and add it again."
NO_PICTURE = "This file is no picture. Add a JPEG, PNG or WebP."
NOT_SENT = "It did not reach the service. Try again."

# the picker
SHOW_FITTING = "Show what fits"
NO_INSTRUCTION = "No instruction has these words. Clear the search to see all {count}."
YOU_GIVE = "You give"
YOU_GET = "You get"
MODEL_READS = "What the model reads"
MADE_FOR = "Written for"
RERANK_HELPS = "Reranking helps here, so it is on."
RERANK_DOES_NOT = "Reranking does not help here, so it is off."

# the result line
RERANK = "Rerank"
RERANKING = "Reranking…"
NOT_RERANKED = "Not reranked"
RERANK_NOW = "Rerank now"
COPY_LINK = "Copy link"
LINK_COPIED = "Link copied"
RERANK_OFF_BY_DEFAULT = "Reranking does not help this kind of query, so it is off."
RERANK_ON_BY_DEFAULT = "A second model reads the best results again. It helps this kind of query, so it is on."

# the grid
WEAKER = "Weaker matches"
MORE_LIKE_THIS = "More like this"
SEARCH_WITH_PICTURE = "Search with this picture"
ORIGINAL = "Original"
NO_PREVIEW = "No preview"
FITS = "Fits"
FAILS = "Does not fit"
TAKE_BACK = "press again to take it back"
NEAREST = {Modality.IMAGE: "Nearest picture", Modality.TEXT: "Nearest text"}

# the dialog
RESULT = "Result"
PREVIOUS = "Previous result"
NEXT = "Next result"
TEXT_PART = "Text"
WHY = "Why this result"
DETAILS = "Details"
MARKED = "The marked sentence fits your text best."
PASSAGE = "The marked passage is what was found."
NO_PARTS = "This encoder reads text and picture as one, so there are no parts to show."
SUM = "Sum"
KIND_ASKED_FOR = "Kind of result"
RERANKER = "Reranker"
READ_AGAIN = "how well it fits, read again"
GONE_DOCUMENT = "This document is no longer in the collection."
GONE_PICTURE = "The picture of this link is no longer kept. Add it again."

# states
TRY_NOW = "Try now"
AWAY = "The search service does not answer."
LOST = (AWAY, "Trying again by itself. Your query is kept.", "If it stays away, start it again: uniir ui")
STILL_LOST = "It does not answer yet."
IF_AWAY = "If it stays away, start it on the machine that holds the data:"
BACK = "The service is back"
REFUSED = "This picture could not be used."
CHOOSE_ANOTHER = "Choose another"
OURS = "Something went wrong on our side. Try again; if it stays, copy the details into a report."
OTHER_WORDS = "Try other words, or another instruction."
CHOOSE_INSTRUCTION = "Choose another instruction"
INGEST_FILES = "Ingest files"
EMPTY_LEAD = "Add a folder or some files. What is done can be searched at once."
ON_COMMAND_LINE = "Or on the command line:"
NO_SUCH_LEAD = "It may have been deleted, or the link is misspelt. Choose another in the bar, or ingest files to make it."

KINDS: dict[Modality | None, str] = {
    None: "Anything",
    Modality.IMAGE: "Pictures",
    Modality.TEXT: "Texts",
    Modality.IMAGE_TEXT: "Pairs",
}
ONE: dict[Modality, str] = {Modality.IMAGE: "Picture", Modality.TEXT: "Text", Modality.IMAGE_TEXT: "Pair"}
ICONS: dict[Modality | None, str] = {
    None: "apps",
    Modality.IMAGE: "image",
    Modality.TEXT: "notes",
    Modality.IMAGE_TEXT: "newsmode",
}
GIVEN: dict[Modality | None, str] = {
    None: "Text or picture",
    Modality.TEXT: "Text",
    Modality.IMAGE: "Picture",
    Modality.IMAGE_TEXT: "Picture + text",
}
ALIKE: dict[Modality, str] = {
    Modality.IMAGE: "the same for all pictures",
    Modality.TEXT: "the same for all texts",
    Modality.IMAGE_TEXT: "the same for all pairs",
}
GIVEN_RESULT = "A result"
THIS_ONE = "this one"
_SOME: dict[Modality, str] = {
    Modality.TEXT: "a text",
    Modality.IMAGE: "a picture",
    Modality.IMAGE_TEXT: "a picture with a text",
}
GETTING: dict[Modality | None, str] = {
    None: "anything",
    Modality.IMAGE: "pictures",
    Modality.TEXT: "texts",
    Modality.IMAGE_TEXT: "pairs",
}
FITTING: dict[Modality, str] = {
    Modality.TEXT: "Fits a text",
    Modality.IMAGE: "Fits a picture",
    Modality.IMAGE_TEXT: "Fits a picture and a text",
}
EXPLAINED_GIVEN: dict[Modality, str] = {
    Modality.TEXT: "A few words or a sentence.",
    Modality.IMAGE: "A picture, no words.",
    Modality.IMAGE_TEXT: "A picture and a few words about what matters.",
}
EXPLAINED_ANY = "Words, a picture, or both."
EXPLAINED_GETTING: dict[Modality | None, str] = {
    None: "Pictures, texts and pairs in one list, best first.",
    Modality.IMAGE: "Pictures first.",
    Modality.TEXT: "Texts first.",
    Modality.IMAGE_TEXT: "Pictures with a text first.",
}
BANDS: dict[Band, str] = {Band.STRONG: "Strong", Band.GOOD: "Good", Band.WEAK: "Weak"}
TERMS: dict[tuple[str, str | None], str] = {
    ("text", "text"): "Your text ↔ its text",
    ("image", "image"): "Your picture ↔ its picture",
    ("image", "text"): "Your picture ↔ its text",
    ("text", "image"): "Your text ↔ its picture",
}
_QUERY_PARTS = {"text": "Your text", "image": "Your picture", "like": "What it should be like", "not": "What it should not be like"}
_DOCUMENT_PARTS = {"text": "its text", "image": "its picture"}
_NUMBERS = ("No", "One", "Two", "Three", "Four")


def searching(documents: int) -> str:
    return f"Searching {documents:,} documents" if documents else "Searching"


def counted(count: int) -> str:
    return "1 result" if count == 1 else f"{count:,} results"


def announced(count: int, shown: int) -> str:
    """What a reader hears when results are there."""
    return f"{counted(count)}, {min(shown, count)} shown."


def in_time(count: int, milliseconds: float) -> str:
    number, noun = counted(count).split(" ")
    return f"{number} <i>{noun} </i>in {max(milliseconds, 10) / 1000:.2f} s"


def shown_of(shown: int, count: int) -> str:
    return f"{shown} of {count} shown"


def show_more(count: int) -> str:
    return f"Show {count} more"


def reranked(count: int) -> str:
    return f"Top {count} reranked"


def not_reranked(reason: str) -> str:
    """The reason as the service gives it, made to a sentence."""
    because = reason.strip().rstrip(".") or "The reranker did not answer"
    return f"{because[:1].upper()}{because[1:]}; this is the first ranking."


def options(unusual: int) -> str:
    return f"{OPTIONS} · {unusual}" if unusual else OPTIONS


def search_instructions(count: int) -> str:
    return f"Search {count} instructions"


def show_all(count: int) -> str:
    return f"Show all {count}"


def nothing_found(text: str) -> str:
    return f"Nothing found for “{text}”" if text else "Nothing found"


def limits(count: int) -> str:
    if not count:
        return OTHER_WORDS
    verb = "limit is" if count == 1 else "limits are"
    way = "Lift it" if count == 1 else "Lift one"
    return f"{_NUMBERS[count]} {verb} on. {way}, or ask in another way."


def only_kind(kind: Modality) -> str:
    return f"Only {GETTING[kind]}"


def only_path(path: str) -> str:
    return f"Path starts with {path}"


def only_where(where: str) -> str:
    return f"Filter {where}"


def not_like(text: str) -> str:
    return f"Not like {text}"


def lift_all(count: int) -> str:
    return "Lift both" if count == 2 else "Lift all"


def nothing_in(collection: str) -> str:
    return f"Nothing in “{collection}” yet"


def no_such_collection(collection: str) -> str:
    return f"There is no collection “{collection}”"


def trying_again(seconds: int) -> str:
    return f"Trying again in {seconds} s. Your query is kept."


def meant_for(wanted: Modality, given: Modality) -> str:
    return f"This instruction is meant for {_SOME[wanted]}, and this is {_SOME[given]}. Another may find more."


def resembling(title: str) -> str:
    return f"Like “{title}”"


def weaker(count: int, better: int) -> str:
    if not better:
        return f"{count:,} that fit less well" if count > 1 else "1 that fits less well"
    return f"{count:,} more that fit less well" if count > 1 else "1 more that fits less well"


def not_judged(why: str) -> str:
    return f"That could not be kept: {why}"


def guess_help(model: str) -> str:
    return f"{model} writes what you may be looking for, and that is searched in place of your words and picture."


def guessed(model: str | None, milliseconds: float) -> str:
    return f"{model or 'The model'} guessed in {max(milliseconds, 100) / 1000:.1f} s, and this was searched:"


def was_before(place: int) -> str:
    return f"Was {place} before reranking"


def scored(score: float) -> str:
    return f"Score {score:.2f}"


def moved(up: int) -> str:
    return f"{'Up' if up > 0 else 'Down'} {abs(up)} by reranking"


def placed(before: int | None, now: int) -> str:
    return f"place {now}" if before is None or before == now else f"place {before}; place {now} after reranking"


def size(width: int, height: int, weight: str) -> str:
    return f"{width} × {height} px, {weight}"  # noqa: RUF001


def step(place: int, count: int) -> str:
    return f"{place} of {count}"


def next_to_it(file: str) -> str:
    return f"Next to it in {file}"


def term(query: str, document: str | None) -> str:
    """One term of the sum in words."""
    known = TERMS.get((query, document))
    if known is not None:
        return known
    mine = _QUERY_PARTS.get(query, query)
    return f"{mine} ↔ {_DOCUMENT_PARTS.get(document or '', 'the document')}"


def mostly(query: str, document: str | None) -> str:
    """Which term is the largest, as a sentence."""
    mine = {"text": "your text matches", "image": "your picture matches", "like": "it resembles what you picked:"}.get(query)
    if mine is None:
        return ""
    return f"Mostly because {mine} {_DOCUMENT_PARTS.get(document or '', 'it')}."


def could_not_be_read(count: int) -> str:
    return "1 file could not be read" if count == 1 else f"{count:,} files could not be read"


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
