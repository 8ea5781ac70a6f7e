"""What there is to learn from and to choose on: retrieval tasks out of M-BEIR-like files and text pairs, split by group."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evaluation.mbeir.reading import MbeirCandidate, MbeirQuery, dataset_of, read_candidates, read_queries
from uniir.documents import Modality

NAMES = {
    "30": "flickr8k",
    "31": "fashion",
    "32": "grocery",
    "33": "exercises",
    "34": "recipes",
    "35": "xquad",
    "36": "pacs",
    "37": "multi30k",
    "38": "animals",
    "39": "clothing",
}
# Positives of these tasks are the same thing (product, exercise, dish), so they must stay on one side of the split.
# Fashion's attribute searches and every "another one of this class" task would join whole data sets instead.
_SAME_THING = {"fashion": {0, 3}, "grocery": {4, 6, 8}, "exercises": {0, 2, 3, 4, 6, 8}, "recipes": {0, 1, 2, 6}, "flickr8k": {0, 3}}
_DISTRACTORS = 5000  # texts of the learning side in the pool of a validation task
_HELD_OUT = 7  # one group in so many is for choosing


@dataclass(frozen=True, slots=True)
class Parts:
    """What a query or a candidate is made of; `image` is a path."""

    text: str | None
    image: str | None

    @property
    def modality(self) -> Modality:
        return Modality.of(text=self.text is not None, image=self.image is not None)


@dataclass(frozen=True, slots=True)
class RetrievalTask:
    """Queries, a pool, and which of the pool's places are right for each query."""

    dataset: str
    task: int
    queries: tuple[Parts, ...]
    pool: tuple[Parts, ...]
    positives: tuple[tuple[int, ...], ...]

    @property
    def name(self) -> str:
        return f"{self.dataset}/{self.task}"

    @property
    def texts(self) -> Iterator[str]:
        return (one.text for one in (*self.queries, *self.pool) if one.text is not None)

    @property
    def images(self) -> Iterator[str]:
        return (one.image for one in (*self.queries, *self.pool) if one.image is not None)


@dataclass(frozen=True, slots=True)
class Split:
    """The same tasks twice, without a common item: to learn from, and to choose on."""

    training: tuple[RetrievalTask, ...]
    validation: tuple[RetrievalTask, ...]


class Groups:
    """Items joined by being the same thing (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def of(self, item: str) -> str:
        parent = self._parent.setdefault(item, item)
        while parent != self._parent[parent]:
            self._parent[parent] = self._parent[self._parent[parent]]
            parent = self._parent[parent]
        self._parent[item] = parent
        return parent

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.of(one), self.of(other)))
        self._parent[second] = first

    def held_out(self, item: str, one_in: int) -> bool:
        return zlib.crc32(self.of(item).encode()) % one_in == 0


def mbeir_split(data: Path) -> Split:
    """The union train file, parted by group, with all of Flickr8k's train pictures to learn from and its dev pictures to choose on."""
    folder = data / "train"
    queries, pool = _read(folder, "mbeir_union_train")
    groups = _groups(queries, {one.did: one for one in pool})
    own = {"flickr8k"}
    training: list[RetrievalTask] = []
    validation: list[RetrievalTask] = []
    for side, kept in ((training, False), (validation, True)):
        side.extend(_tasks(queries, pool, partial(_on_side, groups, kept), without=own))
    more_queries, more_pool = _read(folder, "mbeir_flickr8k_more_train")
    flickr_queries = [one for one in queries if _dataset(one.qid) in own] + more_queries
    flickr_pool = [one for one in pool if _dataset(one.did) in own] + more_pool
    training.extend(_tasks(flickr_queries, flickr_pool, lambda _item: True, without=set()))
    validation.extend(_tasks(*_read(folder, "mbeir_flickr8k_val"), lambda _item: True, without=set()))
    return Split(tuple(training), tuple(validation))


def everything(data: Path) -> tuple[tuple[RetrievalTask, ...], tuple[RetrievalTask, ...]]:
    """All tasks and all text pairs with nothing held out, to learn from once everything is chosen."""
    folder = data / "train"
    queries, pool = _read(folder, "mbeir_union_train")
    own = {"flickr8k"}
    tasks = list(_tasks(queries, pool, lambda _item: True, without=own))
    captioned = [one for one in queries if _dataset(one.qid) in own]
    pictures = [one for one in pool if _dataset(one.did) in own]
    for name in ("mbeir_flickr8k_more_train", "mbeir_flickr8k_val"):
        more_queries, more_pool = _read(folder, name)
        captioned += more_queries
        pictures += more_pool
    tasks.extend(_tasks(captioned, pictures, lambda _item: True, without=set()))
    texts = [_text_task(file.name.removesuffix(".jsonl.gz"), _text_pairs(file), []) for file in _text_files(data)]
    return tuple(tasks), tuple(texts)


