"""Short names for what documents say or show."""

from __future__ import annotations

import re

from uniir.documents import Document, Json

_SENTENCE = re.compile(r"(?<=[.!?:;])\s|\n")
_CLAUSE = re.compile(r"\s*[,;:(\u2013\u2014]|\s-\s")
_MARKUP = re.compile(r"^[\s#>*+\-]+|[*_`]+")
_WORD = re.compile(r"[\w'\u2019-]+")
_WHOLE_SENTENCE = re.compile(r"(?<=[.!?])\s|\n")
_NOT_FOR_READERS = re.compile(r"</?\w|<!|://|\]\(|[{}|`*_$\\]")  # markup, addresses and code
_BROKEN_OFF = re.compile(r"[:;()\[\]\"\u201c\u201d\u2026]|^[a-z]?\d")
_HEADING = re.compile(r"#{1,6}\s+(\S.*)")
_NAMES = ("title", "name", "caption", "class", "label")
_LONGEST = 9  # words
_LONGEST_QUERY = 12
_HANGING = (  # what no phrase ends with
    "a an and as at before but by for from his her in into is its of on or over that the their to under was were where which while with"
)
_HANGING_WORDS = frozenset(_HANGING.split())


def opening(text: str) -> str:
    """The first phrase of a text that says something, whole where that is short; empty where there is none."""
    for sentence in _SENTENCE.split(text):
        clean = _MARKUP.sub("", sentence).strip(" .,;:!")
        phrase = clean
        if len(_WORD.findall(clean)) > _LONGEST:
            phrase = _CLAUSE.split(clean, maxsplit=1)[0].strip()
        words = phrase.split()
        if len(words) > _LONGEST:
            words = words[:_LONGEST]
            while words and words[-1].lower().strip(",.") in _HANGING_WORDS:
                words.pop()
        if len(_WORD.findall(" ".join(words))) > 1:
            return " ".join(words)
    return ""


def query(document: Document) -> str:
    """What a person could ask for to get this document: its title, heading or short caption, whole; empty where it has none."""
    text = (document.text or "").strip()
    if _NOT_FOR_READERS.search(text):
        return ""
    heading = _HEADING.match(text)
    candidates = (heading[1] if heading else _WHOLE_SENTENCE.split(text, maxsplit=1)[0], _title(document.metadata))
    return next((words for words in map(_asked, candidates) if words), "")


def fragment(document: Document) -> str:
    """The beginning of a longer text, for where nothing in it reads as a query; empty for texts with markup in them."""
    text = document.text or ""
    words = opening(text)
    return "" if _NOT_FOR_READERS.search(text) or _BROKEN_OFF.search(words) else words


def subject(document: Document) -> str:
    """What a document shows: its own name for it, the beginning of its text, or the name of its picture's file."""
    named = _named(document.metadata) or opening(document.text or "")
    if named:
        return named
    file = document.image.path if document.image is not None else document.source.file
    return file.stem.replace("_", " ").replace("-", " ").strip() or file.name


def _asked(phrase: str) -> str:
    clean = phrase.strip(" .,!")
    few = 1 < len(_WORD.findall(clean)) <= _LONGEST_QUERY
    return clean if few and not _BROKEN_OFF.search(clean) and not _NOT_FOR_READERS.search(clean) else ""


def _named(metadata: object) -> str:
    title = _title(metadata)
    return opening(title) or title[:60]


def _title(metadata: object) -> str:
    """A title in the metadata, at most one level down."""
    if not isinstance(metadata, dict):
        return ""
    for name in _NAMES:
        value: Json = metadata.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return next((found for value in metadata.values() if isinstance(value, dict) and (found := _title(value))), "")
