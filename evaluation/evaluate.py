"""Use case: measure an encoder on data in M-BEIR's layout, by the protocol of the UniIR paper."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from evaluation import asking
from evaluation.analysis import together
from evaluation.asking import Instructing, Wordings
from evaluation.complements import Complementing
from evaluation.embedding import NothingToEmbed, OccursTwice
from evaluation.gate import SelfRetrieval
from evaluation.mbeir.layout import QueryFile, global_pools, instructions_file, query_files, query_lists
from evaluation.mbeir.pools import Pool
from evaluation.mbeir.reading import WAY_OUT, MbeirQuery, lines_with, read_instructions, read_judgments, read_queries
from evaluation.metrics.averages import groups, overall
from evaluation.metrics.published import counted_tasks, counterpart, published_errors, zero_shot_sets
from evaluation.metrics.scoring import depth_of, require_libraries
from evaluation.reading_again import SecondReading
from evaluation.results import Report, SetResult
from evaluation.retrieval import Asked, ExactRetrieval, Found, Retrieval, ToldOf
from evaluation.rows import Compared, results_of, task_of, unjudged
from uniir.errors import UsageError
from uniir.protocols import Encoder, ImageLoader
from uniir.spelling import near

_PACKAGES = (
    *("uniir", "numpy", "faiss-cpu", "faiss-gpu-cu12", "ir_measures", "pytrec_eval-terrier", "pillow", "onnxruntime"),
    *("torch", "transformers", "sentence-transformers"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured. Empty `tasks` or `datasets` are all that there are; `against` is a published model.

    `search`, `rerank` and `complement` say how queries are answered, `held_out` names sets of M-BEIR that training did not see.
    """

    root: Path
    split: str = "test"
    pool: Literal["local", "global"] = "local"
    tasks: tuple[int, ...] = ()
    datasets: tuple[str, ...] = ()
    instructing: Instructing = Instructing.ON
    seed: int = 2023
    against: str | None = None
    search: str = "exact"
    rerank: str = "off"
    complement: bool = False
    held_out: tuple[str, ...] = ()


Keep = Callable[[SetResult], None]


def evaluate(
    plan: Plan,
    encoder: Encoder,
    images: ImageLoader,
    work: Path,
    keep: Keep,
    told: ToldOf,
    reading: SecondReading | None = None,
    command: str = "",
) -> Report:
    """Embeds what is not embedded yet under `work`, searches exactly, scores; `keep` gets each set when it is done.

    `reading` reads the first hits again; `command` repeats the whole. Raises UsageError for data that can't be read, PipelineBroken
    where candidates do not find themselves.
    """
    complementing = Complementing(wordings_of(plan)) if plan.complement else None
    retrieval = ExactRetrieval(plan.root.absolute(), encoder, images, work, told, reading, complementing)
    return evaluate_by(plan, retrieval, keep, command)


def evaluate_by(plan: Plan, retrieval: Retrieval, keep: Keep, command: str = "") -> Report:
    """The same with any way to answer the queries."""
    return _Evaluation(plan, retrieval).run(keep, command)


def wordings_of(plan: Plan) -> Wordings:
    """The table of instructions; empty where none are wanted. Raises UsageError."""
    return {} if plan.instructing is Instructing.OFF else read_instructions(instructions_file(plan.root))


