"""Scores of rankings, query by query, computed by ir_measures."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniir.errors import ModelUnavailable

DEPTH = 10
_DEEP = 50
_DEEP_SETS = frozenset({"fashion200k", "fashioniq"})  # the papers report 10, 20 and 50 for these, and 1, 5, 10 for the others
_AT_FIRST = frozenset({"flickr30k", "sharegpt4v", "urban1k", "genecis"})  # sets outside M-BEIR whose papers report the first hit
_CUTOFFS = (1, 5, 10, 20, 50)

EXPLAINED: Mapping[str, str] = {
    "hit@k": "share of queries with any positive among the first k; the UniIR paper calls this Recall@k",
    "recall@k": "share of a query's positives that are among its first k, mean over queries",
    "ndcg@10": "gains of 1 for a positive (or its grade), discounted by the logarithm of its place, against the best possible order",
    "map@5": "average precision of the first 5 places, divided by the number of positives (as trec_eval's map_cut_5)",
    "map@5 of 5": "the same divided by the number of positives or by 5, whichever is smaller: what CIRCO's server calls mAP@5",
    "mrr@10": "1 / place of the first positive, 0 beyond place 10",
}


def depth_of(dataset: str) -> int:
    """How many candidates are searched for: the largest cut-off that the papers report for the set."""
    return _DEEP if dataset in _DEEP_SETS else DEPTH


def headline_of(dataset: str) -> str:
    """The measure that stands in the papers' tables and averages."""
    if dataset == "circo":
        return "map@5 of 5"
    if dataset in _AT_FIRST:
        return "hit@1"
    return "hit@10" if dataset in _DEEP_SETS else "hit@5"


def measured(
    ranked: Sequence[Sequence[str]], positives: Sequence[Collection[str] | Mapping[str, int]], depth: int
) -> dict[str, NDArray[np.float64]]:
    """Each measure's value for each query, 0..1. Places decide, not scores, so ties stay as they were ranked.

    `positives` may have whole grades; from 1 on a grade is right, and only nDCG tells them apart. A query that found nothing counts
    as 0 throughout. Raises ModelUnavailable without ir_measures.
    """
    library = require_libraries()
    measures = {
        **{f"hit@{k}": library.Success @ k for k in _CUTOFFS if k <= depth},
        **{f"recall@{k}": library.R @ k for k in _CUTOFFS if k <= depth},
        "ndcg@10": library.nDCG @ 10,
        "map@5": library.AP @ 5,
        "mrr@10": library.RR @ 10,
    }
    judged = [library.Qrel(str(number), did, grade) for number, wanted in enumerate(positives) for did, grade in _graded(wanted)]
    run = [
        library.ScoredDoc(str(number), did, float(depth - place)) for number, line in enumerate(ranked) for place, did in enumerate(line)
    ]
    values = {name: np.zeros(len(ranked)) for name in measures}
    names = {measure: name for name, measure in measures.items()}
    for one in library.iter_calc(list(names), judged, run):
        values[names[one.measure]][int(one.query_id)] = one.value
    counts = np.array([len(wanted) for wanted in positives])
    values["map@5 of 5"] = values["map@5"] * counts / np.minimum(counts, 5)
    return values


def hits_with_complements(
    ranked: Sequence[Sequence[str]], complements: Sequence[Sequence[str | None]], positives: Sequence[Collection[str]], depth: int
) -> dict[str, NDArray[np.float64]]:
    """Hit rates for each query where a place counts if its candidate, or what completes it, is a positive."""
    right = [
        frozenset(str(place) for place, pair in enumerate(zip(line, halves, strict=True)) if not wanted.isdisjoint(pair)) or {"none"}
        for line, halves, wanted in zip(ranked, complements, map(frozenset, positives), strict=True)
    ]
    values = measured([[str(place) for place in range(len(line))] for line in ranked], right, depth)
    return {name: one for name, one in values.items() if name.startswith("hit@")}


def _graded(wanted: Collection[str] | Mapping[str, int]) -> Iterable[tuple[str, int]]:
    return wanted.items() if isinstance(wanted, Mapping) else ((did, 1) for did in wanted)


def require_libraries() -> Any:
    """ir_measures, once it is sure that FAISS is here as well: better known before hours of work than after. Raises ModelUnavailable."""
    try:
        import faiss  # noqa: F401
        import ir_measures
    except ImportError as error:
        raise ModelUnavailable(f"An evaluation needs {error.name}, which is not installed.", "Install `uniir[eval]`.") from None
    return ir_measures
