"""The Milvus adapter: what it adds to the client's own call, and what every index type finds, on Milvus Lite and on a Milvus server.

100,000 unit vectors of 128 dimensions in clusters. Each index type is built with its usual parameters, measured against looking at every
vector, and its search made to try harder where it finds less than 99 % of the ten nearest, as after an ingest. The server is the one
of the tests. One question is asked through the adapter and through the client alone, in turns.

    python -m bench.adapter [--quick] [--json] [--engine lite|server] [--index HNSW ...]

Without a word about them both engines and all their types are measured; each takes minutes, so they can be done one by one.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.report import Number, Options, argument_parser, progress, report
from storage.exact import ExactVectors
from storage.milvus.choosing import Wanted
from storage.milvus.collections import Collections
from storage.milvus.connection import Milvus, Server, open_server
from storage.milvus.indexes import IndexType, values_for
from storage.milvus.lite import open_lite
from storage.milvus.store import MilvusVectors
from tests.servers.milvus import MilvusServer
from uniir.documents import Modality
from uniir.filters import EVERYTHING
from uniir.protocols import GOOD_RECALL, Points

AT_MOST = 1.10
K = 10
_DIMENSION = 128
_CLUSTERS = 500
_SPREAD = 0.8  # of the noise around a cluster's centre, whose length is one
_BATCH = 2000
_QUESTIONS = 200


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--engine", choices=("lite", "server"), action="append", help="one of the two; both without")
    parser.add_argument("--index", choices=[*IndexType], type=IndexType, action="append", help="a type; all that an engine builds without")
    given = parser.parse_args()
    count = 6_000 if given.quick else 100_000
    rows, questions = made_rows(count), made_rows(_QUESTIONS, seed=1)
    exact = ExactVectors(_DIMENSION)
    exact.fill(pages(rows))
    truth = exact.search(questions, K, EVERYTHING).ids
    numbers = []
    with tempfile.TemporaryDirectory() as scratch, connections(Path(scratch), given.engine or ("lite", "server")) as opened:
        for milvus in opened:
            wanted = milvus.engine.builds & set(given.index or milvus.engine.builds)
            for index in sorted(wanted, key=lambda one: (one is IndexType.IVF_PQ, one)):  # which takes longest
                progress(f"{milvus.engine.name}: {index} over {count:,} vectors")
                store = MilvusVectors(Collections(milvus, Wanted(index)), f"bench_{index}".lower(), _DIMENSION)
                numbers.append(_found(milvus, store, rows, questions, truth))
                progress(f"    {numbers[-1].value:.3f} {dict(numbers[-1].figures)}")
                if index is IndexType.HNSW:
                    numbers.append(_added(milvus, store, questions, 100 if given.quick else 1000))
                    progress(f"    {numbers[-1].value:.3f} {dict(numbers[-1].figures)}")
                Collections(milvus).drop(f"bench_{index}".lower())
    report("adapter", Options(given.quick, given.json), numbers)


@contextmanager
def connections(scratch: Path, engines: Sequence[str]) -> Iterator[list[Milvus]]:
    with ExitStack() as ends:
        opened = []
        if "lite" in engines:
            opened.append(open_lite(scratch / "lite"))
        if "server" in engines:
            server = MilvusServer(scratch / "server")
            ends.callback(server.close)
            server.start()
            opened.append(open_server(Server(server.address)))
        for one in opened:
            ends.callback(one.close)
        yield opened


def _found(
    milvus: Milvus, store: MilvusVectors, rows: NDArray[np.float32], questions: NDArray[np.float32], truth: NDArray[np.int64]
) -> Number:
    began = time.perf_counter()
    store.fill(pages(rows))
    took = time.perf_counter() - began
    waits = []
    for question in questions[:50]:
        began = time.perf_counter()
        store.search(question[None], K, EVERYTHING)
        waits.append((time.perf_counter() - began) * 1000)
    answers = store.search(questions, K, EVERYTHING).ids
    recall = float(np.mean([len(set(right) & set(answer)) / K for right, answer in zip(truth.tolist(), answers.tolist(), strict=True)]))
    told = store.report
    figures = {
        "the adapter's own measurement": told.recall,
        "search parameters it came to": dict(told.search),
        "search p50, ms": round(float(np.median(waits)), 2),
        "filled, indexed and measured in, s": round(took, 1),
    }
    name = f"recall@{K} of {told.kind} on {milvus.engine.name} at {len(rows):,}"
    return Number(name, recall, f">= {GOOD_RECALL}", recall >= GOOD_RECALL, figures)


def _added(milvus: Milvus, store: MilvusVectors, questions: NDArray[np.float32], times: int) -> Number:
    parameters = {"metric_type": "IP", "params": values_for(IndexType(store.report.kind), store.report.search, K)}
    name = f"bench_{store.report.kind}".lower()

    def alone(question: NDArray[np.float32]) -> None:
        milvus.ask(
            "asking alone",
            lambda client, _: client.search(
                name, data=[question], anns_field="vector", limit=K, output_fields=["id"], search_params=parameters
            ),
            0,
        )

    ours, plain = [], []
    for turn in range(-20, times):  # the first few warm both sides up
        question = questions[turn % len(questions)]
        began = time.perf_counter()
        store.search(question[None], K, EVERYTHING)
        between = time.perf_counter()
        alone(question)
        ended = time.perf_counter()
        if turn >= 0:
            ours.append((between - began) * 1000)
            plain.append((ended - between) * 1000)
    ratio = float(np.median(ours) / np.median(plain))
    figures = {"adapter p50, ms": round(float(np.median(ours)), 3), "client alone p50, ms": round(float(np.median(plain)), 3)}
    return Number(
        f"search through the adapter / client alone on {milvus.engine.name}, p50", ratio, f"<= {AT_MOST}", ratio <= AT_MOST, figures
    )


def made_rows(count: int, seed: int = 0) -> NDArray[np.float32]:
    centres = np.random.default_rng(7).standard_normal((_CLUSTERS, _DIMENSION), dtype=np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    chosen = np.random.default_rng(seed)
    noise = _SPREAD / np.sqrt(_DIMENSION) * chosen.standard_normal((count, _DIMENSION), dtype=np.float32)
    rows = centres[chosen.integers(_CLUSTERS, size=count)] + noise
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def pages(rows: NDArray[np.float32]) -> Iterator[Points]:
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        yield Points(range(start, start + len(part)), part, [Modality.IMAGE] * len(part), [{}] * len(part))


if __name__ == "__main__":
    main()
