"""From what was found to the rows of a report: one for each data set and task."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.analysis import first_hits
from evaluation.asking import target_of
from evaluation.mbeir.pools import Pool
from evaluation.mbeir.reading import Judgments, MbeirQuery
from evaluation.metrics.published import published
from evaluation.metrics.resampling import Interval, interval, paired_probability
from evaluation.metrics.scoring import depth_of, headline_of, hits_with_complements, measured
from evaluation.results import Gain, SetResult, SetRow
from evaluation.retrieval import Found


@dataclass(frozen=True, slots=True)
class Compared:
    """The published model that results stand beside, on this kind of pool, and the sets that training did not see."""

    model: str | None
    pool: str
    held_out: frozenset[str]


def task_of(query: MbeirQuery, judgments: Judgments) -> int:
    """The task that the judgments name, as in the authors' evaluation; the query's own where they name none."""
    return judgments.tasks.get(query.qid, query.task)


def unjudged(queries: Sequence[MbeirQuery], judgments: Judgments) -> Mapping[int, int]:
    """Tasks of which no query was judged, with their queries' number."""
    counts = Counter(task_of(one, judgments) for one in queries)
    judged = {task_of(one, judgments) for one in queries if one.qid in judgments.positives}
    return {task: count for task, count in sorted(counts.items()) if task not in judged}


def results_of(
    dataset: str, queries: Sequence[MbeirQuery], absent: Collection[str], judgments: Judgments, found: Found, pool: Pool, compared: Compared
) -> Iterator[SetResult]:
    """One for each task among the queries, without those of which no query was judged; `absent` are judged qids that the file has not."""
    by_task: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(queries):
        by_task[task_of(one, judgments)].append(number)
    missing = Counter(judgments.tasks.get(qid) for qid in absent)
    missing[min(by_task)] += sum(count for task, count in missing.items() if task not in by_task)  # of a task that no query is of
    for task, numbers in sorted(by_task.items()):
        judged = [number for number in numbers if queries[number].qid in judgments.positives]
        if not judged:
            continue
        yield _result(
            dataset,
            task,
            [queries[number] for number in judged],
            len(numbers),
            missing[task],
            judgments,
            _of(found, judged),
            pool,
            compared,
        )


def _of(found: Found, numbers: Sequence[int]) -> Found:
    """The same for some of the queries."""
    return Found(
        [found.ranked[number] for number in numbers],
        found.scores[numbers],
        frozenset(place for place, number in enumerate(numbers) if number in found.failed),
        None if found.before is None else [found.before[number] for number in numbers],
        None if found.complements is None else [found.complements[number] for number in numbers],
        found.read,
        found.unread,
    )


def _result(
    dataset: str,
    task: int,
    queries: Sequence[MbeirQuery],
    asked: int,
    absent: int,
    judgments: Judgments,
    found: Found,
    pool: Pool,
    compared: Compared,
) -> SetResult:
    positives = [judgments.positives[one.qid] for one in queries]
    depth, headline = depth_of(dataset), headline_of(dataset)
    values = measured(found.ranked, positives, depth)
    before = None if found.before is None else measured(found.before, positives, depth)
    halves = None if found.complements is None else hits_with_complements(found.ranked, found.complements, positives, depth)
    kinds = [
        {kind for did in wanted if (kind := pool.modality_of_did(did))} or {target_of(one, pool)}
        for one, wanted in zip(queries, positives, strict=True)
    ]
    printed = published(compared.model, compared.pool, task, dataset, headline) if compared.model else None
    qids = [one.qid for one in queries]
    row = SetRow(
        dataset=dataset,
        task=task,
        queries=len(queries),
        candidates=len(pool),
        headline=headline,
        measures=_intervals(values),
        first_hits=first_hits(qids, [line[0] if line else None for line in found.ranked], positives, kinds, pool),
        failed_queries=len(found.failed),
        failed_candidates=len(pool.embedded.failures),
        without_judgments=asked - len(queries),
        judged_but_absent=absent,
        positives_absent=sum(pool.row_of(did) is None for wanted in positives for did in wanted),
        published=None if printed is None else printed.value,
        held_out=dataset in compared.held_out,
        rerank=None if before is None else _gain(before, values, headline, found.read),
        unread=found.unread,
        with_complements=None if halves is None else _intervals(halves),
    )
    return SetResult(row, qids, positives, found.ranked, found.scores, values, before, found.complements)


def _gain(before: Mapping[str, NDArray[np.float64]], after: Mapping[str, NDArray[np.float64]], headline: str, read: int) -> Gain:
    difference = [after[headline] - before[headline]]
    return Gain(_intervals(before), interval(difference), paired_probability(difference), read)


def _intervals(values: Mapping[str, NDArray[np.float64]]) -> Mapping[str, Interval]:
    return {name: interval([one]) for name, one in values.items()}
