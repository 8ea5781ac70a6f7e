"""Carrying out an ingest that was asked for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.local.searches.answers import place
from app.wiring.owned import OwnedInstallation
from encoders.catalogue import introduction
from evaluation.mbeir.layout import corpus_of
from ingest.changes import Request
from ingest.compare import has_entries
from ingest.events import Counts, Sink
from ingest.pipeline import Ingest
from ingest.scopes import require_ingestible, resolve_scopes
from storage.sql.collections import CollectionRecord
from uniir.errors import UsageError
from uniir.protocols import GOOD_RECALL
from uniir.settings import Settings
from uniir.wire import FailedInput, IngestReport, IngestRequest


@dataclass(frozen=True, slots=True)
class AcceptedIngest:
    """A request that can be carried out, with its collection named; `introduction` is what a new collection's encoder wants said."""

    request: IngestRequest
    collection: str
    introduction: str = ""

    @property
    def what(self) -> str:
        return f"an ingest into {self.collection}"


class Ingesting:
    """Checks requests and runs them."""

    def __init__(self, everything: OwnedInstallation) -> None:
        self._everything = everything
        self._installation = everything.installation

    def accept(self, request: IngestRequest) -> AcceptedIngest:
        """Makes the collection if it is new. Raises UsageError, ModelUnavailable for what could only fail later."""
        settings, paths = self._installation.settings, [Path(path) for path in request.paths]
        name = request.collection if request.collection is not None else settings.collection
        relative = next((path for path in paths if not _is_absolute(path)), None)
        if relative is not None:
            raise UsageError(f"{relative} is no absolute path.", "Name the folder in full, as it is called on the machine of the service.")
        require_outside(settings, paths)
        known = self._installation.collections.find(name)
        if known is not None and request.encoder not in (None, known.space.encoder):
            raise UsageError(
                f"The collection {known.name} was encoded with {known.space.encoder!r}, not with {request.encoder!r}.",
                f"Leave `--encoder` out, ingest into another `--collection`, or change this one's: "
                f"`uniir spaces add --encoder {request.encoder}`.",
            )
        corpora = [corpus for path in paths for corpus in corpus_of(path)]
        require_ingestible(corpora)
        collection = self._installation.collection_for_ingest(name, request.encoder)
        words = introduction(collection.space.encoder) if known is None else ""
        read = request.model_copy(update={"collection": name, "paths": list(map(str, corpora))})
        return AcceptedIngest(read, name, f"{_pools_told(paths, corpora)}{words}")

    def run(self, accepted: AcceptedIngest, sink: Sink, stop: threading.Event, hurry: threading.Event) -> IngestReport:
        """Raises UsageError, StoreUnavailable; what was done until then is kept. `hurry` is for who runs the same again."""
        started = time.perf_counter()
        collection, job = self._job(accepted, sink, stop, hurry)
        return self._report(accepted, collection, job.run(), time.perf_counter() - started)

    def plan(self, accepted: AcceptedIngest) -> IngestReport:
        """What a run would do, without doing any of it."""
        started = time.perf_counter()
        collection, job = self._job(accepted, lambda event: None, threading.Event(), threading.Event())
        return self._report(replace(accepted, introduction=""), collection, job.plan(), time.perf_counter() - started)

    def _job(self, accepted: AcceptedIngest, sink: Sink, stop: threading.Event, hurry: threading.Event) -> tuple[CollectionRecord, Ingest]:
        request = accepted.request
        collection = self._installation.collection_for_ingest(accepted.collection, request.encoder)
        scopes = resolve_scopes([Path(path) for path in request.paths], self._installation.ledger(collection))
        wanted = Request(scopes, tuple(request.exclude), prune=request.prune, retry=request.retry)
        return collection, self._everything.ingest(collection, wanted, sink, stop, hurry)

    def _index_note(self, collection: CollectionRecord, counts: Counts) -> str:
        """Which index what was written went into, and why; nothing where there is no choice."""
        store = self._everything.opened_store(collection)
        if not counts.documents or store is None or (report := store.report).kind == "exact":
            return ""
        found = "" if report.recall is None else f"; it finds {report.recall:.1%} of the ten nearest"
        below = "" if report.recall is None or report.recall >= GOOD_RECALL else f", less than {GOOD_RECALL:.0%} with all its effort"
        return f"Index {report.kind}: {report.why}{found}{below}."

    def _report(self, accepted: AcceptedIngest, collection: CollectionRecord, counts: Counts, seconds: float) -> IngestReport:
        index_note = self._index_note(collection, counts)
        return IngestReport(
            collection=collection.name,
            added=counts.added,
            changed=counts.changed,
            moved=counts.moved,
            unchanged=counts.unchanged,
            deleted=counts.deleted,
            failed=[FailedInput(path=place(failure.key), code=failure.code, reason=failure.reason) for failure in counts.failed],
            documents=dict(self._installation.collections.counts(collection).indexed),
            seconds=round(seconds, 3),
            documents_per_second=round(counts.documents / seconds, 2),
            gone=counts.gone,
            quarantined=counts.quarantined,
            interrupted=counts.interrupted,
            notes=[note for note in (accepted.introduction, *_empty_places(accepted.request), index_note) if note],
        )


def _pools_told(paths: Sequence[Path], corpora: Sequence[Path]) -> str:
    if corpora == paths:
        return ""
    told = ", ".join(str(one) for one in corpora if one not in paths)
    return f"Laid out as M-BEIR is; its candidates are the corpus ({told}). "


def _is_absolute(path: Path) -> bool:
    """Whether a file system could know such a path at all, and in full."""
    try:
        return path.is_absolute() and b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def require_outside(settings: Settings, paths: Sequence[Path]) -> None:
    """Raises UsageError for what lies in the data directory and was not sent there by anybody."""
    for path in paths:
        resolved = path.resolve()
        if resolved.is_relative_to(settings.data_dir.resolve()) and not resolved.is_relative_to(settings.uploads_directory.resolve()):
            raise UsageError(f"{path} lies in the data directory, which is no corpus.", "Keep the data elsewhere: `--data-dir`.")


def _empty_places(request: IngestRequest) -> Iterator[str]:
    for path in request.paths if request.prune else ():
        if Path(path).is_dir() and not has_entries(path):
            yield f"{path} is empty (is a disk not mounted?), so nothing below it was taken out."
