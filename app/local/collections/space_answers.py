"""Spaces in the words on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from uniir.wire import SpaceAnswer

if TYPE_CHECKING:
    from app.wiring.installation import Installation
    from storage.sql.collections import CollectionRecord
    from storage.sql.spaces import Coverage, SpaceRecord
    from uniir.documents import Document


def space_answer(space: SpaceRecord, coverage: Coverage) -> SpaceAnswer:
    return SpaceAnswer(
        id=space.id,
        encoder=space.space.encoder,
        weights=space.space.weights,
        preprocessing=space.space.preprocessing,
        dtype=space.space.dtype,
        dimension=space.space.dimension,
        state=space.state,
        since=space.since,
        documents=coverage.documents,
        indexed=coverage.indexed,
        refused=coverage.refused,
        missing=coverage.missing,
    )


def spaces_of(installation: Installation, record: CollectionRecord) -> Sequence[SpaceAnswer]:
    """Every space with how much it covers, oldest first."""
    spaces = installation.spaces
    return [space_answer(one, spaces.coverage(record, one)) for one in spaces.of(record)]


def worth_telling(spaces: Sequence[SpaceAnswer]) -> list[SpaceAnswer]:
    """None where the only space leaves nothing out."""
    return list(spaces) if len(spaces) > 1 or any(one.refused for one in spaces) else []


def document_place(document: Document) -> str:
    """A document for people: its file, and its place in it."""
    return f"{document.source.file}#{document.source.locator}" if document.source.locator else str(document.source.file)


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
