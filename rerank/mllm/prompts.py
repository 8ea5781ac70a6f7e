"""Prompts as data: templates whose fields are filled with texts that stay texts and pictures that stay pictures."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from uniir.documents import Modality

_FIELD = re.compile(r"\{(query_image|query_text|cand_image|cand_text|instruction)\}")
# LamRA's blanks and its spelling are those of its training: another blank would be another prompt.
LAMRA_POINTWISE = (
    "I will provide you with a query and a candidate. Please evaluate whether the candidate                        "
    "meets the requirements of the query. If it does, respond with 'Yes'; if it doesn't, responed with 'No'."
    "Query:{query_image}{query_text}Candidate:{cand_image}{cand_text}"
)
LAMRA_LISTWISE = (
    "I will provide you with a query followed by multiple candidates in the format: (1) cand1 (2) cand2, etc. "
    "Each candidate is independent of the others.                         "
    "Evaluate each candidate against the query, and respond with the number corresponding to the candidate that best meets "
    "the requirements of the query.Query:{query_image}{query_text}Candidates:"
)
QWEN3 = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct provided. "
    'Note that the answer can only be "yes" or "no".<|im_end|>\n'
    "<|im_start|>user\n<Instruct>: {instruction}<Query>:{query_image}{query_text}\n<Document>:{cand_image}{cand_text}<|im_end|>\n"
    "<|im_start|>assistant\n"
)
ANY = "Query: {query_image}{query_text}\nCandidate: {cand_image}{cand_text}\nDoes the candidate satisfy the query? Answer Yes or No."


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and a candidate as a prompt shows them: texts that hold no marker, and whether there is a picture of each."""

    query_text: str
    query_image: bool
    cand_text: str
    cand_image: bool
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """A prompt with a marker for each picture, and whose pictures they are, in order."""

    prompt: str
    pictures: tuple[str, ...]  # query_image or cand_image


def parts_of(template: str, asked: Asked) -> Iterator[tuple[str | None, str]]:
    """The prompt in order: None and words, or the name of a picture; what stands in braces in somebody's text is no field."""
    for number, part in enumerate(_FIELD.split(template)):
        if number % 2 == 0:
            yield None, part
        elif not part.endswith("_image"):
            yield None, getattr(asked, part)
        elif getattr(asked, part):
            yield part, ""


def filled(template: str, asked: Asked, marker: str) -> Filled:
    """Puts texts and markers in."""
    parts = list(parts_of(template, asked))
    return Filled("".join(words if name is None else marker for name, words in parts), tuple(name for name, _ in parts if name is not None))


@cache
def true_false_prompts() -> Mapping[tuple[str | None, Modality, Modality], str]:
    """MM-Embed's prompts (table 13) by data set, query and candidate; without a data set, the first of each kind."""
    text = (files("rerank") / "data" / "true_false.tsv").read_text("utf-8")
    rows: Sequence[Mapping[str, str]] = list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    known: dict[tuple[str | None, Modality, Modality], str] = {}
    for row in rows:
        query, candidate, template = Modality(row["query"]), Modality(row["candidate"]), row["template"].replace("\\n", "\n")
        known[row["dataset"], query, candidate] = template
    for dataset in ("MSCOCO", "WebQA", "NIGHTS", "OVEN", "CIRR"):  # everyday pictures and questions, before news and fashion
        for (named, query, candidate), template in list(known.items()):
            if named == dataset:
                known.setdefault((None, query, candidate), template)
    return MappingProxyType(known)
