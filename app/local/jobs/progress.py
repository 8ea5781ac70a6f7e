"""Where a job stands, worked out from what the ingest tells."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ingest.events import Advanced, Event, Finishing, Planned, Reading
from uniir.wire import IngestReport, Phase, Progress, SpaceReport

_WINDOW = 10.0  # seconds that the rate looks back


class Meter:
    """Listens to one ingest; `changed` is called after every event."""

    def __init__(self, changed: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._changed = changed
        self._clock = clock
        self._lock = threading.Lock()
        self._progress = Progress()
        self._seen: deque[tuple[float, int]] = deque()

    def begin(self) -> None:
        """The job is at work; the walk comes first."""
        with self._lock:
            self._progress = Progress(phase=Phase.LOOKING)
        self._changed()

    def listen(self, event: Event) -> None:
        with self._lock:
            self._progress = self._after(event)
        self._changed()

    def _after(self, event: Event) -> Progress:
        now = self._progress
        match event:
            case Planned():
                self._seen.append((self._clock(), 0))
                return now.model_copy(update={"phase": Phase.READING, "total": event.to_read, "unchanged": event.unchanged})
            case Reading():
                return now.model_copy(update={"current": str(event.file)})
            case Finishing():
                return now.model_copy(update={"phase": Phase.INDEXING, "current": None, "seconds_left": None})
            case Advanced():
                done = now.done + event.sources
                self._seen.append((self._clock(), done))
                return now.model_copy(
                    update={
                        "done": done,
                        "total": None if now.total is None else max(now.total, done),
                        "added": now.added + event.added,
                        "changed": now.changed + event.changed,
                        "unchanged": now.unchanged + event.unchanged,
                        "failed": now.failed + event.failed,
                    }
                )

    @property
    def progress(self) -> Progress:
        with self._lock:
            rate = self._rate()
            now = self._progress
        if now.phase is not Phase.READING or not rate:
            return now
        left = None if now.total is None else round((now.total - now.done) / rate, 1)
        return now.model_copy(update={"rate": round(rate, 2), "seconds_left": left})

    def _rate(self) -> float | None:
        """Sources per second over the last seconds; batches come seldom, so the last one before them counts too."""
        now = self._clock()
        while len(self._seen) > 2 and self._seen[1][0] < now - _WINDOW:
            self._seen.popleft()
        if len(self._seen) < 2:
            return None
        (since, before), (_, done) = self._seen[0], self._seen[-1]
        return (done - before) / (now - since) if now > since else None


def ended(report: IngestReport | SpaceReport | None, last: Progress | None = None) -> Progress:
    """Where a job stands that is over; `last` is where it stood before, if anybody remembers."""
    if last is not None and last.total is not None:
        return last.model_copy(update={"phase": Phase.ENDED, "current": None, "rate": None, "seconds_left": None})
    if report is None:
        return Progress(phase=Phase.ENDED)
    failed = len(report.failed)
    changed, unchanged = (report.changed, report.unchanged) if isinstance(report, IngestReport) else (0, 0)
    done = report.added + changed + failed
    return Progress(phase=Phase.ENDED, total=done, done=done, added=report.added, changed=changed, unchanged=unchanged, failed=failed)
