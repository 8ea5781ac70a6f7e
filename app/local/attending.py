"""While a job is worked off: tells other processes how far it is, and hears from them that it is to be cancelled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storage.sql.jobs.jobs import SqlJobs
from uniir.errors import StoreUnavailable
from uniir.wire import Progress

_EVERY_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Attendant:
    """Attends to one job."""

    def __init__(self, jobs: SqlJobs, job: int, progress: Callable[[], Progress], cancel: Callable[[], None]) -> None:
        self._jobs = jobs
        self._job = job
        self._progress = progress
        self._cancel = cancel
        self._done = threading.Event()

    @contextmanager
    def present(self, needed: bool) -> Iterator[None]:
        """Attends until the block is left, if there is anybody to tell."""
        if not needed:
            yield
            return
        thread = threading.Thread(target=self._attend, name="attending", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _attend(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            try:
                if self._jobs.tell(self._job, self._progress().model_dump(mode="json")):
                    self._cancel()
            except StoreUnavailable as error:
                _log.warning("nobody could be told how far a job is: %s", error)
