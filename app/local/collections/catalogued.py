"""What the catalog alone can tell, whoever owns the directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.local.collections.space_answers import spaces_of, worth_telling
from app.local.searches.answers import collection_answer
from app.wiring.installation import Installation
from storage.sql.collections import CollectionRecord
from storage.sql.library import ListedFailure
from uniir.wire import CollectionAnswer, CollectionsAnswer


def catalogued(installation: Installation) -> CollectionsAnswer:
    """Every collection as the catalog alone knows it."""
    return CollectionsAnswer(collections=[_catalogued(installation, record) for record in installation.collections.all()])


def _catalogued(installation: Installation, record: CollectionRecord) -> CollectionAnswer:
    answer = collection_answer(record, installation.collections.counts(record))
    return answer.model_copy(update={"spaces": worth_telling(spaces_of(installation, record))})


def failures_at(installation: Installation, collection: str | None, paths: Sequence[Path] | None) -> Sequence[ListedFailure]:
    """Failures at these paths or below them; None: all. Raises NotFound for an unknown collection."""
    found = installation.library(installation.collection(collection)).failures()
    if paths is None:
        return found
    return [failure for failure in found if any(failure.key.file.is_relative_to(path) for path in paths)]
