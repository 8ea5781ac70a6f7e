"""What stands before a query's text. How a model is told an instruction is data: the first row of `data/prompts.json` that fits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

from uniir.instructions import Instruction

_OF_QUERIES = ("query",)
_OF_DOCUMENTS = ("document", "passage", "corpus")


@dataclass(frozen=True, slots=True)
class Rule:
    """For models whose name fits `model` and whose own prompt for queries fits `own`; `prompt` may say {instruction} and {own}."""

    model: str
    own: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Prompts:
    """A model's own prompts by name, and the template for its queries that have an instruction."""

    query: str
    document: str
    instructed: str

    @classmethod
    def of(cls, model: str, own: Mapping[str, str | None]) -> Prompts:
        """`own` are the prompts that the model was saved with."""
        query, document = (next((prompt for name in names if (prompt := own.get(name))), "") for names in (_OF_QUERIES, _OF_DOCUMENTS))
        fitting = (rule for rule in _rules() if fnmatchcase(model.lower(), rule.model) and re.search(rule.own, query, re.DOTALL))
        return cls(query, document, next(fitting).prompt)

    @property
    def tell_queries_apart(self) -> bool:
        """Whether a query is not read as a document with the same words is."""
        return "{instruction}" in self.instructed or self.query != self.document

    def before(self, instruction: Instruction | None) -> str:
        """What stands before a query's text."""
        if instruction is None:
            return self.query
        return self.instructed.replace("{own}", self.query).replace("{instruction}", instruction.wording)


@cache
def _rules() -> tuple[Rule, ...]:
    rows = json.loads((files("encoders.sentences") / "data" / "prompts.json").read_text("utf-8"))
    return tuple(Rule(row["model"], row["own"], row["prompt"]) for row in rows)
