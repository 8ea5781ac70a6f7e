"""A search that is narrowed by a filter, as the product does it and with all fitting ids sent to the store; on Milvus Lite and on a server.

100,000 unit vectors of 128 dimensions in clusters. What fits lies anywhere, or as far from the question as it can. The catalog's part is
left out on both sides: it costs milliseconds on the one, and up to a second on the other.

    python -m bench.narrow [--quick] [--json] [--engine lite|server]
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.adapter import connections, made_rows, pages
from bench.report import Number, Options, argument_parser, progress, report
from bench.search import quantile
from search.retrieval import Retrieval
from storage.milvus.collections import Collections
from storage.milvus.store import MilvusVectors
from uniir.filter_language import read_filter
from uniir.filters import EVERYTHING, Filter
from uniir.protocols import GOOD_RECALL
from uniir.queries import Query

K = 10
_QUESTIONS = 30
_SHARES = (0.001, 0.01, 0.1, 0.5, 0.9)


class _Shelf:
    """The catalog's part, from memory."""

    def __init__(self) -> None:
        self.fits: frozenset[int] = frozenset()

    def fitting(self, ids: Sequence[int], _path: object, _where: object) -> frozenset[int]:
        return self.fits.intersection(ids)

    def ids_matching(self, _condition: object, _modality: object) -> frozenset[int]:
        return self.fits

    def findable(self, ids: Sequence[int]) -> Mapping[int, None]:
        return dict.fromkeys(ids)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--engine", choices=("lite", "server"), action="append", help="one of the two; both without")
    given = parser.parse_args()
    count = 6_000 if given.quick else 100_000
    rows, questions = made_rows(count), made_rows(_QUESTIONS, seed=1)
    numbers = []
    with tempfile.TemporaryDirectory() as scratch, connections(Path(scratch), given.engine or ("lite", "server")) as opened:
        for milvus in opened:
            store = MilvusVectors(Collections(milvus), "bench_narrow", rows.shape[1])
            progress(f"{milvus.engine.name}: {count:,} vectors")
            store.fill(pages(rows))
            for share in _SHARES:
                numbers += [_measured(milvus.engine.name, store, questions, questions @ rows.T, share, far) for far in (False, True)]
                progress(f"    {share}: {[(one.value, dict(one.figures)) for one in numbers[-2:]]}")
            Collections(milvus).drop("bench_narrow")
    report("narrow", Options(given.quick, given.json), numbers)


def _measured(
    engine: str, store: MilvusVectors, questions: NDArray[np.float32], scores: NDArray[np.float32], share: float, far: bool
) -> Number:
    """One share of the documents. Both ways answer each question in turn."""
    fit = int(scores.shape[1] * share)
    anywhere = np.random.default_rng(3).choice(scores.shape[1], fit, replace=False)
    shelf = _Shelf()
    retrieval = Retrieval(store, shelf)  # type: ignore[arg-type]
    query = Query(text="x", where=read_filter("fits"))

    def product(question: NDArray[np.float32]) -> Sequence[int]:
        return [one for one, _ in retrieval.nearest(question, query, K).found]

    def all_ids_sent(question: NDArray[np.float32]) -> Sequence[int]:
        return _found(store, question, Filter(only=shelf.fits))

    def not_narrowed(question: NDArray[np.float32]) -> Sequence[int]:
        return _found(store, question, EVERYTHING)

    ways: Mapping[str, Callable[[NDArray[np.float32]], Sequence[int]]] = {
        "product": product,
        "all ids sent": all_ids_sent,
        "not narrowed": not_narrowed,
    }
    took: dict[str, list[float]] = {way: [] for way in ways}
    recalls: dict[str, list[float]] = {way: [] for way in ways}
    for question, line in zip(questions, scores, strict=True):
        chosen = np.argsort(line)[:fit] if far else anywhere
        shelf.fits = frozenset(chosen.tolist())
        right = set(chosen[np.argsort(-line[chosen])[:K]].tolist())
        for way, ask in ways.items():
            began = time.perf_counter()
            found = ask(question)
            took[way].append((time.perf_counter() - began) * 1000)
            recalls[way].append(len(right.intersection(found)) / len(right))
    figures: dict[str, object] = {f"{way}, p50, ms": quantile(values, 50) for way, values in took.items()}
    figures["all ids sent, recall"] = round(float(np.mean(recalls["all ids sent"])), 3)
    recall = float(np.mean(recalls["product"]))
    lying = "far off" if far else "anywhere"
    name = f"recall@{K} of a search narrowed to {share:.1%} of {scores.shape[1]:,} lying {lying}, {engine}"
    return Number(name, recall, f">= {GOOD_RECALL}", recall >= GOOD_RECALL, figures)


def _found(store: MilvusVectors, question: NDArray[np.float32], where: Filter) -> Sequence[int]:
    found: list[int] = store.search(question[None], K, where).ids[0].tolist()
    return found


if __name__ == "__main__":
    main()
