"""Ingest: make the collection equal to the corpus. Workers read and decode, one thread encodes, one more writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ingest.changes import Changes, Request
from ingest.compare import Compared, Verdict, is_missing
from ingest.encoding import DocumentEncoder
from ingest.events import Advanced, Counts, Finishing, Planned, Reading, Sink
from ingest.loading import LoadedChunk, LoadedSource, Loader, Task
from ingest.reading import hash_file
from ingest.stages import Stages
from ingest.walk import Found
from ingest.writing import Writer
from uniir.ledger import Failure, Ledger, SourceDraft, SourceKey, SourceKind, SourceRecord

_WINDOW = 512  # sources sorted together by kind and size, so that a batch holds alike
_PICTURES = 16  # in a chunk: decoded they take some megabytes each
_TEXTS = 64


@dataclass(frozen=True, slots=True)
class _EncodedChunk:
    """Vectors of all the chunk's documents by fingerprint, and failures of sources that have none."""

    chunk: LoadedChunk
    vectors: Mapping[str, NDArray[np.float16]]
    failures: Sequence[Failure]


@dataclass(frozen=True, slots=True)
class _Written:
    sources: Sequence[LoadedSource]
    failures: Sequence[Failure]
    unreadable: Sequence[int]


class Ingest:
    """One request. `stop` ends the run after the batch at hand; `run` may be called once.

    `hurry`, set as well, leaves the index unbuilt: for who must end soon and runs the same again.
    """

    def __init__(
        self,
        request: Request,
        ledger: Ledger,
        encoder: DocumentEncoder,
        loader: Loader,
        writer: Writer,
        *,
        sink: Sink,
        stop: threading.Event,
        workers: int,
        hurry: threading.Event | None = None,
    ) -> None:
        self._request = request
        self._changes = Changes(request, ledger)
        self._ledger = ledger
        self._encoder = encoder
        self._loader = loader
        self._writer = writer
        self._sink = sink
        self._stop = stop
        self._hurry = hurry or threading.Event()
        self._workers = workers
        self._counts = Counts()
        self._missing: list[int] = []
        self._superseded: list[int] = []
        self._moved: set[int] = set()
        self._manifests: dict[SourceKey, SourceDraft] = {}
        self._failing: set[SourceKey] = set()
        self._shrunk: set[SourceKey] = set()
        self._unreadable: list[int] = []

    def plan(self) -> Counts:
        """What a run would do, without doing any of it; moves are not recognised, since nothing is read."""
        counts = Counts()
        for compared in self._changes:
            match compared.verdict:
                case Verdict.NEW if not _is_manifest(compared):
                    counts.added += 1
                case Verdict.CHANGED if not _is_manifest(compared):
                    counts.changed += 1
                case Verdict.UNCHANGED:
                    counts.unchanged += 1
                case Verdict.QUARANTINED:
                    counts.quarantined += 1
                case Verdict.OBSTACLE:
                    counts.failed.append(_obstacle_failure(compared))
                case Verdict.SUPERSEDED:
                    counts.deleted += 1
                case Verdict.GONE if self._request.prune:
                    counts.deleted += 1
                case Verdict.GONE:
                    counts.gone += 1
                case _:
                    pass
        return counts

    def run(self, command: str = "ingest") -> Counts:
        """Makes the collection equal to the scopes. Raises StoreUnavailable; what was done until then is kept."""
        run = self._ledger.start_run(command, self._request.as_json())
        state = "failed"
        try:
            self._writer.finish_leftovers(resuming=run.resumes)
            self._follow_moved_manifests()
            plan = self.plan()
            self._sink(Planned(plan.added + plan.changed, plan.unchanged))
            if plan.is_quiet and not any(self._changes.standing_failures()):
                self._counts = plan
            else:
                self._read_and_write(self._tasks())
                if not self._stop.is_set():
                    self._close_the_pass()
            if not (self._stop.is_set() and self._hurry.is_set()):
                if self._writer.has_unfinished:
                    self._sink(Finishing())
                self._writer.finish()
            self._counts.documents = self._writer.indexed
            self._counts.interrupted = self._stop.is_set()
            state = "stopped" if self._counts.interrupted else "done"
        finally:
            self._ledger.finish_run(run.id, state, self._counts.as_json())
        return self._counts

    def _follow_moved_manifests(self) -> None:
        """A manifest under a new name takes its lines along before they are compared."""
        for scope in self._request.scopes:
            for key, found in self._changes.manifests(scope):
                if self._ledger.known(key) is not None or any(self._ledger.records(key.root, key.path)):
                    continue
                for other in self._ledger.with_content(hash_file(key.file)):
                    if other.kind is SourceKind.MANIFEST and is_missing(other.key):
                        beside = key.file.parent == other.key.file.parent  # elsewhere its lines mean other pictures, and are read
                        settled = bool(other.signature)  # without one, lines that are gone may still be searchable
                        self._ledger.move_manifest(other, key, found.signature if beside and settled else "")
                        break

    def _tasks(self) -> Iterator[Task]:
        """What must be read; everything else is only counted or noted."""
        for compared in self._changes:
            match compared.verdict:
                case Verdict.NEW | Verdict.CHANGED if _is_manifest(compared):
                    self._open_manifest(_manifest_draft(compared))
                case Verdict.NEW | Verdict.CHANGED if compared.found is not None:
                    yield Task(compared.key, compared.found, compared.record)
                case Verdict.UNCHANGED:
                    self._counts.unchanged += 1
                case Verdict.QUARANTINED | Verdict.IGNORED:
                    self._counts.quarantined += compared.verdict is Verdict.QUARANTINED
                    self._failing.add(compared.key)
                case Verdict.OBSTACLE:
                    self._manifests.pop(compared.key, None)
                    self._fail([_obstacle_failure(compared)])
                    self._sink(Advanced(0, 1))
                case Verdict.GONE if compared.record is not None and _never_finished(compared.record):
                    self._superseded.append(compared.record.id)
                case Verdict.GONE if compared.record is not None:
                    self._missing.append(compared.record.id)
                    if compared.key.locator:
                        self._shrunk.add(replace(compared.key, locator=""))
                case Verdict.SUPERSEDED if compared.record is not None:
                    self._superseded.append(compared.record.id)
                case _:
                    pass

    def _open_manifest(self, draft: SourceDraft) -> None:
        """Writes the manifest's row before any of its lines, without a signature: it is read when the pass is closed."""
        self._ledger.record([replace(draft, signature="")])
        known = self._ledger.known(draft.key)
        self._manifests[draft.key] = replace(draft, known_as=known.id if known is not None else None)

    def _read_and_write(self, tasks: Iterator[Task]) -> None:
        # opening the vectors takes about as long as encoding the first chunk
        stages = Stages(self._loader.load, self._encode, self._write, begin=self._writer.open)
        for written in stages.run(_chunks(tasks), self._workers, self._encoder.lanes, self._announce, self._stop):
            self._tally(written)

    def _announce(self, chunk: LoadedChunk) -> None:
        if chunk.sources:
            self._sink(Reading(chunk.sources[0].task.key.file))

    def _encode(self, chunk: LoadedChunk) -> _EncodedChunk:
        encoded = self._encoder.encode(chunk.documents, chunk.prepared)
        failures = []
        for source in chunk.sources:
            failed = next((one.fingerprint for one in source.draft.documents if one.fingerprint in encoded.failures), None)
            if failed is not None:
                why = encoded.failures[failed]
                failures.append(Failure(source.task.key, why.code, why.reason, source.task.signature))
        return _EncodedChunk(chunk, {**chunk.vectors, **encoded.vectors}, failures)

    def _write(self, encoded: _EncodedChunk) -> _Written:
        chunk = encoded.chunk
        failed = {failure.key for failure in encoded.failures}
        sources = [self._settle_move(source) for source in chunk.sources if source.task.key not in failed]
        refused = self._writer.write([source.draft for source in sources], encoded.vectors)
        failed = {failure.key for failure in refused}
        return _Written(
            [source for source in sources if source.task.key not in failed],
            [*chunk.failures, *encoded.failures, *refused],
            chunk.unreadable,
        )

    def _tally(self, written: _Written) -> None:
        added, changed = self._counts.added, self._counts.changed
        for source in written.sources:
            self._count(source)
        self._fail(written.failures)
        self._unreadable += written.unreadable
        added, changed = self._counts.added - added, self._counts.changed - changed
        failed = len(written.failures)
        self._sink(Advanced(len(written.sources) + failed, failed, added, changed, len(written.sources) - added - changed))

    def _settle_move(self, source: LoadedSource) -> LoadedSource:
        """Of two copies of a file that is gone, the first is where it moved; the second is new."""
        if source.moved_from is None:
            return source
        if source.moved_from.id in self._moved:
            return source.as_new()
        self._moved.add(source.moved_from.id)
        return source

    def _count(self, source: LoadedSource) -> None:
        if source.moved_from is not None:
            self._counts.moved += 1
        elif source.same_content:
            self._counts.unchanged += 1
        elif source.task.record is not None and source.task.record.signature:
            self._counts.changed += 1
        else:
            self._counts.added += 1

    def _fail(self, failures: Sequence[Failure]) -> None:
        if failures:
            self._ledger.quarantine(failures)
            self._counts.failed += failures
            self._failing.update(failure.key for failure in failures)

    def _close_the_pass(self) -> None:
        """What can be said only after everything was looked at: what is gone, and what is in quarantine no more."""
        missing = [source for source in self._missing if source not in self._moved]
        if self._request.prune:
            self._writer.remove_sources(missing)
            self._counts.deleted += len(missing)
        else:
            self._counts.gone += len(missing)
        superseded = [source for source in self._superseded if source not in self._moved]  # or a source would go with its new place
        self._writer.remove_sources(superseded)
        self._writer.remove_pending(self._unreadable)
        self._counts.deleted += len(superseded)
        for manifest in self._manifests.values():
            lines_kept = not self._request.prune and manifest.key in self._shrunk
            # last, since a manifest with its signature is not read again; without one a later --prune sees which lines are gone
            self._writer.write([replace(manifest, signature="") if lines_kept else manifest], {})
        self._ledger.release([key for key in self._changes.standing_failures() if key not in self._failing])


