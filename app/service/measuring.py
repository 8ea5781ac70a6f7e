"""What /metrics tells, in a registry of its own so that several services can live in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from uniir.errors import UniirError
from uniir.service import Service
from uniir.wire import JobState, SearchAnswer

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32)
_FRESH_SECONDS = 10.0  # counting a large collection's files takes a while, and a scraper comes often


class Measurements:
    """Counts what happens; jobs and documents are asked of the service when somebody reads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        labels = ("method", "route", "status")
        self._requests = Counter("uniir_requests", "Requests answered.", labels, registry=self._registry)
        self._latency = Histogram(
            "uniir_request_seconds", "Seconds until a request was answered.", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self._stages = Histogram(
            "uniir_search_stage_seconds", "Seconds of every stage of a search.", ("stage",), buckets=_SECONDS, registry=self._registry
        )
        self._batches = Histogram("uniir_query_batch_size", "Queries that were encoded together.", buckets=_SIZES, registry=self._registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def search(self, answer: SearchAnswer) -> None:
        for stage, milliseconds in answer.timings_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)

    def batch(self, size: int) -> None:
        self._batches.observe(size)

    def watch(self, service: Service) -> None:
        """Tells of this service's jobs and documents from now on."""
        self._registry.register(_Holdings(service))

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self._registry)


class _Holdings(Collector):
    """Jobs by state and documents by collection, at most a few seconds old."""

    def __init__(self, service: Service, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._lock = Lock()
        self._counted: tuple[float, list[GaugeMetricFamily]] | None = None

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # or registering would count already

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with self._lock:
            if self._counted is None or self._clock() - self._counted[0] > _FRESH_SECONDS:
                self._counted = self._clock(), self._count()
            yield from self._counted[1]

    def _count(self) -> list[GaugeMetricFamily]:
        jobs = GaugeMetricFamily("uniir_jobs", "Ingest jobs that are remembered.", labels=["state"])
        documents = GaugeMetricFamily("uniir_documents", "Documents in a collection.", labels=["collection", "modality", "state"])
        failures = GaugeMetricFamily("uniir_failed_inputs", "Inputs in quarantine.", labels=["collection"])
        try:
            states = [job.state for job in self._service.jobs().jobs]
            collections = self._service.collections().collections
        except UniirError:  # what still can be told is told
            return []
        for state in JobState:
            jobs.add_metric([state.value], states.count(state))
        for collection in collections:
            for state_name, held in (("indexed", collection.documents.indexed), ("pending", collection.documents.pending)):
                for modality, count in held.items():
                    documents.add_metric([collection.name, modality.value, state_name], count)
            failures.add_metric([collection.name], collection.failed)
        return [jobs, documents, failures]
