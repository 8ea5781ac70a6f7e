"""Judgments out of files: a line for each, or M-BEIR's layout. Everything is read before anything is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.local.judgments.files import LINES
from app.wiring.installation import Installation
from evaluation.mbeir.layout import query_files
from evaluation.mbeir.reading import read_grades, read_queries
from storage.sql.collections import CollectionRecord
from storage.sql.judgments.judgments import DocumentName
from uniir.errors import InputFailure, UniirError, UsageError
from uniir.ids import parse_id
from uniir.judgments import JudgedQuery, require_grade

_FORM = '{"query": {"text": "..."}, "document": {"external_id": "..."}, "grade": 1}'
_WAY_OUT = f"A line looks like {_FORM}; a document is named by id, external_id, or path and locator, a query's picture by `picture`."


@dataclass(frozen=True, slots=True)
class _Read:
    """A judgment as a file has it, and where it stands."""

    place: str
    query: JudgedQuery
    picture: bytes | None
    document: DocumentName
    grade: int


@dataclass(frozen=True, slots=True)
class Imported:
    """How many were kept, and where those stand whose document the collection has not."""

    kept: int
    without_document: Sequence[str]


def import_judgments(installation: Installation, collection: CollectionRecord, file: Path) -> Imported:
    """`file` is a file of lines, a directory that `export` wrote, or one in M-BEIR's layout. Raises UsageError at the first bad line."""
    if file.is_dir() and not (file / LINES).is_file():
        read = list(_of_layout(installation, file))
    else:
        read = list(_of_lines(installation, file / LINES if file.is_dir() else file))
    without, kept = [], 0
    for one in read:
        document = installation.judgments.match(collection, one.document)
        if document is None:
            without.append(one.place)
            continue
        installation.judgments.put(collection, one.query, document, one.grade, one.picture)
        kept += 1
    return Imported(kept, without)


def _of_lines(installation: Installation, file: Path) -> Iterator[_Read]:
    try:
        lines = file.read_text("utf-8-sig").split("\n")  # and at nothing else: a query may hold other signs that end lines
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read: {getattr(error, 'strerror', None) or error}.", _WAY_OUT) from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{file}, line {number}"
        try:
            value = json.loads(line)
            picture = _picture(installation, file.parent, value.get("picture"))
            sha256 = None if picture is None else hashlib.sha256(picture).hexdigest()
            query = JudgedQuery.from_json({**value["query"], "image": sha256}, installation.instructions)
            yield _Read(place, query, picture, _named(value["document"]), require_grade(value["grade"]))
        except UniirError as error:
            raise UsageError(f"{place}: {error.what}", error.way_out or _WAY_OUT) from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{place}: this is no judgment ({error}).", _WAY_OUT) from None


def _of_layout(installation: Installation, root: Path) -> Iterator[_Read]:
    """Queries of the test split with their judgments; the plain instruction that fits what goes in and what its positives are."""
    for file in query_files(root, "test"):
        grades = read_grades(file.qrels)
        for query in read_queries(file.queries):
            for did, grade in grades.get(query.qid, {}).items():
                picture = _picture(installation, root, query.image)
                asked = {"text": query.text, "image": None if picture is None else hashlib.sha256(picture).hexdigest()}
                judged = JudgedQuery.from_json(asked, installation.instructions)
                place = f"{file.qrels}, {query.qid} and {did}"
                yield _Read(place, judged, picture, DocumentName(external_id=did), require_grade(max(0, grade)))


def _picture(installation: Installation, root: Path, name: str | None) -> bytes | None:
    if name is None:
        return None
    try:
        content = (root / name).read_bytes()
        installation.images.measured_bytes(content)
    except OSError as error:
        raise UsageError(f"the picture {root / name} can't be read ({error.strerror or error}).") from None
    except InputFailure as failure:
        raise UsageError(f"the picture {root / name} can't be used: {failure.reason}.") from None
    return content


def _named(value: Mapping[str, Any]) -> DocumentName:
    number = parse_id(value["id"]) if value.get("id") is not None else None
    if number is None and value.get("external_id") is None and value.get("path") is None:
        raise UsageError("the document has no name.", _WAY_OUT)
    return DocumentName(number, value.get("external_id"), value.get("path"), value.get("locator"))
