"""The service under one client, and under 32 while an ingest runs.

First a text query goes once over HTTP to `uniir serve` and once through encoder and `MilvusClient.search` alone, in turns, at 20,000 and
100,000 documents; the two have a copy of the same collection each, since a directory has one owner. Then 32 clients ask one query after the
other for two minutes while the service ingests pictures and texts: errors, latency, memory.
"""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

import uniir
from app.wiring.sessions import owned
from bench.inputs import mixed, sentence
from bench.report import PLACE, Number, command, options, progress, report
from bench.search import AT_MOST, K, encode_and_ask, filled, quantile, settings_of, timed
from encoders.starter.encoder import StarterEncoder
from models.devices import Device
from storage.ownership import owner_of
from uniir.client import Client
from uniir.ids import parse_id
from uniir.queries import Query, Reranking
from uniir.wire import IngestRequest, SearchRequest

CLIENTS = 32


def main() -> None:
    given = options(__doc__)
    fingerprint = StarterEncoder.load(Device()).space.fingerprint
    numbers = []
    for count in (2_000,) if given.quick else (20_000, 100_000):
        numbers.append(_compare(filled(count, fingerprint), count, queries=50 if given.quick else 300))
    load, seconds, files = (2_000, 10, 500) if given.quick else (20_000, 120, 20_000)
    numbers.append(_under_load(filled(load, fingerprint), load, seconds, mixed(files)))
    report("service", given, numbers)


@dataclass(frozen=True, slots=True)
class Running:
    """A service in a process of its own."""

    address: str
    secret: str
    process: psutil.Process

    def client(self) -> Client:
        return uniir.connect(self.address, self.secret)

    @property
    def processor_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def megabytes(self) -> float:
        """What it holds in memory now."""
        return round(float(self.process.memory_info().rss) / 2**20, 1)


@contextmanager
def serving(data: Path) -> Iterator[Running]:
    """`uniir serve` over a copy of this data directory."""
    copy = PLACE / f"{data.name}-served"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(data, copy)
    with (PLACE / "service.log").open("w") as log:
        words = command("serve", "--port", "0", "--data-dir", str(copy))
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        owner = owner_of(copy)
        if owner is None or owner.secret is None:
            raise SystemExit(f"The service did not start; {PLACE / 'service.log'} says why.")
        running = Running(address, owner.secret, psutil.Process(process.pid))
        while httpx.get(f"{address}/readyz", timeout=60).status_code != 200:
            time.sleep(0.1)
        yield running
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(copy, ignore_errors=True)


def _compare(data: Path, count: int, queries: int) -> Number:
    progress(f"one client at {count} documents")
    ours: list[float] = []
    plain: list[float] = []
    within: dict[str, list[float]] = {}
    agreeing = 0
    alone_spent = 0.0
    with serving(data) as service, service.client() as client, owned(settings_of(data), "bench") as everything:
        collection = everything.installation.collection_for_ingest("default")
        everything.search_service(collection).search(Query(text="a boat", k=K))  # loads the collection
        ask_alone = encode_and_ask(everything, collection)

        def alone(query: Query) -> Sequence[int]:
            nonlocal alone_spent
            before = time.process_time()
            found = ask_alone(query)
            alone_spent += time.process_time() - before
            return found

        def served(query: Query) -> Sequence[int]:
            answer = client.search(SearchRequest(text=query.text, k=K, rerank=Reranking.OFF))
            for stage, took in answer.timings_ms.items():
                within.setdefault(stage, []).append(took)
            return [parse_id(hit.id) for hit in answer.hits]

        before = service.processor_seconds
        for number in range(-5, queries):  # the first few warm both sides up
            query = Query(text=sentence(10**9 + number, words=8), k=K)
            if number % 2:
                (mine, took), (theirs, alone_took) = timed(served, query), timed(alone, query)
            else:
                (theirs, alone_took), (mine, took) = timed(alone, query), timed(served, query)
            if number >= 0:
                ours.append(took)
                plain.append(alone_took)
                agreeing += len(set(mine) & set(theirs))
        spent = service.processor_seconds - before
    ratio = quantile(ours, 50) / quantile(plain, 50)
    figures: dict[str, object] = {
        "service p50, ms": quantile(ours, 50),
        "service p95, ms": quantile(ours, 95),
        "encode + Milvus alone p50, ms": quantile(plain, 50),
        "encode + Milvus alone p95, ms": quantile(plain, 95),
        "service, processor time per query, ms": round(1000 * spent / (queries + 5), 1),
        "encode + Milvus alone, processor time per query, ms": round(1000 * alone_spent / (queries + 5), 1),
        "queries": queries,
        "same documents in both answers": f"{agreeing / (queries * K):.1%}",
    }
    figures |= {f"service, stage {stage} p50, ms": quantile(values[5:], 50) for stage, values in within.items()}
    return Number(
        f"text query through the service at {count:,} / encode + Milvus alone, p50", ratio, f"<= {AT_MOST}", ratio <= AT_MOST, figures
    )


@dataclass(slots=True)
class _Load:
    """What many clients saw."""

    milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def ask(self, address: str, seed: int) -> None:
        """One client, which asks as soon as it has its answer."""
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        number = seed * 1_000_000
        while not self.over.is_set():
            number += 1
            body = json.dumps({"text": sentence(number, words=8), "k": K})
            start = time.perf_counter()
            try:
                connection.request("POST", "/v1/search", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.errors.append(repr(error))
                connection.close()
                continue
            self.milliseconds.append((time.perf_counter() - start) * 1000)
            if answer.status != 200:
                self.errors.append(f"{answer.status}: {text[:200]!r}")


def _under_load(data: Path, count: int, seconds: int, corpus: Path) -> Number:
    progress(f"{CLIENTS} clients at {count} documents for {seconds} s while an ingest runs")
    load, memory = _Load(), []
    with serving(data) as service, service.client() as client, ThreadPoolExecutor(CLIENTS) as pool:
        memory.append(service.megabytes)
        job = client.start_ingest(IngestRequest(paths=[str(corpus)], collection="default")).id
        clients = [pool.submit(load.ask, service.address, seed) for seed in range(1, CLIENTS + 1)]
        for _ in range(10):
            time.sleep(seconds / 10)
            memory.append(service.megabytes)
        state = client.job(job)
        load.over.set()
        for one in clients:
            one.result()
    figures: dict[str, object] = {
        "answers": len(load.milliseconds),
        "answers per second": round(len(load.milliseconds) / seconds, 1),
        "p50, ms": quantile(load.milliseconds, 50),
        "p95, ms": quantile(load.milliseconds, 95),
        "p99, ms": quantile(load.milliseconds, 99),
        "first errors": load.errors[:3],
        "ingest at the end": f"{state.state}, {state.progress.done} of {state.progress.total} files",
        "memory at the start, MiB": memory[0],
        "memory at the end, MiB": memory[-1],
        "memory over time, MiB": memory,
    }
    name = f"errors of {CLIENTS} clients in {seconds} s at {count:,} documents while an ingest runs"
    return Number(name, float(len(load.errors)), "0", not load.errors, figures)


if __name__ == "__main__":
    main()
