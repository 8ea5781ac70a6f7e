"""What a collection could be narrowed by."""

from __future__ import annotations

from pydantic import Field

from uniir.wire.values import Answer


class FacetValue(Answer):
    """How many documents have it; `where` is the filter that admits them, where one can be written."""

    value: bool | int | float | str
    count: int
    where: str | None = None


class FacetKey(Answer):
    """A key of the metadata: how many documents have a plain value there, how many values there are, and the most frequent."""

    key: str
    count: int
    distinct: int
    values: list[FacetValue]


class FacetsAnswer(Answer):
    """Documents that fit the filter, by kind, by folder below the root, and by metadata."""

    collection: str
    where: str | None = Field(None, description="the filter, as it was read")
    documents: int
    modalities: list[FacetValue]
    folders: list[FacetValue]
    keys: list[FacetKey]
