"""Which instructions the picker shows, in which order; no Streamlit here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.web import kind_words
from uniir.documents import Modality
from uniir.wire import InstructionAnswer

_GIVEN = (Modality.TEXT, Modality.IMAGE, Modality.IMAGE_TEXT)
_GETTING = (None, Modality.TEXT, Modality.IMAGE, Modality.IMAGE_TEXT)


@dataclass(frozen=True, slots=True)
class Group:
    """Instructions with the same going in and coming out."""

    given: Modality
    getting: Modality | None
    instructions: tuple[InstructionAnswer, ...]


def fitting(instructions: Sequence[InstructionAnswer], given: Modality | None) -> list[InstructionAnswer]:
    """Those for what a person has given; all where nothing is given yet."""
    return [one for one in instructions if given is None or one.query is given]


def matching(instructions: Sequence[InstructionAnswer], typed: str) -> list[InstructionAnswer]:
    """Those that have every word typed, in the wording, the data set, or what goes in and comes out."""
    wanted = typed.lower().split()
    return [one for one in instructions if all(word in _searched(one) for word in wanted)]


def grouped(instructions: Sequence[InstructionAnswer]) -> list[Group]:
    """By what goes in, then by what comes out; within a group in the service's order."""
    groups = []
    for given in _GIVEN:
        for getting in _GETTING:
            these = tuple(one for one in instructions if (one.query, one.target) == (given, getting))
            if these:
                groups.append(Group(given, getting, these))
    return groups


def chosen_for(instructions: Sequence[InstructionAnswer], given: Modality | None, kind: Modality | None) -> InstructionAnswer | None:
    """The one the service takes when nobody names one: the first that fits. None while nothing is given."""
    if given is None:
        return None
    return next((one for one in instructions if (one.query, one.target) == (given, kind)), None)


def named(instructions: Sequence[InstructionAnswer], name: str | None) -> InstructionAnswer | None:
    """By id, or by its exact words, as a link may have it."""
    return next((one for one in instructions if name in {one.id, one.text}), None)


def label(instruction: InstructionAnswer) -> str:
    """Its words as a choice: without the full stop."""
    return instruction.text.strip().rstrip(".")


def _searched(instruction: InstructionAnswer) -> str:
    flow = f"{kind_words.GIVEN[instruction.query]} {kind_words.GETTING[instruction.target]}"
    return f"{instruction.text} {instruction.dataset or ''} {flow}".lower()
