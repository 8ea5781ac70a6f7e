"""What the catalog alone can tell, whoever owns the directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.local.answers import collection_answer
from app.wiring import Installation
from storage.sql.library import ListedFailure
from uniir.wire import CollectionsAnswer


def catalogued(installation: Installation) -> CollectionsAnswer:
    """Every collection as the catalog alone knows it."""
    collections = installation.collections
    return CollectionsAnswer(collections=[collection_answer(record, collections.counts(record)) for record in collections.all()])


def failures_at(installation: Installation, collection: str | None, paths: Sequence[Path] | None) -> Sequence[ListedFailure]:
    """Failures at these paths or below them; None: all. Raises NotFound for an unknown collection."""
    found = installation.library(installation.collection(collection)).failures()
    if paths is None:
        return found
    return [failure for failure in found if any(failure.key.file.is_relative_to(path) for path in paths)]
