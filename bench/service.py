"""The service under one client, and under 32 while an ingest runs.

First a text query goes once over HTTP to `uniir serve` and once through encoder and `MilvusClient.search` alone, in turns, at 20,000 and
100,000 documents; the two have a copy of the same collection each, since a directory has one owner. Then 32 clients ask one query after the
other for two minutes while the service ingests pictures and texts: errors, latency, memory.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from app.wiring.sessions import owned
from bench.inputs import mixed, sentence
from bench.report import Number, options, progress, report
from bench.search import AT_MOST, K, encode_and_ask, filled, quantile, settings_of, timed
from bench.serving import copied, serving
from bench.users import crowd
from encoders.starter.encoder import StarterEncoder
from models.devices import Device
from uniir.ids import parse_id
from uniir.queries import Query, Reranking
from uniir.wire import SearchRequest

CLIENTS = 32


def main() -> None:
    given = options(__doc__)
    fingerprint = StarterEncoder.load(Device()).space.fingerprint
    numbers = []
    for count in (2_000,) if given.quick else (20_000, 100_000):
        numbers.append(_compare(filled(count, fingerprint), count, queries=50 if given.quick else 300))
    load, seconds, files = (2_000, 10, 500) if given.quick else (20_000, 120, 20_000)
    with copied(filled(load, fingerprint)) as data, serving(data) as service:
        numbers += crowd(service, CLIENTS, seconds, mixed(files), f"{load:,} documents")
    report("service", given, numbers)


def _compare(data: Path, count: int, queries: int) -> Number:
    progress(f"one client at {count} documents")
    ours: list[float] = []
    plain: list[float] = []
    within: dict[str, list[float]] = {}
    agreeing = 0
    alone_spent = 0.0
    with (
        copied(data) as copy,
        serving(copy) as service,
        service.client() as client,
        owned(settings_of(data), "bench") as everything,
    ):
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


if __name__ == "__main__":
    main()
