"""Reads M-BEIR's files (hub data set TIGER-Lab/M-BEIR): queries, candidate pools, judgments, instructions. `layout` finds them.

Everything is streamed, plain or gzipped, and every complaint names the file and the line.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from uniir.documents import Modality
from uniir.errors import UsageError

WAY_OUT = "The layout is that of the hub data set TIGER-Lab/M-BEIR."


@dataclass(frozen=True, slots=True)
class MbeirQuery:
    """One query line; `image` is relative to M-BEIR's root, `positives` and `negatives` hold dids."""

    qid: str
    text: str | None
    image: str | None
    modality: Modality
    positives: tuple[str, ...]
    negatives: tuple[str, ...]
    task: int


@dataclass(frozen=True, slots=True)
class MbeirCandidate:
    """One line of a candidate pool; `image` is relative to M-BEIR's root, `offset` where the line begins in its (unpacked) file."""

    did: str
    text: str | None
    image: str | None
    modality: Modality
    offset: int = 0


@dataclass(frozen=True, slots=True)
class InstructionKey:
    """What M-BEIR chooses an instruction by."""

    dataset: str
    query: Modality
    target: Modality


@dataclass(frozen=True, slots=True)
class Judgments:
    """What is relevant: dids by qid, and the task that a qid's first positive judgment names (none in files of TREC's four columns)."""

    positives: Mapping[str, frozenset[str]]
    tasks: Mapping[str, int]


def dataset_of(identifier: str) -> str:
    """The data set's number in front of a qid or did."""
    return identifier.partition(":")[0]


def read_queries(file: Path) -> Iterator[MbeirQuery]:
    """Raises UsageError at the first line that is no query."""
    for line in _json_lines(file):
        with line.explained():
            yield MbeirQuery(
                qid=line.identifier("qid"),
                text=line.optional("query_txt"),
                image=line.optional("query_img_path"),
                modality=Modality.spelled(line.values.get("query_modality")),
                positives=line.dids("pos_cand_list"),
                negatives=line.dids("neg_cand_list"),
                task=line.number_of("task_id"),
            )


def read_candidates(file: Path) -> Iterator[MbeirCandidate]:
    """Raises UsageError at the first line that is no candidate."""
    return map(_candidate, _json_lines(file))


def candidate_in(raw: bytes, file: Path) -> MbeirCandidate:
    """The candidate of one line that was read from this file. Raises UsageError."""
    return _candidate(_Line(file, 0, 0, _values(raw, file, 0)))


def _candidate(line: _Line) -> MbeirCandidate:
    with line.explained():
        return MbeirCandidate(
            did=line.identifier("did"),
            text=line.optional("txt"),
            image=line.optional("img_path"),
            modality=Modality.spelled(line.values.get("modality")),
            offset=line.offset,
        )


def read_judgments(file: Path) -> Judgments:
    """Five columns, `qid 0 did relevance task_id`; the task is M-BEIR's own addition to TREC's four. Raises UsageError."""
    positives: dict[str, set[str]] = {}
    tasks: dict[str, int] = {}
    for columns in _judged(file):
        if int(columns[3]) > 0:
            positives.setdefault(columns[0], set()).add(columns[2])
            if columns[4:] and columns[4].isdecimal():
                tasks.setdefault(columns[0], int(columns[4]))
    return Judgments({qid: frozenset(dids) for qid, dids in positives.items()}, tasks)


def read_grades(file: Path) -> Mapping[str, Mapping[str, int]]:
    """qid to its dids with their grades as the file has them, those that are judged wrong included. Raises UsageError."""
    grades: dict[str, dict[str, int]] = {}
    for columns in _judged(file):
        grades.setdefault(columns[0], {})[columns[2]] = int(columns[3])
    return grades


def _judged(file: Path) -> Iterator[list[str]]:
    with _opened(file) as lines:
        for number, raw in enumerate(lines, start=1):
            columns = raw.removeprefix(BOM_UTF8).decode("utf-8", "replace").split()
            if not columns:
                continue
            if len(columns) not in (4, 5) or not re.fullmatch(r"-?\d+", columns[3]):
                raise UsageError(f"{file}, line {number}: not `qid 0 did relevance task_id`.", WAY_OUT)
            yield columns


