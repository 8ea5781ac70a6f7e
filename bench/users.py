"""Many people at once: each asks one query after the other while the service takes in pictures and texts.

    python -m bench.users [--quick] [--json] [--store milvus|exact|servers] [--users 64] [--seconds 300]

20,000 documents to begin with. No request may fail, and memory must not grow by more than the documents that came: what the service
holds at the end is compared with what it held when all had begun. `servers` are a Milvus server and Postgres, which the benchmark starts
itself on the same machine.
"""

from __future__ import annotations

import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from app.wiring.sessions import owned
from bench.inputs import mixed, sentence
from bench.pair import pair
from bench.report import PLACE, Number, Options, argument_parser, progress, report
from bench.search import K, fill, filled, quantile
from bench.serving import Running, copied, serving
from encoders.starter.encoder import StarterEncoder
from models.devices import Device
from uniir.settings import load_settings
from uniir.wire import IngestRequest

AT_MOST = 1.10
_STORES = ("milvus", "exact", "servers")
_SAMPLES = 50  # of memory, over the whole time


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--store", choices=_STORES, default="milvus")
    parser.add_argument("--users", type=int, default=64)
    parser.add_argument("--seconds", type=int)
    given = parser.parse_args()
    count, seconds, files = (2_000, 10, 500) if given.quick else (20_000, 300, 20_000)
    with _service(given.store, count) as service:
        numbers = crowd(service, given.users, given.seconds or seconds, mixed(files), f"{count:,} documents, {given.store}")
    report("users", Options(given.quick, given.json), numbers)


@contextmanager
def _service(store: str, count: int) -> Iterator[Running]:
    """A service over so many documents."""
    if store == "milvus":
        with copied(filled(count, StarterEncoder.load(Device()).space.fingerprint)) as data, serving(data) as running:
            yield running
    elif store == "exact":
        with tempfile.TemporaryDirectory(dir=PLACE) as place, _filled(Path(place), {"vector_store": "exact"}, count) as running:
            yield running
    else:
        with tempfile.TemporaryDirectory(dir=PLACE) as place, pair() as both, _filled(Path(place), both.installation(), count) as running:
            yield running


@contextmanager
def _filled(data: Path, stores: Mapping[str, object], count: int) -> Iterator[Running]:
    with owned(load_settings(data_dir=data, encoder="starter", **stores), "bench") as everything:
        fill(everything, everything.installation.collection_for_ingest("default"), count)
    with serving(data, stores) as running:
        yield running


@dataclass(slots=True)
class _Load:
    """What many clients saw."""

    milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def ask(self, service: Running, seed: int) -> None:
        """One client, which asks as soon as it has its answer."""
        parts = urlsplit(service.address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        number = seed * 1_000_000
        while not self.over.is_set():
            number += 1
            body = json.dumps({"text": sentence(number, words=8), "k": K})
            start = time.perf_counter()
            try:
                connection.request("POST", "/v1/search", body, {"Content-Type": "application/json", **service.headers})
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.errors.append(repr(error))
                connection.close()
                continue
            self.milliseconds.append((time.perf_counter() - start) * 1000)
            if answer.status != 200:
                self.errors.append(f"{answer.status}: {text[:200]!r}")


def crowd(service: Running, users: int, seconds: int, corpus: Path, where: str) -> Sequence[Number]:
    """So many people for so long while this folder is ingested: their errors, and the service's memory."""
    progress(f"{users} clients at {where} for {seconds} s while an ingest runs")
    load, memory = _Load(), [service.megabytes]
    with service.client() as client, ThreadPoolExecutor(users) as pool:
        job = client.start_ingest(IngestRequest(paths=[str(corpus)], collection="default")).id
        clients = [pool.submit(load.ask, service, seed) for seed in range(1, users + 1)]
        for _ in range(_SAMPLES):
            time.sleep(seconds / _SAMPLES)
            memory.append(service.megabytes)
        state = client.job(job)
        load.over.set()
        for one in clients:
            one.result()
    began, ended = (float(np.median(part)) for part in (memory[_SAMPLES // 5 : 2 * _SAMPLES // 5], memory[-_SAMPLES // 5 :]))
    figures: dict[str, object] = {
        "answers": len(load.milliseconds),
        "answers per second": round(len(load.milliseconds) / seconds, 1),
        "p50, ms": quantile(load.milliseconds, 50),
        "p95, ms": quantile(load.milliseconds, 95),
        "p99, ms": quantile(load.milliseconds, 99),
        "first errors": load.errors[:3],
        "ingest at the end": f"{state.state}, {state.progress.done} of {state.progress.total} files",
    }
    kept: dict[str, object] = {
        "before anybody asked, MiB": memory[0],
        "second fifth of the time, median, MiB": round(began, 1),
        "last fifth, median, MiB": round(ended, 1),
        "most, MiB": max(memory),
    }
    name = f"errors of {users} clients in {seconds} s at {where} while an ingest runs"
    return [
        Number(name, float(len(load.errors)), "0", not load.errors, figures),
        Number("memory in the last fifth / in the second", ended / began, f"<= {AT_MOST}", ended / began <= AT_MOST, kept),
    ]


if __name__ == "__main__":
    main()