class _Evaluation:
    def __init__(self, plan: Plan, retrieval: Retrieval) -> None:
        self._plan, self._retrieval = plan, retrieval
        self._root = plan.root.absolute()
        self._pools: dict[tuple[Path, ...], Pool] = {}
        self._gates: dict[str, SelfRetrieval] = {}
        self._left_out: list[str] = []
        self._read: dict[Path, str] = {}  # every file that counted, with its SHA-256

    def run(self, keep: Keep, command: str) -> Report:
        plan = self._plan
        files = query_files(plan.root, plan.split, plan.datasets, plan.tasks)
        _require_known(plan)
        require_libraries()
        model = plan.against or counterpart(self._retrieval.space.weights)
        wordings = wordings_of(plan)
        if plan.instructing is not Instructing.OFF:
            self._sha256(instructions_file(plan.root))
            for file in files:
                asking.require_wordings(file.queries, wordings)
        sets: list[SetResult] = []
        for file in files:
            for result in self._set(file, wordings, Compared(model, plan.pool, zero_shot_sets() | frozenset(plan.held_out))):
                keep(result)
                sets.append(result)
        if not sets:
            raise UsageError(
                " ".join(["No queries are left.", *self._left_out]), f"Look at `--tasks` and `--datasets`; the data is in {plan.root}."
            )
        return Report(
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            settings={**asdict(plan), "root": str(self._root), "instructing": self._wordings_name},
            command=command,
            encoder={**asdict(self._retrieval.space), "fingerprint": self._retrieval.space.fingerprint},
            data=self._fingerprints(),
            versions=_versions(),
            gates=self._gates,
            rows=[one.row for one in sets],
            average=overall(sets, model, plan.pool),
            left_out=self._left_out,
            averages=list(groups(sets, model, plan.pool)),
            first_hits=together([(one.row.queries, one.row.first_hits) for one in sets]),
            published_model=model,
            published_errors={} if model is None else published_errors(model, plan.pool),
        )

    def _set(self, file: QueryFile, wordings: Wordings, compared: Compared) -> Sequence[SetResult]:
        plan = self._plan
        every = list(read_queries(file.queries))
        if not every:
            self._left_out.append(f"{file.name}: there is no query in {file.queries}.")
        judgments = read_judgments(file.qrels)
        queries = [one for one in every if not plan.tasks or task_of(one, judgments) in plan.tasks]
        self._sha256(file.qrels)
        left_out = unjudged(queries, judgments)
        self._left_out += [f"{file.name}, task {task}: none of its {count:,} queries has a judgment." for task, count in left_out.items()]
        queries = [one for one in queries if task_of(one, judgments) not in left_out]
        if not queries:
            return []
        pool = self._pool(file.local_pools if plan.pool == "local" else global_pools(plan.root, plan.split))
        with _explained([file.queries]):
            found = self._found(file, queries, pool, wordings)
        absent = judgments.positives.keys() - {one.qid for one in every}
        return list(results_of(file.name, queries, absent, judgments, found, pool, compared))

    def _pool(self, files: Sequence[Path]) -> Pool:
        key = tuple(files)
        if key not in self._pools:
            name, digest = _stem(files[0]), _digest(self._root, *map(self._sha256, files))
            with _explained(files):
                self._pools[key], self._gates[name] = self._retrieval.pool(files, name, digest, self._plan.seed)
        return self._pools[key]

    def _found(self, file: QueryFile, queries: Sequence[MbeirQuery], pool: Pool, wordings: Wordings) -> Found:
        plan, chosen = self._plan, self._wordings_name
        # Everything that a query's vector depends on, so that a changed line or wording embeds anew.
        parts = (self._sha256(file.queries), *map(self._sha256, pool.files), str(sorted(wordings.items(), key=repr)), plan.tasks)
        digest = _digest(self._root, *parts, plan.seed if chosen == "random" else "")
        return self._retrieval.found(
            Asked(
                lambda: asking.entries_of(self._root, queries, pool, wordings, plan.instructing, plan.seed),
                f"{_stem(file.queries)}-{chosen}",
                digest,
                depth_of(file.name),
            ),
            pool,
        )

    @property
    def _wordings_name(self) -> str:
        return str(Instructing.RANDOM if self._plan.instructing is Instructing.ON else self._plan.instructing)

    def _sha256(self, file: Path) -> str:
        if file not in self._read:
            try:
                with file.open("rb") as opened:
                    self._read[file] = hashlib.file_digest(opened, "sha256").hexdigest()
            except OSError as error:
                raise UsageError(f"{file} can't be read: {error.strerror or error}.", WAY_OUT) from None
        return self._read[file]

    def _fingerprints(self) -> Mapping[str, object]:
        files = {str(file.relative_to(self._plan.root)): sha for file, sha in sorted(self._read.items())}
        return {"fingerprint": _digest(*(f"{name} {sha}" for name, sha in files.items())), "files": files}


def _require_known(plan: Plan) -> None:
    """Raises UsageError for a set that is held out and that neither the papers nor the data have."""
    known = {name for _, name in counted_tasks(None)} | zero_shot_sets() | {name for name, _, _ in query_lists(plan.root, plan.split)}
    for name in plan.held_out:
        if name not in known:
            raise UsageError(f"There is no data set {name!r} to be held out.", f"{near(name, known)}`uniir` names those of the authors.")


@contextmanager
def _explained(files: Sequence[Path]) -> Iterator[None]:
    """Names the file and the lines behind what is known by an id alone. Raises UsageError."""
    try:
        yield
    except OccursTwice as error:
        places = "; ".join(f"{file}, line {number}" for file in files for number in lines_with(file, error.identifier))
        raise UsageError(f"The id {error.identifier} occurs twice: {places}.", error.way_out) from None
    except NothingToEmbed:
        raise UsageError(f"There is no line in {', '.join(map(str, files))}.", WAY_OUT) from None


def _digest(*parts: object) -> str:
    # A path may hold bytes that are no UTF-8.
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "surrogateescape")).hexdigest()[:16]


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
