"""Doctor, rebuild and delete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from app.local.jobs.turns import Turns
from app.wiring.owned import OwnedInstallation
from ingest.doctor import Finding, examine, examine_beside, orphan_thumbnails
from ingest.rebuild import Rebuilt, rebuild
from storage.sql.collections import CollectionRecord
from storage.sql.spaces import within
from uniir.errors import NotFound, UsageError
from uniir.ids import format_id, parse_id
from uniir.spaces import SpaceState
from uniir.wire import (
    DeleteAnswer,
    DeleteRequest,
    DoctorAnswer,
    DoctorRequest,
    FindingAnswer,
    IndexAnswer,
    RebuildAnswer,
    RebuildRequest,
    RebuiltCollection,
)


class Upkeep:
    """Each waits for its turn: what one compares or writes, no other may change meanwhile."""

    def __init__(self, everything: OwnedInstallation, turns: Turns) -> None:
        self._everything = everything
        self._installation = everything.installation
        self._turns = turns

    def doctor(self, request: DoctorRequest) -> DoctorAnswer:
        with self._turns.taken("the doctor", request.collection):
            findings = []
            for name, finding in self._examine(request.collection):
                mended = request.repair and finding.mend is not None
                findings.append((name, finding, mended))
            for _, finding, mended in findings:
                if mended and finding.mend is not None:
                    finding.mend()
            indexes = list(self._measure(request.collection))
        return DoctorAnswer(findings=[_finding_answer(*one) for one in findings], checked_at=datetime.now(UTC), indexes=indexes)

    def _measure(self, collection: str | None) -> Iterator[IndexAnswer]:
        """The index of every space, measured after what was mended."""
        installation = self._installation
        records = installation.collections.all() if collection is None else [installation.collections.get(collection)]
        for record in records:
            for one in (record, *installation.others(record)):
                report = self._everything.store(one).measure()
                beside = None if one is record else one.space.encoder
                yield IndexAnswer(
                    collection=record.name,
                    kind=report.kind,
                    why=report.why,
                    recall=report.recall,
                    search=dict(report.search),
                    beside=beside,
                )

    def _examine(self, collection: str | None) -> Sequence[tuple[str, Finding]]:
        """Findings with the collection's name: of one collection where it is named, else of all and of what none owns."""
        everything, installation = self._everything, self._installation
        records = installation.collections.all() if collection is None else [installation.collections.get(collection)]
        found = [(record.name, finding) for record in records for finding in self._examine_collection(record)]
        if collection is None:
            found += [("thumbnails", one) for one in orphan_thumbnails(installation.thumbnails, installation.unused_pictures)]
            strays = sorted(set(everything.database.names()) - installation.spaces.vector_names())
            if strays:

                def drop() -> None:
                    for name in strays:
                        everything.database.drop(name)

                message = "vector collections belong to no collection"
                found.append(
                    ("vectors", Finding("collections-stray", len(strays), message, tuple(strays), "`uniir doctor --repair`", drop))
                )
        return found

    def _examine_collection(self, record: CollectionRecord) -> Iterator[Finding]:
        everything, installation = self._everything, self._installation
        yield from examine(everything.patient(record))
        for other in installation.others(record):
            yield from examine_beside(installation.library(other), everything.store(other), other.space.encoder)
        half_removed = [one for one in installation.spaces.of(record) if one.state is SpaceState.REMOVING]
        if half_removed:

            def mend() -> None:
                for space in half_removed:
                    everything.drop_vectors(within(record, space))
                    installation.spaces.forget(space)

            named = tuple(one.space.encoder for one in half_removed)
            yield Finding("spaces-unfinished", len(named), "spaces were left half removed", named, "`uniir doctor --repair`", mend)

    def rebuild(self, request: RebuildRequest) -> RebuildAnswer:
        installation = self._installation
        records = installation.collections.all() if request.collection is None else [installation.collections.get(request.collection)]
        with self._turns.taken("the rebuild", request.collection):
            return RebuildAnswer(collections=[one for record in records for one in self._rebuild(record)])

    def _rebuild(self, record: CollectionRecord) -> Iterator[RebuiltCollection]:
        """Every space of a collection, the one that is searched first."""
        installation = self._installation
        rebuilt = self._refill(record)
        installation.ledger(record).mark_pending(rebuilt.without_vector)
        yield RebuiltCollection(collection=record.name, written=rebuilt.written, without_vector=len(rebuilt.without_vector))
        for other in installation.others(record):
            rebuilt = self._refill(other)
            installation.filling(other).lose(rebuilt.without_vector)
            yield RebuiltCollection(
                collection=record.name, written=rebuilt.written, without_vector=len(rebuilt.without_vector), beside=other.space.encoder
            )

    def _refill(self, record: CollectionRecord) -> Rebuilt:
        self._everything.drop_vectors(record)
        return rebuild(self._installation.library(record), self._everything.store(record))

    def delete(self, request: DeleteRequest) -> DeleteAnswer:
        if not request.ids and not request.paths and not request.whole:
            raise UsageError("Nothing was named to be deleted.", "Give ids, `--path PATH`, or `--all` for the whole collection.")
        record = self._installation.collection(request.collection)
        counts = self._installation.collections.counts(record)
        held = sum(counts.indexed.values())
        if request.whole:
            if not request.dry_run:
                with self._turns.taken("the deletion", record.name):
                    self._delete_collection(record)
            return DeleteAnswer(collection=record.name, documents=held, sources=0, held=held)
        library = self._installation.library(record)
        wanted = [parse_id(one) for one in request.ids]
        unknown = sorted(set(wanted) - library.existing(wanted))
        if unknown:
            raise NotFound(f"There is no document {format_id(unknown[0])} in {record.name}.", "Nothing was deleted.")
        sources = [source for path in request.paths for source in library.sources_at(str(Path(path)))]
        if request.paths and not sources:
            raise NotFound(f"No document of {record.name} comes from {', '.join(request.paths)}.", "Nothing was deleted.")
        if not request.dry_run:
            with self._turns.taken("the deletion", record.name):
                writer = self._everything.writer(record)
                writer.remove_documents(wanted)
                writer.remove_sources([source.id for source in sources])
                writer.finish()
        return DeleteAnswer(collection=record.name, documents=len(wanted), sources=len(sources), held=held)

    def _delete_collection(self, record: CollectionRecord) -> None:
        installation = self._installation
        for space in installation.spaces.of(record):
            self._everything.drop_vectors(within(record, space))
        installation.collections.remove(record)
        for sha256 in installation.unused_pictures(list(installation.thumbnails.hashes())):
            installation.thumbnails.remove(sha256)


def _finding_answer(collection: str, finding: Finding, mended: bool) -> FindingAnswer:
    return FindingAnswer(
        collection=collection,
        check=finding.check,
        count=finding.count,
        message=finding.message,
        examples=list(finding.examples),
        way_out=finding.way_out,
        mended=mended,
    )
