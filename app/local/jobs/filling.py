"""Filling a space that was asked for: a collection is encoded once more, from what the catalog knows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from app.local.collections.space_answers import document_place, space_answer
from app.wiring.owned import OwnedInstallation
from encoders.catalogue import introduction
from ingest.events import Sink
from ingest.reembedding import Filled
from storage.sql.collections import CollectionRecord
from storage.sql.spaces import SpaceRecord, within
from uniir.protocols import Encoder
from uniir.spaces import SpaceState
from uniir.wire import FailedInput, SpaceReport, SpaceRequest


@dataclass(frozen=True, slots=True)
class AcceptedFilling:
    """A request that can be carried out, with its collection named."""

    request: SpaceRequest
    collection: str

    @property
    def what(self) -> str:
        return f"the encoding of {self.collection} for {self.request.encoder}"


class SpaceFilling:
    """Checks requests and runs them."""

    def __init__(self, everything: OwnedInstallation) -> None:
        self._everything = everything
        self._installation = everything.installation

    def accept(self, request: SpaceRequest) -> AcceptedFilling:
        """Raises NotFound, UsageError, ModelUnavailable for what could only fail later."""
        record = self._installation.collection(request.collection)
        self._installation.encoder(request.encoder)
        return AcceptedFilling(request.model_copy(update={"collection": record.name}), record.name)

    def run(self, accepted: AcceptedFilling, sink: Sink, stop: threading.Event, hurry: threading.Event) -> SpaceReport:
        """Raises NotFound, ModelUnavailable, StoreUnavailable; what was done until then is kept. `hurry` is for who runs the same again."""
        started = time.perf_counter()
        record = self._installation.collection(accepted.collection)
        known = {space.id for space in self._installation.spaces.of(record)}
        space, encoder = self._space(record, accepted.request.encoder)
        filled = self._everything.reembedding(within(record, space), encoder, sink, stop, hurry).run()
        notes = [introduction(space.space.encoder)] if space.id not in known else []
        return self._report(record, space, filled, time.perf_counter() - started, notes)

    def _space(self, record: CollectionRecord, name: str) -> tuple[SpaceRecord, Encoder]:
        """The space to go on with, made if there is none; which number type it is in, only a setting decides."""
        encoder = self._installation.encoder(name)
        for known in self._alike(record, encoder):
            again = encoder if known.space == encoder.space else self._installation.encoder(name, known.space.dtype)
            if again.space == known.space:
                return known, again
        return self._installation.spaces.add(record, encoder.space), encoder

    def _alike(self, record: CollectionRecord, encoder: Encoder) -> Iterator[SpaceRecord]:
        """Spaces of this very encoder first, then those that differ from it in the number type alone, where any may be taken."""
        spaces = [one for one in self._installation.spaces.of(record) if one.state is not SpaceState.REMOVING]
        yield from (one for one in spaces if one.space == encoder.space)
        if self._installation.settings.dtype == "auto":
            yield from (one for one in reversed(spaces) if _same_weights(one, encoder) and one.space != encoder.space)

    def _report(self, record: CollectionRecord, space: SpaceRecord, filled: Filled, seconds: float, notes: list[str]) -> SpaceReport:
        now = next(one for one in self._installation.spaces.of(record) if one.id == space.id)
        return SpaceReport(
            collection=record.name,
            space=space_answer(now, self._installation.spaces.coverage(record, now)),
            added=filled.indexed,
            failed=[FailedInput(path=document_place(one.document), code=one.code, reason=one.reason) for one in filled.refused],
            seconds=round(seconds, 3),
            documents_per_second=round(filled.indexed / seconds, 2),
            interrupted=filled.interrupted,
            notes=[note for note in notes if note],
        )


def _same_weights(one: SpaceRecord, encoder: Encoder) -> bool:
    return (one.space.encoder, one.space.weights) == (encoder.space.encoder, encoder.space.weights)
