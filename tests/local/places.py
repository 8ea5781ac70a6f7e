"""A service of this process in a data directory of the test's own, with real stores and the arithmetic encoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.local.opening import own
from app.local.service import LocalService
from uniir.settings import Settings, load_settings
from uniir.wire import IngestRequest, JobAnswer


def settings_in(place: Path, **others: object) -> Settings:
    usual = {"encoder": "arithmetic", "vector_store": "exact", "workers": 2, "threads": 1, "wait_seconds": 0}
    return load_settings(data_dir=place / "data", **(usual | others))


@contextmanager
def local_service(place: Path, **others: object) -> Iterator[LocalService]:
    with own(settings_in(place, **others), "a test") as service:
        yield service


def ingested(service: LocalService, *paths: Path, **others: object) -> JobAnswer:
    """The job as it ended."""
    request = IngestRequest.model_validate({"paths": [str(path) for path in paths], **others})
    return ended(service, service.start_ingest(request))


def ended(service: LocalService, job: JobAnswer) -> JobAnswer:
    *_, last = service.follow(job.id)
    return last
