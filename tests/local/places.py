"""A service of this process in a data directory of the test's own, with real stores and the arithmetic encoder."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from app.local.opening import own
from app.local.service import LocalService
from encoders.arithmetic import ArithmeticEncoder
from tests.worlds import fresh_sqlite
from uniir.documents import Document
from uniir.protocols import ImageLoader, Prepared
from uniir.queries import Query
from uniir.settings import Settings, load_settings
from uniir.wire import IngestRequest, JobAnswer

_AT_FULL_SPEED = 4  # batches: the first is told when three are encoded


def settings_in(place: Path, **others: object) -> Settings:
    usual = {"encoder": "arithmetic", "vector_store": "exact", "workers": 2, "threads": 1, "wait_seconds": 0, "rerank_seconds": 60}
    return load_settings(data_dir=place / "data", **(usual | others))


@contextmanager
def local_service(place: Path, **others: object) -> Iterator[LocalService]:
    settings = settings_in(place, **others)
    if settings.catalog_url is None:
        fresh_sqlite(settings.catalog_file)
    with own(settings, "a test") as service:
        yield service


def ingested(service: LocalService, *paths: Path, **others: object) -> JobAnswer:
    """The job as it ended."""
    request = IngestRequest.model_validate({"paths": [str(path) for path in paths], **others})
    return ended(service, service.start_ingest(request))


def ended(service: LocalService, job: JobAnswer) -> JobAnswer:
    *_, last = service.follow(job.id)
    return last


@contextmanager
def slow_encoding(seconds: float) -> Iterator[threading.Event]:
    """Every batch of documents but the first few takes so long, until the event is set: jobs that are surely met at work."""
    at_once, batches, prepare = threading.Event(), count(), ArithmeticEncoder.prepare

    def slowly(self: ArithmeticEncoder, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        if any(isinstance(item, Document) for item in items) and next(batches) >= _AT_FULL_SPEED:
            at_once.wait(seconds)
        return prepare(self, items, images)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ArithmeticEncoder, "prepare", slowly)
        yield at_once
