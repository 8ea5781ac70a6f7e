"""What stands in the query bar and its options."""

from __future__ import annotations

from uniir.queries import WordSearch

FIELD = "Describe it, or paste a picture"
WHAT_TO_DO = "What to do"
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
WORDS = "Bring exact words forward"
WORDS_HELP = (
    "Documents that hold the words you typed stand higher, which helps with names and numbers. "
    "“Where they fit”: those with nearly all of the words, for queries where that was measured to help."
)
WORD_SEARCHES = {WordSearch.AUTO: "Where they fit", WordSearch.ON: "Always", WordSearch.OFF: "Never"}
RESULTS = "Number of results"
NORMAL = "Back to normal"
HALVES = "Add missing halves"
HALVES_HELP = "Beside a picture the nearest text of the collection, beside a text the nearest picture."
GUESS = "Guess first"
GIVEN_RESULT = "A result"
THIS_ONE = "this one"


def options(unusual: int) -> str:
    return f"{OPTIONS} · {unusual}" if unusual else OPTIONS


def resembling(title: str) -> str:
    return f"Like “{title}”"


def guess_help(model: str) -> str:
    return f"{model} writes what you may be looking for, and that is searched in place of your words and picture."
