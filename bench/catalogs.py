"""The catalog in Postgres beside the one in SQLite: an ingest of 20,000 texts, one that finds nothing new, and 2,000 joins of a search.

The arithmetic encoder and the exact store cost next to nothing, so what is measured is ledger and rows. Postgres runs on this machine
with its defaults (every commit waits for the disk); it is one more process, and there are seldom many cores here. Every run is a process of
its own; runs take turns, and the best time of each counts.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from app.wiring.sessions import owned
from bench.report import PLACE, Number, in_child, options, progress, report
from ingest.changes import Request
from ingest.scopes import resolve_scopes
from tests.servers import postgres
from uniir.settings import load_settings

AT_MOST = {"first ingest": 2.5, "second ingest": 2.0, "joins": 6.0}  # a join is little work, and twice the way to another process
_PARTS = tuple(AT_MOST)
_JOINED = 50  # documents of one search


def main() -> None:
    given = options(__doc__)
    count, rounds = (500, 1) if given.quick else (20_000, 3)
    seconds: dict[str, dict[str, list[float]]] = {kind: {part: [] for part in _PARTS} for kind in ("sqlite", "postgres")}
    PLACE.mkdir(exist_ok=True)
    server = postgres.started(settings=())
    try:
        with tempfile.TemporaryDirectory(dir=PLACE) as corpus:
            for number in range(count):
                Path(corpus, f"{number:05}.txt").write_text(f"Text number {number} of {count}, about boats and the sea.")
            for turn in range(rounds):
                for kind in seconds:
                    url = server.fresh() if kind == "postgres" else ""
                    took = in_child("bench.catalogs", "--child", corpus, url)
                    for part, one in took.items():
                        seconds[kind][part].append(one)
                    progress(f"round {turn + 1}: {kind} " + ", ".join(f"{part} {one:.2f} s" for part, one in took.items()))
    finally:
        server.remove()
    best = {kind: {part: min(times) for part, times in parts.items()} for kind, parts in seconds.items()}
    numbers = []
    for part in _PARTS:
        ratio = best["postgres"][part] / best["sqlite"][part]
        figures = {"texts": count} | {f"{kind}, s": round(best[kind][part], 3) for kind in best}
        numbers.append(
            Number(f"{part}: time with Postgres / time with SQLite", ratio, f"<= {AT_MOST[part]}", ratio <= AT_MOST[part], figures)
        )
    report("catalogs", given, numbers)


def child(corpus: Path, url: str) -> dict[str, float]:
    """Seconds of each part."""
    with tempfile.TemporaryDirectory(dir=PLACE) as data:
        settings = load_settings(data_dir=Path(data), encoder="arithmetic", vector_store="exact", catalog_url=url or None, workers=2)
        with owned(settings, "bench") as everything:
            installation = everything.installation
            collection = installation.collection_for_ingest("default")
            took = {}
            for part in _PARTS[:2]:
                start = time.perf_counter()
                request = Request(resolve_scopes([corpus], installation.ledger(collection)))
                counts = everything.ingest(collection, request, lambda event: None, threading.Event()).run()
                took[part] = time.perf_counter() - start
                assert not counts.failed, counts.failed
            library = installation.library(collection)
            ids = np.concatenate(list(library.indexed_ids()))
            chosen = np.random.default_rng(0).choice(ids, size=(2_000, min(_JOINED, len(ids))))
            start = time.perf_counter()
            for row in chosen.tolist():
                library.documents(row)
            return took | {"joins": time.perf_counter() - start}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(child(Path(sys.argv[2]), sys.argv[3])))
    else:
        main()
