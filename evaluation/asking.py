"""Queries as they are put to an encoder: with an instruction, one of several, or none."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from evaluation.embedding import Entry
from evaluation.mbeir.pools import Candidates, picture_of
from evaluation.mbeir.reading import InstructionKey, MbeirQuery, dataset_of, read_queries
from uniir.documents import Modality
from uniir.errors import UsageError
from uniir.instructions import Instruction
from uniir.protocols import Steering
from uniir.queries import Query

TARGETS: Mapping[int, Modality] = {
    0: Modality.IMAGE,
    1: Modality.TEXT,
    2: Modality.IMAGE_TEXT,
    3: Modality.TEXT,
    4: Modality.IMAGE,
    5: Modality.IMAGE_TEXT,
    6: Modality.TEXT,
    7: Modality.IMAGE,
    8: Modality.IMAGE_TEXT,
}
"""The modality that each of M-BEIR's tasks asks for."""
_DATASETS: Mapping[str, str] = {
    "0": "VisualNews",
    "1": "Fashion200K",
    "2": "WebQA",
    "3": "EDIS",
    "4": "NIGHTS",
    "5": "OVEN",
    "6": "INFOSEEK",
    "7": "FashionIQ",
    "8": "CIRR",
    "9": "MSCOCO",
}  # by the number in front of an id; some models have prompts of their own for each

Wordings = Mapping[InstructionKey, Sequence[str]]


class Instructing(StrEnum):
    """Which wording a query gets. ON is RANDOM, what the authors do at evaluation too; here the draw depends on seed and qid alone."""

    ON = "on"
    OFF = "off"
    FIRST = "first"
    RANDOM = "random"


def entries_of(
    root: Path, queries: Sequence[MbeirQuery], pool: Candidates, wordings: Wordings, instructing: Instructing, seed: int
) -> Iterator[Entry]:
    """One entry for each query. Raises UsageError for one without a wording where instructions are wanted."""
    for number, one in enumerate(queries):
        target = target_of(one, pool)
        instruction = None
        if instructing is not Instructing.OFF:
            wording = _wording(one, target, wordings, instructing, seed)
            instruction = Instruction(f"{one.qid}:{number}", one.modality, target, wording, _DATASETS.get(dataset_of(one.qid)))
        text = one.text if one.text and one.text.strip() else None
        image = picture_of(root, one.image)
        if text is None and image is None:
            yield Entry(one.qid, one.modality, None)
            continue
        query = Query(text=text, image=image, instruction=instruction, target=None if instruction is None else target)
        yield Entry(one.qid, one.modality, query, Steering(Modality.of(text=text is not None, image=image is not None), query.target))


def require_wordings(file: Path, wordings: Wordings) -> None:
    """Looks at a file's first query, so that a table without its data set is found out before anything is embedded. Raises UsageError."""
    for query in read_queries(file):
        if not any((one.dataset, one.query) == (dataset_of(query.qid), query.modality) for one in wordings):
            raise _missing(query, "anything")
        return


def target_of(query: MbeirQuery, pool: Candidates) -> Modality:
    """The modality of the first positive of the query's own data set, as the authors choose the instruction by it; else the task's."""
    # OVEN and InfoSeek share pages: a positive may carry the other's id.
    own = [did for did in query.positives if dataset_of(did) == dataset_of(query.qid)]
    for did in (*own, *query.positives):
        if (modality := pool.modality_of_did(did)) is not None:
            return modality
    return TARGETS.get(query.task, Modality.IMAGE_TEXT)


def _wording(query: MbeirQuery, target: Modality, wordings: Wordings, instructing: Instructing, seed: int) -> str:
    known = wordings.get(InstructionKey(dataset_of(query.qid), query.modality, target))
    if not known:
        raise _missing(query, target)
    return known[0] if instructing is Instructing.FIRST else random.Random(f"{seed}:{query.qid}").choice(known)


def _missing(query: MbeirQuery, target: str) -> UsageError:
    return UsageError(
        f"There is no instruction for data set {dataset_of(query.qid)}, {query.modality} to {target} (query {query.qid}).",
        "Add a row to instructions/query_instructions.tsv, or evaluate with `--instructions off`.",
    )
