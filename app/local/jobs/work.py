"""What a job may be: an ingest, or the filling of a space."""

from __future__ import annotations

import threading
from typing import TypeAlias

from pydantic import TypeAdapter

from app.local.jobs.filling import AcceptedFilling, SpaceFilling
from app.local.jobs.ingesting import AcceptedIngest, Ingesting
from ingest.events import Sink
from uniir.documents import Json
from uniir.wire import IngestReport, IngestRequest, SpaceReport, SpaceRequest

Asked: TypeAlias = IngestRequest | SpaceRequest
Accepted: TypeAlias = AcceptedIngest | AcceptedFilling
Report: TypeAlias = IngestReport | SpaceReport

_ASKED: TypeAdapter[Asked] = TypeAdapter(Asked)


class Work:
    """Checks what is asked for and carries it out."""

    def __init__(self, ingesting: Ingesting, filling: SpaceFilling) -> None:
        self._ingesting = ingesting
        self._filling = filling

    def accept(self, asked: Asked) -> Accepted:
        """Raises UsageError, ModelUnavailable for what could only fail later."""
        if isinstance(asked, IngestRequest):
            return self._ingesting.accept(asked)
        return self._filling.accept(asked)

    def run(self, accepted: Accepted, sink: Sink, stop: threading.Event, hurry: threading.Event) -> Report:
        """Raises UsageError, Unavailable; what was done until then is kept. `hurry` is for who runs the same again."""
        if isinstance(accepted, AcceptedIngest):
            return self._ingesting.run(accepted, sink, stop, hurry)
        return self._filling.run(accepted, sink, stop, hurry)


def recalled(request: Json, collection: str) -> Accepted:
    """What was accepted, from what the catalog remembers of it."""
    asked = asked_for(request)
    return AcceptedIngest(asked, collection) if isinstance(asked, IngestRequest) else AcceptedFilling(asked, collection)


def asked_for(request: Json) -> Asked:
    """The two have no required field in common, so each is known by its own."""
    return _ASKED.validate_python(request)
