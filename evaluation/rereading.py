"""Use case: read the hits of any run file again, whoever made it, and tell what that changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation import asking
from evaluation.asking import Instructing
from evaluation.embedding import Entries, Entry, Told
from evaluation.mbeir.layout import global_pool, instructions_file, local_pools, query_lists
from evaluation.mbeir.pools import document_of
from evaluation.mbeir.reading import Judgments, MbeirQuery, read_candidates, read_instructions, read_judgments, read_queries
from evaluation.metrics.resampling import Interval, interval, paired_probability
from evaluation.metrics.scoring import depth_of, headline_of, measured, require_libraries
from evaluation.reading_again import SecondReading
from evaluation.reports.markdown import interval_in_words, percent, table
from evaluation.reports.words import TASKS
from evaluation.retrieval import ToldOf
from evaluation.rows import task_of
from uniir.documents import Document, Modality, Source
from uniir.errors import UsageError

_WAY_OUT = "A run has lines of `qid Q0 did rank score name`, as `uniir evaluate --output` and the authors' code write them."
_SHOWN = ("hit@1", "hit@5", "hit@10", "ndcg@10", "map@5", "map@5 of 5", "mrr@10")


@dataclass(frozen=True, slots=True)
class Ranking:
    """The hits of one query, best first."""

    dids: tuple[str, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RereadRow:
    """One data set and task; measures 0..1. `difference` is of the headline, after less before."""

    dataset: str
    task: int
    queries: int
    headline: str
    before: Mapping[str, Interval]
    after: Mapping[str, Interval]
    difference: Interval
    probability: float


@dataclass(frozen=True, slots=True)
class Reread:
    """`rankings` are in their new order by qid; `rows` are empty where nobody judged. `unjudged` counts queries that no row counts."""

    rankings: Mapping[str, Sequence[str]]
    rows: Sequence[RereadRow]
    unjudged: int

    def as_json(self) -> dict[str, Any]:
        return {"queries": len(self.rankings), "unjudged": self.unjudged, "rows": [asdict(one) for one in self.rows]}


def read_run(file: Path) -> dict[str, Ranking]:
    """The hits by qid: by score, and by rank where scores are equal, whatever the order of the lines. Raises UsageError."""
    found: dict[str, list[tuple[float, int, str]]] = defaultdict(list)
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read: {getattr(error, 'strerror', None) or error}.", _WAY_OUT) from None
    for number, line in enumerate(lines, start=1):
        columns = line.split()
        if not columns:
            continue
        try:
            qid, _, did, rank, score = columns[:5]
            found[qid].append((-float(score), int(rank), did))
        except ValueError:
            raise UsageError(f"{file}, line {number}: no line of a run.", _WAY_OUT) from None
    if not found:
        raise UsageError(f"There is no line in {file}.", _WAY_OUT)
    return {qid: _ranking(hits) for qid, hits in found.items()}


def _ranking(hits: Sequence[tuple[float, int, str]]) -> Ranking:
    ordered: dict[str, float] = {}
    for score, _, did in sorted(hits):
        ordered.setdefault(did, -score)
    return Ranking(tuple(ordered), tuple(ordered.values()))


def reread(
    run: Mapping[str, Ranking], data: Path, split: str, qrels: Path | None, reading: SecondReading, instructing: Instructing, told: ToldOf
) -> Reread:
    """Queries and candidates are looked up in the data by their ids, judgments in `qrels` or, without it, in the data's own.

    Raises UsageError for a query or candidate that the data has not, ModelUnavailable where the reranker fails.
    """
    require_libraries()
    judged = None if qrels is None else read_judgments(qrels)
    wordings = {} if instructing is Instructing.OFF else read_instructions(instructions_file(data))
    candidates = _Known.of(data, split, run)
    rankings: dict[str, Sequence[str]] = {}
    rows: list[RereadRow] = []
    counted = 0
    for dataset, file, own in query_lists(data, split):
        queries = [one for one in read_queries(file) if one.qid in run and one.qid not in rankings]
        if not queries:
            continue
        entries = list(asking.entries_of(data.absolute(), queries, candidates, wordings, instructing, 2023))
        before = [run[one.qid].dids for one in queries]
        after = reading.of(_given(entries), before, _scores(run, queries), candidates, _telling(told, dataset)).orders
        rankings |= {one.qid: dids for one, dids in zip(queries, after, strict=True)}
        judgments = judged or (read_judgments(own) if own is not None else Judgments({}, {}))
        some = list(_rows(dataset, queries, before, after, judgments))
        counted += sum(one.queries for one in some)
        rows += some
    missing = next((qid for qid in run if qid not in rankings), None)
    if missing is not None:
        raise UsageError(
            f"The query {missing} of the run is in no file of {data / 'query' / split}.", "Name the run's split with `--split`."
        )
    return Reread({qid: rankings[qid] for qid in run}, rows, len(run) - counted)


def as_markdown(found: Reread) -> str:
    """Before and after by set and task, with the paired test."""
    header = ["task", "data set", "queries", "headline", "difference", "p", *_SHOWN]
    cells = [
        [
            f"{row.task} {TASKS.get(row.task, '')}",
            row.dataset,
            f"{row.queries:,}",
            row.headline,
            interval_in_words(row.difference, signed=True),
            f"{row.probability:.4f}",
            *(f"{percent(row.before[name].value)} -> {percent(row.after[name].value)}" for name in _SHOWN),
        ]
        for row in found.rows
    ]
    lines = [
        *table(header, cells),
        "",
        "Percent, before and after; the difference is the headline's with 95 % confidence, p by flipping signs.",
    ]
    if found.unjudged:
        lines.append(f"Queries without judgments: {found.unjudged:,}.")
    return "\n".join(lines) + "\n"


def run_lines(found: Reread, name: str) -> Iterator[str]:
    """The new order as a run; scores are 1 / place."""
    for qid, dids in found.rankings.items():
        for place, did in enumerate(dids, start=1):
            yield f"{qid} Q0 {did} {place} {1 / place!r} {name}\n"


class _Known:
    """Implements `Candidates` for those that a run names."""

    def __init__(self, documents: Mapping[str, Document], modalities: Mapping[str, Modality]) -> None:
        self._documents, self._modalities = documents, modalities

    @classmethod
    def of(cls, data: Path, split: str, run: Mapping[str, Ranking]) -> _Known:
        wanted = {did for one in run.values() for did in one.dids}
        documents: dict[str, Document] = {}
        modalities: dict[str, Modality] = {}
        for pool in _pools(data, split):
            for one in read_candidates(pool):
                if one.did in wanted and one.did not in documents:
                    modalities[one.did] = one.modality
                    document = document_of(data.absolute(), one, len(documents))
                    # A candidate of nothing keeps its place: there is nothing of it to be read.
                    documents[one.did] = document or Document(id=len(documents), modality=one.modality, source=_nowhere(data))
            if len(documents) == len(wanted):
                break
        missing = next((did for did in sorted(wanted) if did not in documents), None)
        if missing is not None:
            raise UsageError(f"The candidate {missing} of the run is in no pool of {data}.", "Name the data that the run was made on.")
        return cls(documents, modalities)

    def modality_of_did(self, did: str) -> Modality | None:
        return self._modalities.get(did)

    def documents(self, dids: Sequence[str]) -> list[Document]:
        return [self._documents[did] for did in dids]


def _pools(data: Path, split: str) -> Iterator[Path]:
    with suppress(UsageError):  # local ones do as well
        yield global_pool(data, split)
    yield from local_pools(data)


def _nowhere(data: Path) -> Source:
    return Source(str(data), "cand_pool")


def _scores(run: Mapping[str, Ranking], queries: Sequence[MbeirQuery]) -> NDArray[np.float32]:
    longest = max(len(run[one.qid].dids) for one in queries)
    scores = np.full((len(queries), longest), -np.inf, np.float32)
    for line, one in zip(scores, queries, strict=True):
        line[: len(run[one.qid].scores)] = run[one.qid].scores
    return scores


def _rows(
    dataset: str, queries: Sequence[MbeirQuery], before: Sequence[Sequence[str]], after: Sequence[Sequence[str]], judgments: Judgments
) -> Iterator[RereadRow]:
    by_task: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(queries):
        if one.qid in judgments.positives:
            by_task[task_of(one, judgments)].append(number)
    depth, headline = depth_of(dataset), headline_of(dataset)
    for task, numbers in sorted(by_task.items()):
        positives = [judgments.positives[queries[number].qid] for number in numbers]
        first, second = (measured([ranked[number][:depth] for number in numbers], positives, depth) for ranked in (before, after))
        difference = [second[headline] - first[headline]]
        yield RereadRow(
            dataset,
            task,
            len(numbers),
            headline,
            {name: interval([one]) for name, one in first.items()},
            {name: interval([one]) for name, one in second.items()},
            interval(difference),
            paired_probability(difference),
        )


def _given(entries: Sequence[Entry]) -> Entries:
    return lambda: entries


def _telling(told: ToldOf, name: str) -> Told:
    return lambda done, whole: told(name, done, whole)
