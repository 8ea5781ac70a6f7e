"""The authors' evaluator in a few plain lines: one flat FAISS index over hashed ids, hit or miss, means to four places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

_CANDIDATES, _QUERIES = 10_000_000, 500_000


def recalls(
    qids: Sequence[str], asked: NDArray[np.float16], dids: Sequence[str], offered: NDArray[np.float16], qrels: Path, ks: Sequence[int]
) -> dict[tuple[str, int], float]:
    """Recall@k as the paper calls it, by task id and k, over the queries that are judged."""
    judged, tasks = defaultdict(list), {}
    for line in filter(str.strip, qrels.read_text("utf-8-sig").splitlines()):
        qid, _, did, relevance, task = line.split()
        if int(relevance) > 0:
            judged[qid].append(did)
            tasks.setdefault(qid, task)
    index = faiss.index_factory(offered.shape[1], "IDMap,Flat", faiss.METRIC_INNER_PRODUCT)
    index.add_with_ids(_unit(offered), np.array([_hashed(did, _CANDIDATES) for did in dids]))
    _, found = index.search(_unit(asked), max(ks))
    values: Mapping[tuple[str, int], list[float]] = defaultdict(list)
    for qid, row in zip(qids, found, strict=True):
        if qid in judged:
            ranked = [f"{number // _CANDIDATES}:{number % _CANDIDATES}" for number in row]
            for k in ks:
                values[tasks[qid], k].append(float(bool(set(ranked[:k]) & set(judged[qid]))))
    return {key: round(sum(one) / len(one), 4) for key, one in values.items()}


def _unit(rows: NDArray[np.float16]) -> NDArray[np.float32]:
    single = rows.astype(np.float32)
    faiss.normalize_L2(single)
    return single


def _hashed(identifier: str, bound: int) -> int:
    dataset, number = identifier.split(":")
    return int(dataset) * bound + int(number)
