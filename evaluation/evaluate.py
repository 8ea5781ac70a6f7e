"""Use case: measure an encoder on data in M-BEIR's layout, by the protocol of the UniIR paper."""

from __future__ import annotations

import hashlib
import platform
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from evaluation import asking
from evaluation.analysis import first_hits
from evaluation.asking import Instructing, Wordings, target_of
from evaluation.gate import SelfRetrieval
from evaluation.layout import QueryFile, global_pools, instructions_file, query_files
from evaluation.mbeir import MbeirQuery, read_instructions, read_qrels, read_queries
from evaluation.pools import Pool
from evaluation.published import counterpart, published
from evaluation.resampling import interval
from evaluation.results import Report, SetResult, SetRow
from evaluation.retrieval import ExactRetrieval, Found, Retrieval, ToldOf
from evaluation.scoring import depth_of, headline_of, measured, require_libraries
from uniir.errors import UsageError
from uniir.protocols import Encoder, ImageLoader

_PACKAGES = ("uniir", "numpy", "faiss-cpu", "ir_measures", "pytrec_eval-terrier", "pillow", "onnxruntime", "torch")
_PAPERS_SETS = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured. Empty `tasks` or `datasets` are all that there are; `against` is a published model, `search` says how."""

    root: Path
    split: str = "test"
    pool: Literal["local", "global"] = "local"
    tasks: tuple[int, ...] = ()
    datasets: tuple[str, ...] = ()
    instructing: Instructing = Instructing.ON
    seed: int = 2023
    against: str | None = None
    search: str = "exact"


def evaluate(plan: Plan, encoder: Encoder, images: ImageLoader, work: Path, keep: Callable[[SetResult], None], told: ToldOf) -> Report:
    """Embeds what is not embedded yet under `work`, searches exactly, scores; `keep` gets each set when it is done.

    Raises UsageError for data that can't be read and PipelineBroken where candidates do not find themselves.
    """
    return evaluate_by(plan, ExactRetrieval(plan.root.absolute(), encoder, images, work, told), keep)


def evaluate_by(plan: Plan, retrieval: Retrieval, keep: Callable[[SetResult], None]) -> Report:
    """The same with any way to answer the queries."""
    return _Evaluation(plan, retrieval).run(keep)


class _Evaluation:
    def __init__(self, plan: Plan, retrieval: Retrieval) -> None:
        self._plan, self._retrieval = plan, retrieval
        self._root = plan.root.absolute()
        self._pools: dict[tuple[Path, ...], Pool] = {}
        self._gates: dict[str, SelfRetrieval] = {}
        self._read: dict[Path, str] = {}  # every file that counted, with its SHA-256

    def run(self, keep: Callable[[SetResult], None]) -> Report:
        plan = self._plan
        files = [one for one in query_files(plan.root, plan.split) if not plan.datasets or one.name in plan.datasets]
        files = [one for one in files if one.task is None or not plan.tasks or one.task in plan.tasks]
        require_libraries()
        model = plan.against or counterpart(self._retrieval.space.weights)
        wordings = self._wordings()
        for file in files if plan.instructing is not Instructing.OFF else ():
            asking.require_wordings(file.queries, wordings)
        rows: list[SetRow] = []
        headlines = []
        for file in files:
            for result in self._set(file, wordings, model):
                keep(result)
                rows.append(result.row)
                headlines.append(result.values[result.row.headline])
        if not rows:
            raise UsageError("No queries are left.", f"Look at `--tasks` and `--datasets`; the data is in {plan.root}.")
        whole = sum(published("UniIR CLIP_SF", plan.pool, row.task, row.dataset, row.headline) is not None for row in rows) == _PAPERS_SETS
        average = published(model, plan.pool, None, "", "average") if model and whole and len(rows) == _PAPERS_SETS else None
        return Report(
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            settings={**asdict(plan), "root": str(self._root), "instructing": self._wordings_name},
            encoder={**asdict(self._retrieval.space), "fingerprint": self._retrieval.space.fingerprint},
            data=self._fingerprints(),
            versions=_versions(),
            gates=self._gates,
            rows=rows,
            average=interval(headlines),
            published_model=model,
            published_average=None if average is None else average.value,
        )

    def _set(self, file: QueryFile, wordings: Wordings, model: str | None) -> list[SetResult]:
        pool = self._pool([file.local_pool] if self._plan.pool == "local" else global_pools(self._plan.root, self._plan.split))
        every = list(read_queries(file.queries))
        queries = [one for one in every if not self._plan.tasks or one.task in self._plan.tasks]
        if not queries:
            return []
        qrels = read_qrels(file.qrels)
        self._sha256(file.qrels)
        found = self._found(file, queries, pool, wordings)
        absent = len(qrels.keys() - {one.qid for one in every})
        by_task: dict[int, list[int]] = defaultdict(list)
        for number, one in enumerate(queries):
            by_task[one.task].append(number)
        results = []
        for task, numbers in sorted(by_task.items()):
            judged = [number for number in numbers if queries[number].qid in qrels]
            if not judged:
                raise UsageError(f"{file.qrels} judges no query of task {task} of {file.queries.name}.")
            positives = [qrels[queries[number].qid] for number in judged]
            ranked = [found.ranked[number] for number in judged]
            values = measured(ranked, positives, depth_of(file.name))
            headline = headline_of(file.name)
            qids = [queries[number].qid for number in judged]
            targets = [
                {kind for did in wanted if (kind := pool.modality_of_did(did))} or {target_of(queries[number], pool)}
                for number, wanted in zip(judged, positives, strict=True)
            ]
            printed = published(model, self._plan.pool, task, file.name, headline) if model else None
            row = SetRow(
                dataset=file.name,
                task=task,
                queries=len(judged),
                candidates=len(pool),
                headline=headline,
                measures={name: interval([one]) for name, one in values.items()},
                first_hits=first_hits(qids, [line[0] if line else None for line in ranked], positives, targets, pool),
                failed_queries=sum(number in found.failed for number in judged),
                failed_candidates=len(pool.embedded.failures),
                without_judgments=len(numbers) - len(judged),
                judged_but_absent=absent,
                published=None if printed is None else printed.value,
            )
            results.append(SetResult(row, qids, positives, ranked, found.scores[judged], values))
        return results

    def _pool(self, files: Sequence[Path]) -> Pool:
        key = tuple(files)
        if key not in self._pools:
            name, digest = _stem(files[0]), _digest(self._root, *map(self._sha256, files))
            self._pools[key], self._gates[name] = self._retrieval.pool(files, name, digest, self._plan.seed)
        return self._pools[key]

    def _found(self, file: QueryFile, queries: Sequence[MbeirQuery], pool: Pool, wordings: Wordings) -> Found:
        plan, chosen = self._plan, self._wordings_name
        # Everything that a query's vector depends on, so that a changed line or wording embeds anew.
        parts = (self._sha256(file.queries), *map(self._sha256, pool.files), str(sorted(wordings.items(), key=repr)), plan.tasks)
        digest = _digest(self._root, *parts, plan.seed if chosen == "random" else "")
        return self._retrieval.found(
            lambda: asking.entries_of(self._root, queries, pool, wordings, plan.instructing, plan.seed),
            f"{_stem(file.queries)}-{chosen}",
            digest,
            pool,
            depth_of(file.name),
        )

    @property
    def _wordings_name(self) -> str:
        return str(Instructing.RANDOM if self._plan.instructing is Instructing.ON else self._plan.instructing)

    def _wordings(self) -> Wordings:
        if self._plan.instructing is Instructing.OFF:
            return {}
        file = instructions_file(self._plan.root)
        self._sha256(file)
        return read_instructions(file)

    def _sha256(self, file: Path) -> str:
        if file not in self._read:
            with file.open("rb") as opened:
                self._read[file] = hashlib.file_digest(opened, "sha256").hexdigest()
        return self._read[file]

    def _fingerprints(self) -> Mapping[str, object]:
        files = {str(file.relative_to(self._plan.root)): sha for file, sha in sorted(self._read.items())}
        return {"fingerprint": _digest(*(f"{name} {sha}" for name, sha in files.items())), "files": files}


def _digest(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:16]


def _stem(file: Path) -> str:
    return file.name.split(".")[0]


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
