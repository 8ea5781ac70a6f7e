"""What is said before the first search, while searching, when nothing was found and when something is wrong."""

from __future__ import annotations

from app.web.kind_words import GETTING
from uniir.counting import counted
from uniir.documents import Modality

WELCOME = "Search pictures and texts together"
WELCOME_LEAD = "Say what you want, add a picture if you have one. Results come as one ranked list."
TRY = "Try one of these"
ONLY_A_PICTURE = "Only a picture, no words"
IN_COLLECTION = "In this collection"
ALL_COLLECTIONS = "All collections"
NOTHING_GIVEN = "Type something or add a picture."
DROP = "Drop the picture to search with it"
ADDING = "Adding the picture"
TOO_LARGE = "It is larger than 64 MB. Make it smaller and add it again."
NO_PICTURE = "This file is no picture. Add a JPEG, PNG or WebP."
NOT_SENT = "It did not reach the service. Try again."
GONE_PICTURE = "The picture of this link is no longer kept. Add it again."
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
_NUMBERS = ("No", "One", "Two", "Three", "Four")


def searching(documents: int) -> str:
    return f"Searching {counted(documents, 'document')}" if documents else "Searching"


def nothing_found(text: str) -> str:
    return f"Nothing found for “{text}”" if text else "Nothing found"


def limits(count: int) -> str:
    if not count:
        return OTHER_WORDS
    number = _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"
    verb = "limit is" if count == 1 else "limits are"
    way = "Lift it" if count == 1 else "Lift one"
    return f"{number} {verb} on. {way}, or ask in another way."


def none_fits(conditions: int) -> str:
    """Where a filter is all that limits the search."""
    return f"No document fits the filter. {'Lift it' if conditions == 1 else 'Lift a part of it'}, or ask in another way."


def only_kind(kind: Modality) -> str:
    return f"Only {GETTING[kind]}"


def only_path(path: str) -> str:
    return f"Path starts with {path}"


def lift_all(count: int) -> str:
    return "Lift both" if count == 2 else "Lift all"


def nothing_in(collection: str) -> str:
    return f"Nothing in “{collection}” yet"


def not_searchable_yet(pending: int) -> str:
    return f"{counted(pending, 'document')} can't be found yet: an ingest is at work or was not finished. Wait for it, or start it again."


def no_such_collection(collection: str) -> str:
    return f"There is no collection “{collection}”"


def trying_again(seconds: int) -> str:
    return f"Trying again in {seconds} s. Your query is kept."


def could_not_be_read(count: int) -> str:
    return f"{counted(count, 'file')} could not be read"
