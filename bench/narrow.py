"""A search that is narrowed by a filter: as the product does it, with a key that was declared and with one that was not, and with all
fitting ids sent to the store; on Milvus Lite and on a server.

100,000 unit vectors of 128 dimensions in clusters. What fits lies anywhere, or as far from the questions as it can. The catalog's part is
left out on all sides: it costs milliseconds where it is asked for some documents, and up to a second where it finds all that fit.

    python -m bench.narrow [--quick] [--json] [--engine lite|server]
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.adapter import connections, made_rows, pages
from bench.report import Number, Options, argument_parser, progress, report
from bench.search import quantile
from search.retrieval import Retrieval
from storage.milvus.collections import Collections
from storage.milvus.declared import Column
from storage.milvus.store import MilvusVectors
from uniir.filter_language import Key, read_filter
from uniir.filters import EVERYTHING, Filter
from uniir.protocols import GOOD_RECALL, Points
from uniir.queries import Query
from uniir.settings import FieldKind

K = 10
_QUESTIONS = 30
_SHARES = (0.001, 0.01, 0.1, 0.5, 0.9)


class _Shelf:
    """The catalog's part, from memory. `asked_for_all` counts the searches for which it would have had to find all that fit."""

    def __init__(self, fits: frozenset[int]) -> None:
        self.fits = fits
        self.asked_for_all = 0

    def fitting(self, ids: Sequence[int], _path: object, _where: object) -> frozenset[int]:
        return self.fits.intersection(ids)

    def ids_matching(self, _condition: object, _modality: object) -> frozenset[int]:
        self.asked_for_all += 1
        return self.fits

    def findable(self, ids: Sequence[int]) -> Mapping[int, None]:
        return dict.fromkeys(ids)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--engine", choices=("lite", "server"), action="append", help="one of the two; both without")
    given = parser.parse_args()
    count = 6_000 if given.quick else 100_000
    rows, anywhere = made_rows(count), made_rows(_QUESTIONS, seed=1)
    random = np.random.default_rng(3)
    lots = random.permutation(count)
    far = anywhere[:1] + 0.02 * random.standard_normal(anywhere.shape, dtype=np.float32)
    far /= np.linalg.norm(far, axis=1, keepdims=True)
    nearness = np.argsort(np.argsort(rows @ far[0]))
    numbers = []
    with tempfile.TemporaryDirectory() as scratch, connections(Path(scratch), given.engine or ("lite", "server")) as opened:
        for milvus in opened:
            collections = Collections(milvus, declared=[Column(Key((name,)), FieldKind.NUMBER) for name in ("lot", "nearness")])
            store = MilvusVectors(collections, "bench_narrow", rows.shape[1])
            progress(f"{milvus.engine.name}: {count:,} vectors")
            store.fill(_told(pages(rows), lots, nearness))
            for share in _SHARES:
                numbers.append(_measured(milvus.engine.name, store, anywhere, anywhere @ rows.T, share, "lot", lots))
                numbers.append(_measured(milvus.engine.name, store, far, far @ rows.T, share, "nearness", nearness))
                progress(f"    {share}: {[(one.value, dict(one.figures)) for one in numbers[-2:]]}")
            collections.drop("bench_narrow")
    report("narrow", Options(given.quick, given.json), numbers)


def _told(points: Iterable[Points], lots: NDArray[np.int64], nearness: NDArray[np.int64]) -> Iterator[Points]:
    """With two numbers for each: one by chance, and its place among all, counted from the one that is farthest from the far questions."""
    for page in points:
        metadata = [{"lot": int(lots[one]), "nearness": int(nearness[one])} for one in page.ids]
        yield replace(page, metadata=metadata)


def _measured(
    engine: str,
    store: MilvusVectors,
    questions: NDArray[np.float32],
    scores: NDArray[np.float32],
    share: float,
    key: str,
    numbers: NDArray[np.int64],
) -> Number:
    """One share of the documents: those whose number is low enough. All ways answer each question in turn."""
    fit = int(scores.shape[1] * share)
    chosen = np.flatnonzero(numbers < fit)
    shelf = _Shelf(frozenset(chosen.tolist()))
    retrieval = Retrieval(store, shelf)  # type: ignore[arg-type]
    declared, undeclared = (Query(text="x", where=read_filter(f"{one}<{fit}")) for one in (key, "other"))

    ways: Mapping[str, Callable[[NDArray[np.float32]], Sequence[int]]] = {
        "declared": lambda question: [one for one, _ in retrieval.nearest(question, declared, K).found],
        "not declared": lambda question: [one for one, _ in retrieval.nearest(question, undeclared, K).found],
        "all ids sent": lambda question: _found(store, question, Filter(only=shelf.fits)),
        "not narrowed": lambda question: _found(store, question, EVERYTHING),
    }
    took: dict[str, list[float]] = {way: [] for way in ways}
    recalls: dict[str, list[float]] = {way: [] for way in ways}
    for question, line in zip(questions, scores, strict=True):
        right = set(chosen[np.argsort(-line[chosen])[:K]].tolist())
        for way, ask in ways.items():
            began = time.perf_counter()
            found = ask(question)
            took[way].append((time.perf_counter() - began) * 1000)
            recalls[way].append(len(right.intersection(found)) / len(right))
    figures: dict[str, object] = {f"{way}, p50, ms": quantile(values, 50) for way, values in took.items()}
    figures |= {f"{way}, recall": round(float(np.mean(recalls[way])), 3) for way in ("not declared", "all ids sent")}
    figures["asked the catalog for all that fit"] = shelf.asked_for_all
    recall = float(np.mean([recalls["declared"], recalls["not declared"]]))
    lying = "anywhere" if key == "lot" else "far off"
    name = f"recall@{K} of a search narrowed to {share:.1%} of {scores.shape[1]:,} lying {lying}, {engine}"
    return Number(name, recall, f">= {GOOD_RECALL}", recall >= GOOD_RECALL, figures)


def _found(store: MilvusVectors, question: NDArray[np.float32], where: Filter) -> Sequence[int]:
    found: list[int] = store.search(question[None], K, where).ids[0].tolist()
    return found


if __name__ == "__main__":
    main()
