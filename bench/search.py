"""Search in one process at 20,000 and 100,000 documents, beside encoding the query and asking Milvus for the same k.

The collections are filled straight through the product's own ledger and store: made-up texts, and vectors of the starter encoder's
dimension in clusters. A query goes once through `SearchService.search` and once through encoder and `MilvusClient.search` alone, in turns,
so that both meet the same machine. Collections stay in `.bench` and are used again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.wiring.owned import OwnedInstallation
from app.wiring.sessions import owned
from bench.inputs import sentence
from bench.report import PLACE, Number, options, progress, report
from encoders.starter.encoder import StarterEncoder
from models.devices import Device
from storage.milvus.connection import Milvus
from storage.milvus.indexes import IndexType, values_for
from storage.sql.collections import CollectionRecord
from uniir.documents import Document, Modality, Source
from uniir.ids import new_id
from uniir.images import FileImages
from uniir.ledger import SourceDraft, SourceKey, SourceKind
from uniir.protocols import Points, Steering
from uniir.queries import Query
from uniir.settings import Settings, load_settings

AT_MOST = 1.3
K = 10
_CLUSTERS = 200
_SPREAD = 0.7  # of the noise around a cluster's centre, whose length is one
_BATCH = 1000


def main() -> None:
    given = options(__doc__)
    numbers = []
    space = StarterEncoder.load(Device()).space
    for count in (2_000, 20_000) if given.quick else (20_000, 100_000):
        with owned(settings_of(filled(count, space.fingerprint)), "bench") as everything:
            collection = everything.installation.collection_for_ingest("default")
            numbers.append(_compare(everything, collection, count, queries=50 if given.quick else 300))
    report("search", given, numbers)


def filled(count: int, fingerprint: str) -> Path:
    """A data directory with so many documents of the starter encoder's space; made once and used again."""
    data = PLACE / f"search-{count}-{fingerprint}"
    if not (data / "whole").exists():
        shutil.rmtree(data, ignore_errors=True)
        with owned(settings_of(data), "bench") as everything:
            fill(everything, everything.installation.collection_for_ingest("default"), count)
        (data / "whole").touch()
    return data


def settings_of(data: Path) -> Settings:
    return load_settings(data_dir=data, encoder="starter", vector_store="milvus")


def fill(everything: OwnedInstallation, collection: CollectionRecord, count: int) -> None:
    """Documents and vectors in the order in which an ingest writes them, without reading or encoding anything."""
    progress(f"filling a collection of {count} documents")
    chosen = np.random.default_rng(0)
    dimension = collection.space.dimension
    centres = _unit(chosen.standard_normal((_CLUSTERS, dimension), dtype=np.float32))
    ledger, store = everything.installation.ledger(collection), everything.store(collection)
    for start in range(0, count, _BATCH):
        numbers = range(start, min(start + _BATCH, count))
        noise = _SPREAD / np.sqrt(dimension) * chosen.standard_normal((len(numbers), dimension), dtype=np.float32)
        rows = _unit(centres[chosen.integers(_CLUSTERS, size=len(numbers))] + noise).astype(np.float16)
        pending = ledger.record([_draft(number) for number in numbers]).pending
        store.upsert(Points.of(pending, rows))
        ledger.mark_indexed(dict(zip([document.id for document in pending], rows, strict=True)))
    store.finish()


def _draft(number: int) -> SourceDraft:
    key = SourceKey("/made-up", f"{number:06}.txt")
    document = Document(id=new_id(), modality=Modality.TEXT, text=sentence(number), source=Source(key.root, key.path))
    return SourceDraft(key, SourceKind.TEXT, f"1:{number}", document.fingerprint, (document,))


def _compare(everything: OwnedInstallation, collection: CollectionRecord, count: int, queries: int) -> Number:
    service = everything.search_service(collection)
    alone = encode_and_ask(everything, collection)
    stages: dict[str, list[float]] = {}

    def product(query: Query) -> Sequence[int]:
        result = service.search(query)
        for stage, took in result.timings_ms.items():
            stages.setdefault(stage, []).append(took)
        return [hit.document.id for hit in result.hits]

    ours, plain = [], []
    agreeing = 0
    for number in range(-5, queries):  # the first few warm both sides up
        query = Query(text=sentence(10**9 + number, words=8), k=K)
        if number % 2:
            (mine, took), (theirs, alone_took) = timed(product, query), timed(alone, query)
        else:
            (theirs, alone_took), (mine, took) = timed(alone, query), timed(product, query)
        if number >= 0:
            ours.append(took)
            plain.append(alone_took)
            agreeing += len(set(mine) & set(theirs))
    ratio = float(np.median(ours) / np.median(plain))
    figures: dict[str, object] = {
        "search p50, ms": quantile(ours, 50),
        "search p95, ms": quantile(ours, 95),
        "encode + Milvus alone p50, ms": quantile(plain, 50),
        "encode + Milvus alone p95, ms": quantile(plain, 95),
        "queries": queries,
        "same documents in both answers": f"{agreeing / (queries * K):.1%}",
    }
    figures |= {f"search, stage {stage} p50, ms": quantile(values[5:], 50) for stage, values in stages.items()}
    return Number(f"search at {count:,} documents / encode + Milvus alone, p50", ratio, f"<= {AT_MOST}", ratio <= AT_MOST, figures)


def encode_and_ask(everything: OwnedInstallation, collection: CollectionRecord) -> Callable[[Query], Sequence[int]]:
    """What a script without catalog, notes and explanations does."""
    encoder, images = everything.installation.encoder_of(collection), FileImages()
    milvus = _milvus(everything)
    report = everything.store(collection).report
    instruction = everything.installation.instructions.chosen_for(Modality.TEXT, None)
    steering = Steering(Modality.TEXT, None)
    parameters = {"metric_type": "IP", "params": values_for(IndexType(report.kind), report.search, K)}

    def ask(query: Query) -> Sequence[int]:
        vectors = encoder.steer(encoder.encode(encoder.prepare([replace(query, instruction=instruction)], images)), [steering])
        found = milvus.ask(
            "asking alone",
            lambda client, _: client.search(
                collection.vectors, data=list(vectors), anns_field="vector", limit=K, output_fields=["id"], search_params=parameters
            ),
            0,
        )
        return [hit["id"] for hit in found[0]]

    return ask


def _milvus(everything: OwnedInstallation) -> Milvus:
    """The one connection that has the directory open; a second client could not open it."""
    milvus: Milvus = everything.database._collections.milvus  # type: ignore[attr-defined]
    return milvus


def timed(function: Callable[[Query], Sequence[int]], query: Query) -> tuple[Sequence[int], float]:
    start = time.perf_counter()
    answer = function(query)
    return answer, (time.perf_counter() - start) * 1000


def quantile(values: Sequence[float], percent: int) -> float:
    return round(float(np.percentile(values, percent)), 2)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


if __name__ == "__main__":
    main()
