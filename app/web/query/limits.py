"""What narrows a search beside its words, each part with the search that is rid of it; no Streamlit here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.web.query.address import Ask
from app.web.search.words import only_kind, only_path
from uniir.errors import QueryError
from uniir.filter_language import Condition, read_filter, written
from uniir.filter_language.tree import Every

NONE: Mapping[str, str | None] = {"kind": None, "path": "", "where": ""}  # the fields of `Ask` where nothing limits


@dataclass(frozen=True, slots=True)
class Limit:
    """In words; and what is left in a field of `Ask` when it is lifted."""

    words: str
    field: str
    left: str | None


def limits(ask: Ask) -> list[Limit]:
    """All of a search."""
    kind = [Limit(only_kind(ask.kind), "kind", None)] if ask.kind is not None else []
    return [*kind, *filters(ask)]


def filters(ask: Ask) -> list[Limit]:
    """Those that the bar does not show: the path, and each condition of the filter; one that can't be read stands as it is."""
    path = [Limit(only_path(ask.path), "path", "")] if ask.path else []
    try:
        conditions = _conditions(ask.where)
    except QueryError:
        return [*path, Limit(ask.where, "where", "")]
    others = (conditions[:at] + conditions[at + 1 :] for at in range(len(conditions)))
    return [*path, *(Limit(written(one), "where", _together(left)) for one, left in zip(conditions, others, strict=True))]


def narrowed(where: str, condition: str) -> str:
    """The filter with one more condition. Raises QueryError for one that can't be read."""
    return _together((*_conditions(where), *_conditions(condition)))


def _conditions(where: str) -> tuple[Condition, ...]:
    condition = read_filter(where)
    match condition:
        case None:
            return ()
        case Every(conditions):
            return conditions
    return (condition,)


def _together(conditions: tuple[Condition, ...]) -> str:
    if not conditions:
        return ""
    return written(conditions[0] if len(conditions) == 1 else Every(conditions))
