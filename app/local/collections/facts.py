"""What is known of a collection beyond its counts: its space, its index, its last run, the room it takes."""

from __future__ import annotations

import threading

from app.local.collections.space_answers import spaces_of, worth_telling
from app.local.searches.answers import collection_answer
from app.wiring.owned import OwnedInstallation
from storage.sql.collections import CollectionRecord
from uniir.documents import Json
from uniir.wire import CollectionAnswer, DiskUse, IndexFacts, LastRun


class CollectionFacts:
    """Looks collections over. Adding up files takes a while, so it is done once for every state of a collection."""

    def __init__(self, everything: OwnedInstallation) -> None:
        self._everything = everything
        self._installation = everything.installation
        self._lock = threading.Lock()
        self._measured: dict[int, tuple[object, DiskUse]] = {}

    def of(self, record: CollectionRecord) -> CollectionAnswer:
        """Index and disk are left out while the vectors are not opened, so that a service that starts can say what it has at once."""
        counts = self._installation.collections.counts(record)
        last_run = self._last_run(record)
        spaces = worth_telling(spaces_of(self._installation, record))
        state = (tuple(counts.indexed.values()), last_run, [(one.id, one.indexed) for one in spaces])
        store = self._everything.opened_store(record)
        answer = collection_answer(record, counts).model_copy(
            update={"dimension": record.space.dimension, "last_run": last_run, "spaces": spaces}
        )
        if store is None:
            return answer
        report = store.report
        index = IndexFacts(
            kind=report.kind,
            engine=self._everything.database.engine,
            vectors=sum(counts.indexed.values()),
            why=report.why,
            recall=report.recall,
            search=dict(report.search),
        )
        return answer.model_copy(update={"index": index, "disk": self._disk(record, state)})

    def _last_run(self, record: CollectionRecord) -> LastRun | None:
        run = self._installation.browser.last_run(record)
        if run is None:
            return None
        return LastRun(
            command=run.command, state=run.state, started_at=run.started_at, finished_at=run.finished_at, failed=_failed(run.counts)
        )

    def _disk(self, record: CollectionRecord, state: object) -> DiskUse:
        with self._lock:
            known = self._measured.get(record.id)
        if known is not None and known[0] == state:
            return known[1]
        installation = self._installation
        use = DiskUse(
            catalog=installation.browser.size(),
            vectors=sum(self._everything.database.size(one.vectors) for one in (record, *installation.others(record))),
            thumbnails=sum(map(installation.thumbnails.size, installation.browser.picture_hashes(record))),
        )
        with self._lock:
            self._measured[record.id] = (state, use)
        return use


def _failed(counts: Json) -> int:
    failed = counts.get("failed", 0) if isinstance(counts, dict) else 0
    return failed if isinstance(failed, int) else 0
