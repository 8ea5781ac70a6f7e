"""Why a search that found nothing may find something later."""

from __future__ import annotations

from app.local.jobs.work import asked_for
from app.wiring.installation import Installation
from storage.sql.collections import CollectionRecord
from uniir.counting import counted
from uniir.wire import IngestRequest, JobState

_OPEN = (JobState.WAITING, JobState.RUNNING)


def unfinished(installation: Installation, collection: CollectionRecord) -> str | None:
    """What an ingest that is at work, or was not finished, has not brought yet; None where there is none. Raises StoreUnavailable."""
    pending = installation.collections.pending(collection)
    ingests = [one for one in installation.jobs.of(collection.name) if isinstance(asked_for(one[0].request), IngestRequest)]
    at_work = any(in_hand for _, in_hand in ingests)
    if not pending and not at_work and not (ingests and ingests[0][0].state in _OPEN):  # an older one may have been made up for
        return None
    known = f"{counted(pending, 'document')} can't be found yet. " if pending else ""
    if at_work:
        return f"{known}An ingest into {collection.name} is at work: search again when it is done."
    return f"{known}An ingest into {collection.name} was not finished: `uniir ingest` the same paths again."
