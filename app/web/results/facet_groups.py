"""Which values a search is offered to be narrowed by; no Streamlit here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.web.kind_words import KINDS
from app.web.results.words import FOLDER, KIND
from app.web.titles import in_words
from uniir.documents import Modality
from uniir.wire import FacetsAnswer, FacetValue

GROUPS, VALUES = 6, 8
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Choice:
    """A value: what it is called, how many documents have it, and the filter that admits these."""

    name: str
    count: int
    where: str


@dataclass(frozen=True, slots=True)
class Group:
    """The values of one key of the metadata, or the kinds, or the folders."""

    name: str
    choices: Mapping[str, Choice]


def grouped(facets: FacetsAnswer) -> list[Group]:
    """The most frequent values that leave some documents and drop others; no keys of which every document has a value of its own."""
    kinds = [(KINDS[Modality(str(one.value))], one) for one in facets.modalities]
    folders = [(str(one.value), one) for one in facets.folders]
    keys = [
        (key.key, [(in_words(one.value), one) for one in key.values]) for key in facets.keys if any(one.count > 1 for one in key.values)
    ]
    found = [Group(name, _choices(values, facets.documents)) for name, values in ((KIND, kinds), (FOLDER, folders), *keys)]
    return [group for group in found if group.choices][:GROUPS]


def _choices(values: Sequence[tuple[str, FacetValue]], documents: int) -> Mapping[str, Choice]:
    found = [Choice(_short(name), one.count, one.where) for name, one in values if one.where is not None and one.count < documents]
    return {one.where: one for one in found[:VALUES]}


def _short(name: str) -> str:
    words = " ".join(name.split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
