"""Judgments as files: a line for each, and M-BEIR's layout beside them, which `uniir evaluate` and TREC's tools read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.wiring.installation import Installation
from storage.sql.collections import CollectionRecord
from uniir.documents import Document, Json, Modality
from uniir.errors import StoreUnavailable, UsageError
from uniir.ids import format_id
from uniir.instructions import Instruction
from uniir.judgments import JudgedQuery, Judgment

LINES = "judgments.jsonl"
_FIRST_SET = 1000  # the numbers of M-BEIR's own data sets lie below
_TASKS = {  # M-BEIR's numbers for what goes in and what should come out
    (Modality.TEXT, Modality.IMAGE): 0,
    (Modality.TEXT, Modality.TEXT): 1,
    (Modality.TEXT, Modality.IMAGE_TEXT): 2,
    (Modality.IMAGE, Modality.TEXT): 3,
    (Modality.IMAGE, Modality.IMAGE): 4,
    (Modality.IMAGE, Modality.IMAGE_TEXT): 5,
    (Modality.IMAGE_TEXT, Modality.TEXT): 6,
    (Modality.IMAGE_TEXT, Modality.IMAGE): 7,
    (Modality.IMAGE_TEXT, Modality.IMAGE_TEXT): 8,
}
_COLUMNS = ("dataset_id", "dataset_name", "query_modality", "cand_modality", "prompt_1", "prompt_2", "prompt_3", "prompt_4")


@dataclass(frozen=True, slots=True)
class Exported:
    """How much was written; `beyond_layout` are queries without words and picture, which M-BEIR's layout has no place for."""

    judgments: int
    queries: int
    documents: int
    beyond_layout: int


def export(installation: Installation, collection: CollectionRecord, directory: Path) -> Exported:
    """Writes all judgments of a collection, and its documents as the pool. Raises UsageError for a directory of other things."""
    if directory.exists() and (not directory.is_dir() or (any(directory.iterdir()) and not (directory / LINES).is_file())):
        raise UsageError(f"{directory} holds something else.", "Name a new directory.")
    try:
        return _Export(installation, collection, directory).write()
    except OSError as error:
        raise StoreUnavailable(f"{error.filename or directory} can't be written: {error.strerror or error}.", "Make room.") from error


class _Export:
    def __init__(self, installation: Installation, collection: CollectionRecord, directory: Path) -> None:
        self._installation, self._collection, self._directory = installation, collection, directory
        self._library = installation.library(collection)
        self._name = re.sub(r"[^A-Za-z0-9-]+", "-", collection.name)
        self._sets: dict[tuple[str, str], int] = {}  # M-BEIR chooses instructions by data set, so each one is a set

    def write(self) -> Exported:
        judgments = self._installation.judgments.of(self._collection)
        documents = self._library.documents(sorted({one.document for one in judgments}))
        pictures = {one.query.image: self._picture(one.query.image) for one in judgments if one.query.image is not None}
        self._write(LINES, (_line(one, documents.get(one.document), pictures) for one in judgments))
        asked = _by_query(judgments)
        said = [one for one in asked if one[0].text is not None or one[0].image is not None]
        numbered = [(f"{self._set(query.instruction)}:{place}", query, given) for place, (query, given) in enumerate(said, start=1)]
        stem = f"mbeir_{self._name}"
        lines = (_query_line(qid, query, given, documents, pictures) for qid, query, given in numbered)
        self._write(f"query/test/{stem}_test.jsonl", lines)
        held = self._write(f"cand_pool/local/{stem}_cand_pool.jsonl", self._pool())
        known = ((qid, one) for qid, _, given in numbered for one in given if one.document in documents)
        qrels = (f"{qid} 0 {did(documents[one.document])} {one.grade}" for qid, one in known)
        self._write(f"qrels/test/{stem}_test_qrels.txt", qrels)
        self._write("instructions/query_instructions.tsv", self._wordings())
        return Exported(len(judgments), len(asked), held, len(asked) - len(said))

    def _write(self, name: str, lines: Iterator[str]) -> int:
        file = self._directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        count = 0
        with file.open("w", encoding="utf-8") as opened:
            for line in lines:
                opened.write(line + "\n")
                count += 1
        return count

    def _picture(self, sha256: str) -> str | None:
        content = self._installation.judgments.picture(sha256)
        if content is None:
            return None
        name = f"pictures/{sha256}"
        file = self._directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return name

    def _set(self, instruction: Instruction) -> int:
        return self._sets.setdefault((instruction.id, instruction.wording), _FIRST_SET + len(self._sets))

    def _pool(self) -> Iterator[str]:
        for page in self._library.indexed_ids():
            for document in self._library.documents(page.tolist()).values():
                image = str(document.image.path) if document.image is not None else None
                yield _dumped({"did": did(document), "txt": document.text, "img_path": image, "modality": document.modality})

    def _wordings(self) -> Iterator[str]:
        yield "\t".join(_COLUMNS)
        for (name, wording), number in self._sets.items():
            plain = " ".join(wording.split())
            for query in Modality:
                for candidate in Modality:
                    yield "\t".join((str(number), name, query, candidate, plain, "", "", ""))


def did(document: Document) -> str:
    """The document's external id where it can stand in a file of columns, else one made of our own."""
    external = document.external_id
    return external if external is not None and re.fullmatch(r"\S+", external) else f"{_FIRST_SET}:{format_id(document.id)}"


def _line(judgment: Judgment, document: Document | None, pictures: Mapping[str, str | None]) -> str:
    named: dict[str, Json] = {"id": format_id(judgment.document)}
    if document is not None:
        named |= {"external_id": document.external_id, "path": str(document.source.file), "locator": document.source.locator}
    query = judgment.query.as_json()
    del query["image"]  # which the picture's bytes tell
    picture = pictures.get(judgment.query.image) if judgment.query.image is not None else None
    judged_at = judgment.judged_at.isoformat(timespec="seconds")
    return _dumped({"query": query, "picture": picture, "document": named, "grade": judgment.grade, "judged_at": judged_at})


def _query_line(
    qid: str, query: JudgedQuery, given: Sequence[Judgment], documents: Mapping[int, Document], pictures: Mapping[str, str | None]
) -> str:
    known = [one for one in given if one.document in documents]
    best = max((one for one in known if one.grade > 0), key=lambda one: one.grade, default=None)
    modality = query.asked(Path(query.image) if query.image is not None else None).modality or Modality.IMAGE_TEXT
    wanted = query.target or query.instruction.target or (documents[best.document].modality if best is not None else Modality.IMAGE_TEXT)
    return _dumped(
        {
            "qid": qid,
            "query_txt": query.text,
            "query_img_path": pictures.get(query.image) if query.image is not None else None,
            "query_modality": modality,
            "query_src_content": None,
            "pos_cand_list": [did(documents[one.document]) for one in known if one.grade > 0],
            "neg_cand_list": [did(documents[one.document]) for one in known if one.grade == 0],
            "task_id": _TASKS[modality, wanted],
        }
    )


def _by_query(judgments: Sequence[Judgment]) -> list[tuple[JudgedQuery, list[Judgment]]]:
    found: dict[str, tuple[JudgedQuery, list[Judgment]]] = {}
    for one in judgments:
        found.setdefault(one.query.key, (one.query, []))[1].append(one)
    return list(found.values())


def _dumped(value: Mapping[str, Json]) -> str:
    return json.dumps(value, ensure_ascii=False)