def text_split(data: Path, barred: Collection[str]) -> Split:
    """Every file of text pairs as a text to text task; pairs that share a text stay together.

    Pairs with a barred text, such as one of another task's validation, are not learnt from.
    """
    training: list[RetrievalTask] = []
    validation: list[RetrievalTask] = []
    for file in _text_files(data):
        pairs = _text_pairs(file)
        groups = Groups()
        for query, positive in pairs:
            groups.join(query, positive)
        one_in = max(_HELD_OUT, len(pairs) // 1500)
        name = file.name.removesuffix(".jsonl.gz")
        for side, kept in ((training, False), (validation, True)):
            admitted = [pair for pair in pairs if kept or not (pair[0] in barred or pair[1] in barred)]
            chosen = [pair for pair in admitted if groups.held_out(pair[0], one_in) == kept]
            # A few hundred held-out texts alone would be too easy a pool.
            distractors = [positive for _, positive in pairs[:_DISTRACTORS]] if kept else []
            side.append(_text_task(name, chosen, distractors))
    return Split(tuple(training), tuple(validation))


def build_task(name: str, task: int, queries: Iterable[MbeirQuery], pool: Sequence[MbeirCandidate]) -> RetrievalTask:
    """One task over a pool; queries whose positives are all elsewhere are left out."""
    place = {candidate.did: number for number, candidate in enumerate(pool)}
    kept = [(query, tuple(place[did] for did in query.positives if did in place)) for query in queries]
    kept = [(query, positives) for query, positives in kept if positives]
    return RetrievalTask(
        name,
        task,
        tuple(Parts(query.text, query.image) for query, _ in kept),
        tuple(Parts(one.text, one.image) for one in pool),
        tuple(positives for _, positives in kept),
    )


def _tasks(
    queries: Sequence[MbeirQuery], pool: Sequence[MbeirCandidate], admits: Callable[[str], bool], *, without: Collection[str]
) -> Iterator[RetrievalTask]:
    """Tasks by data set and number; a pool holds the admitted candidates of the positives' modalities."""
    kinds = sorted({(_dataset(query.qid), query.task) for query in queries})
    for dataset, task in kinds:
        if dataset in without:
            continue
        chosen = [
            query
            for query in queries
            if (_dataset(query.qid), query.task) == (dataset, task) and (query.image is None or admits(query.image))
        ]
        wanted = {did for query in chosen for did in query.positives}
        modalities = {one.modality for one in pool if one.did in wanted}
        # What may not be a right answer here (it belongs to the other side) is left out where it would be one, and stays as a wrong one.
        fitting = [
            one
            for one in pool
            if _dataset(one.did) == dataset and one.modality in modalities and (admits(one.image or one.did) or one.did not in wanted)
        ]
        built = build_task(dataset, task, chosen, fitting)
        if built.queries:
            yield built


def _on_side(groups: Groups, kept: bool, item: str) -> bool:
    return groups.held_out(item, _HELD_OUT) == kept


def _groups(queries: Iterable[MbeirQuery], candidates: dict[str, MbeirCandidate]) -> Groups:
    groups = Groups()
    for query in queries:
        if query.task not in _SAME_THING.get(_dataset(query.qid), ()):
            continue
        items = [candidates[did].image or did for did in query.positives]
        items += [query.image] if query.image else []
        for item in items[1:]:
            groups.join(items[0], item)
    return groups


def _text_files(data: Path) -> list[Path]:
    return sorted((data / "train_text").glob("*.jsonl.gz"))


def _text_pairs(file: Path) -> list[tuple[str, str]]:
    with gzip.open(file) as lines:
        return [(str(one["query"]), str(one["positive"])) for one in map(json.loads, lines)]


def _text_task(name: str, pairs: Sequence[tuple[str, str]], distractors: Sequence[str]) -> RetrievalTask:
    positives: dict[str, list[str]] = {}
    for query, positive in pairs:
        positives.setdefault(query, []).append(positive)
    pool = sorted({positive for _, positive in pairs}.union(distractors))
    place = {text: number for number, text in enumerate(pool)}
    return RetrievalTask(
        name,
        1,
        tuple(Parts(text, None) for text in positives),
        tuple(Parts(text, None) for text in pool),
        tuple(tuple(place[text] for text in wanted) for wanted in positives.values()),
    )


def _read(folder: Path, name: str) -> tuple[list[MbeirQuery], list[MbeirCandidate]]:
    queries = list(read_queries(folder / "query" / "union_train" / f"{name}.jsonl.gz"))
    return queries, list(read_candidates(folder / "cand_pool" / "global" / f"{name}_cand_pool.jsonl.gz"))


def _dataset(identifier: str) -> str:
    return NAMES[dataset_of(identifier)]