def read_qrels(file: Path) -> Mapping[str, frozenset[str]]:
    """qid to the dids judged relevant. Raises UsageError."""
    return read_judgments(file).positives


def read_instructions(file: Path) -> dict[InstructionKey, tuple[str, ...]]:
    """The wordings of each data set and pair of modalities; empty ones are skipped."""
    instructions: dict[InstructionKey, tuple[str, ...]] = {}
    with _opened(file) as raw:
        rows = csv.DictReader(
            (line.removeprefix(BOM_UTF8).decode("utf-8", "replace") for line in raw), delimiter="\t", quoting=csv.QUOTE_NONE
        )
        for number, row in enumerate(rows, start=2):
            try:
                dataset = row.get("dataset_id")
                if not dataset or not dataset.strip():
                    raise ValueError("dataset_id is missing")
                key = InstructionKey(
                    dataset.strip(), Modality.spelled(row.get("query_modality")), Modality.spelled(row.get("cand_modality"))
                )
            except ValueError as error:
                raise UsageError(f"{file}, line {number}: {error}.", WAY_OUT) from None
            prompts = (row.get(f"prompt_{index}") for index in range(1, 5))
            instructions[key] = tuple(prompt.strip() for prompt in prompts if prompt and prompt.strip())
    return instructions


def lines_with(file: Path, identifier: str) -> list[int]:
    """The numbers of the lines whose qid or did this is."""
    return [line.number for line in _json_lines(file) if identifier in (line.stripped("qid"), line.stripped("did"))]


@dataclass(frozen=True, slots=True)
class _Line:
    file: Path
    number: int
    offset: int
    values: Mapping[str, Any]

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns whatever a malformed line provokes into an error that names it."""
        try:
            yield
        except KeyError as error:
            raise UsageError(f"{self.file}, line {self.number}: {error} is missing.", WAY_OUT) from None
        except (TypeError, ValueError) as error:
            raise UsageError(f"{self.file}, line {self.number}: {error}.", WAY_OUT) from None

    def identifier(self, key: str) -> str:
        value = self.values[key]
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{key} is {value!r}, not text")
        if len(value.split()) > 1:
            raise ValueError(f"{key} is {value!r}, and judgments have no blanks in their names")
        value.encode()  # half of a surrogate pair is no text either
        return value.strip()

    def optional(self, key: str) -> str | None:
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{key} is {value!r}, not text")
        return value or None

    def dids(self, key: str) -> tuple[str, ...]:
        """Plain strings, or objects with a `did` as on the data set card."""
        entries = self.values.get(key) or []
        if not isinstance(entries, list):
            raise ValueError(f"{key} is {entries!r}, not a list")
        found = [entry["did"] if isinstance(entry, dict) else entry for entry in entries]
        for one in found:
            if not isinstance(one, str):
                raise ValueError(f"{key} holds {one!r}, which is no did")
        return tuple(map(str.strip, found))

    def number_of(self, key: str) -> int:
        """A whole number, or the digits of one as text."""
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int | str) or not re.fullmatch(r"-?\d{1,9}", str(value).strip()):
            raise ValueError(f"{key} is {value!r}, not a whole number")
        return int(value)

    def stripped(self, key: str) -> str | None:
        value = self.values.get(key)
        return value.strip() if isinstance(value, str) else None


def _json_lines(file: Path) -> Iterator[_Line]:
    offset = 0
    with _opened(file) as lines:
        for number, raw in enumerate(lines, start=1):
            if raw.strip():
                yield _Line(file, number, offset, _values(raw, file, number))
            offset += len(raw)


def _values(raw: bytes, file: Path, number: int) -> Mapping[str, Any]:
    try:
        values = json.loads(raw.removeprefix(BOM_UTF8))
    except (ValueError, RecursionError) as error:  # of bytes that are no UTF-8, and of numbers of thousands of digits as well
        raise UsageError(f"{file}, line {number}: not JSON ({error}).", WAY_OUT) from None
    if not isinstance(values, dict):
        raise UsageError(f"{file}, line {number}: not a JSON object.", WAY_OUT)
    return values


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            yield opened  # type: ignore[misc]
    except (OSError, EOFError) as error:
        raise UsageError(f"{file} can't be read: {getattr(error, 'strerror', None) or error}.", WAY_OUT) from None