def _chunks(tasks: Iterator[Task]) -> Iterator[Sequence[Task]]:
    """Chunks of one kind each, of sources about equally large."""
    while window := list(islice(tasks, _WINDOW)):
        for has_picture, size in ((True, _PICTURES), (False, _TEXTS)):
            alike = sorted((task for task in window if task.has_picture is has_picture), key=lambda task: task.size)
            yield from (alike[start : start + size] for start in range(0, len(alike), size))


def _is_manifest(compared: Compared) -> bool:
    return isinstance(compared.found, Found) and compared.found.kind is SourceKind.MANIFEST


def _never_finished(record: SourceRecord) -> bool:
    """A source that a run left unfinished. A manifest without a signature is another matter: its lines may be searchable."""
    return not record.signature and record.kind is not SourceKind.MANIFEST


def _manifest_draft(compared: Compared) -> SourceDraft:
    assert isinstance(compared.found, Found)
    known_as = compared.record.id if compared.record is not None else None
    return SourceDraft(compared.key, SourceKind.MANIFEST, compared.found.signature, hash_file(compared.key.file), (), known_as)


def _obstacle_failure(compared: Compared) -> Failure:
    assert compared.obstacle is not None
    return Failure(compared.key, compared.obstacle.code, compared.obstacle.reason, compared.obstacle.signature)
