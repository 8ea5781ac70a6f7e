"""Instructions: what a person wants done with a query. Data, not code (UniIR section 3: instruction-guided retrieval)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from uniir.documents import Modality
from uniir.errors import QueryError, SettingsError
from uniir.spelling import near

_COLUMNS = ("id", "query", "target", "dataset", "wording")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One wording; `target` None asks for a mixed list. `dataset` names the M-BEIR set it was written for."""

    id: str
    query: Modality
    target: Modality | None
    wording: str
    dataset: str | None = None


@dataclass(frozen=True, slots=True)
class Instructions:
    """All that are known, in the order in which they are shown; the first that fits is the one chosen for the user."""

    all: tuple[Instruction, ...]

    def __iter__(self) -> Iterator[Instruction]:
        return iter(self.all)

    def named(self, name: str) -> Instruction:
        """By id, or by its exact wording; raises QueryError with the nearest ids."""
        for instruction in self.all:
            if name in (instruction.id, instruction.wording):
                return instruction
        raise QueryError(
            f"There is no instruction {name!r}.",
            near(name, (instruction.id for instruction in self.all))
            + "`uniir instructions` lists all; your own go into the file that the setting `instructions_file` names.",
        )

    def chosen_for(self, query: Modality, target: Modality | None) -> Instruction:
        """The plain one for a query's and a target's modality."""
        return next(instruction for instruction in self.all if (instruction.query, instruction.target) == (query, target))


def load_instructions(own: Path | None = None) -> Instructions:
    """The plain ones, M-BEIR's, and those of a person's own file (same columns), whose ids must be new. Raises SettingsError."""
    data = files("uniir") / "data"
    known: dict[str, Instruction] = {}
    for name in ("instructions_plain.tsv", "instructions_mbeir.tsv"):
        for instruction in _parse((data / name).read_text("utf-8").splitlines(), name):
            known[instruction.id] = instruction
    if own is not None:
        try:
            lines = own.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"The instructions file {own} can't be read: {error}.", "Mend the setting `instructions_file`.") from None
        for instruction in _parse(lines, str(own)):
            if instruction.id in known:
                raise SettingsError(f"{own}: the instruction id {instruction.id!r} is taken.", "Choose another id.")
            known[instruction.id] = instruction
    return Instructions(tuple(known.values()))


def _parse(lines: Iterable[str], name: str) -> Iterator[Instruction]:
    reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    missing = set(_COLUMNS) - {"dataset"} - set(reader.fieldnames or ())
    if missing:
        raise SettingsError(f"{name}: the first line lacks {', '.join(sorted(missing))}.", f"It holds, between tabs: {' '.join(_COLUMNS)}.")
    for number, row in enumerate(reader, start=2):
        try:
            yield Instruction(
                id=_filled(row["id"]),
                query=Modality(row["query"]),
                target=None if row["target"] == "any" else Modality(row["target"]),
                wording=_filled(row["wording"]),
                dataset=row.get("dataset") or None,
            )
        except ValueError as error:
            raise SettingsError(
                f"{name}, line {number}: {error}.", "`query` is text, image or image,text; `target` may also be any; nothing is empty."
            ) from None


def _filled(value: str | None) -> str:
    if value is None or not value.strip():
        raise ValueError("an id or a wording is empty")
    return value.strip()
