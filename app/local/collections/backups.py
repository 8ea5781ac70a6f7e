"""Writing a collection to a directory, and bringing it back from one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from app.local.jobs.turns import Turns
from app.wiring.owned import OwnedInstallation
from ingest.rebuild import rebuild
from storage.backups import PART, BackupReader, BackupWriter, Manifest
from storage.sql.collections import CollectionRecord, require_name
from storage.sql.transfer import Snapshot
from uniir.errors import UsageError
from uniir.spaces import SpaceState
from uniir.wire import BackupAnswer, BackupRequest, RestoreRequest


class Backups:
    """Each waits for its turn, so that nobody writes to the collection meanwhile."""

    def __init__(self, everything: OwnedInstallation, turns: Turns) -> None:
        self._everything = everything
        self._installation = everything.installation
        self._turns = turns

    def backup(self, request: BackupRequest) -> BackupAnswer:
        """Raises NotFound, UsageError, StoreUnavailable; the same again goes on."""
        directory = _absolute(request.path)
        record = self._installation.collection(request.collection)
        with self._turns.taken("a backup", record.name), self._installation.transfer.snapshot(record) as snapshot:
            if request.dry_run:
                return self._counted(record, directory, snapshot)
            return _answer(self._written(record, directory, snapshot), directory)

    def _written(self, record: CollectionRecord, directory: Path, snapshot: Snapshot) -> Manifest:
        writer = BackupWriter(directory, record.name)
        writer.rows("spaces", snapshot.spaces())
        for name in ("sources", "documents", "runs", "failures", "judgments", "scorings", "calibrations"):
            writer.rows(name, snapshot.rows(name))
        writer.rows("judged_pictures", snapshot.judged_pictures())
        for number in snapshot.space_numbers:
            writer.rows(f"embeddings-{number}", snapshot.embeddings(number))
            writer.vectors(number, snapshot.vectors(number, PART))
        writer.thumbnails(self._thumbnails(record))
        return writer.finish()

    def _thumbnails(self, record: CollectionRecord) -> Iterator[tuple[str, Path]]:
        for sha256 in sorted(self._installation.browser.picture_hashes(record)):
            yield from self._installation.thumbnails.files(sha256)

    def _counted(self, record: CollectionRecord, directory: Path, snapshot: Snapshot) -> BackupAnswer:
        return BackupAnswer(
            collection=record.name,
            path=str(directory),
            documents=sum(1 for _ in snapshot.rows("documents")),
            spaces=len(snapshot.space_numbers),
            vectors=sum(row["has_vector"] for number in snapshot.space_numbers for row in snapshot.embeddings(number)),
            thumbnails=sum(1 for _ in self._thumbnails(record)),
            judgments=sum(1 for _ in snapshot.rows("judgments")),
        )

    def restore(self, request: RestoreRequest) -> BackupAnswer:
        """Raises UsageError for a damaged backup or for what is here already, StoreUnavailable; the same again goes on."""
        reader, would = _verified(request)
        name = would.collection
        with self._turns.taken("a restore", name):
            hidden = self._left_half_done(name, reader)
            if request.dry_run:
                if not hidden:
                    self._installation.transfer.require_new(name, reader)
                return would
            without_vector = self._brought_back(name, reader, hidden)
        return would.model_copy(update={"without_vector": without_vector})

    def _left_half_done(self, name: str, reader: BackupReader) -> Sequence[CollectionRecord]:
        """What an earlier restore of this very backup has brought back already; another one's is none."""
        hidden = self._installation.transfer.hidden(name)
        return hidden if hidden and self._installation.transfer.is_of(hidden, reader.manifest.counts, reader) else ()

    def _brought_back(self, name: str, reader: BackupReader, hidden: Sequence[CollectionRecord]) -> int:
        """Thumbnails, rows, vectors, and only then the collection for all to see; how many documents have no vector."""
        transfer = self._installation.transfer
        for thumbnail, file in reader.thumbnails():
            self._installation.thumbnails.put_back(thumbnail, file)
        if not hidden:
            for leftover in transfer.hidden(name):
                self._everything.drop_vectors(leftover)
                transfer.discard(leftover)
            transfer.bring_back(name, reader)
            hidden = transfer.hidden(name)
        without_vector = 0
        for one, state in zip(hidden, transfer.states(reader), strict=True):
            self._everything.drop_vectors(one)  # whatever stood there under this name
            lost = rebuild(self._installation.library(one), self._everything.store(one)).without_vector
            if state is SpaceState.ACTIVE:
                self._installation.ledger(one).mark_pending(lost)
                without_vector = len(lost)
            else:
                self._installation.filling(one).lose(lost)
        transfer.show(hidden, reader)
        return without_vector


def restored_into_nothing(request: RestoreRequest) -> BackupAnswer:
    """What a restore would bring back where nothing is kept yet, and no directory is to be made to see it. Raises UsageError."""
    _, would = _verified(request)
    require_name(would.collection)
    return would


def _verified(request: RestoreRequest) -> tuple[BackupReader, BackupAnswer]:
    reader = BackupReader(_absolute(request.path))
    reader.verify()
    name = request.collection if request.collection is not None else reader.manifest.collection
    return reader, _answer(reader.manifest, reader.directory).model_copy(update={"collection": name})


def _absolute(path: str) -> Path:
    if "\0" in path or not Path(path).is_absolute():
        raise UsageError(
            f"{path[:200]!r} is no absolute path.", "Name the directory in full, as it is called on the machine of the service."
        )
    return Path(path)


def _answer(manifest: Manifest, directory: Path) -> BackupAnswer:
    counts = manifest.counts
    return BackupAnswer(
        collection=manifest.collection,
        path=str(directory),
        documents=counts["documents"],
        spaces=counts["spaces"],
        vectors=counts["vectors"],
        thumbnails=counts["thumbnails"],
        judgments=counts["judgments"],
        bytes=manifest.bytes,
        made_at=datetime.fromisoformat(manifest.made_at),
    )
