"""Finds M-BEIR's files under a root, in the layout of the hub and in the older one of the authors' own generators."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.mbeir.reading import WAY_OUT
from uniir.errors import UsageError
from uniir.spelling import near

_QUERY_FILE = re.compile(r"mbeir_(?P<name>.+?)(?:_task(?P<task>\d))?_(?P<split>[a-z]+)\.jsonl(?:\.gz)?", re.IGNORECASE)
_POOL_FILE = re.compile(r"mbeir_.+?_cand_pool\.jsonl(?:\.gz)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QueryFile:
    """A file of queries with the pool and the judgments that belong to it.

    `task` is None where the name tells none: any may occur, and where their pools lie apart (as for M-BEIR's train split) these together
    are the pool.
    """

    name: str
    task: int | None
    queries: Path
    local_pools: tuple[Path, ...]
    qrels: Path


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """One data set and task of a split, with its files."""

    name: str
    task: int
    queries: Path
    local_pool: Path
    qrels: Path


def query_files(root: Path, split: str, names: Collection[str] = (), tasks: Collection[int] = ()) -> list[QueryFile]:
    """The files of a split, by task and name, of these sets and tasks where any are named.

    Raises UsageError where there are none at all or none of a set that is named, or one lacks its pool or its judgments.
    """
    found, there = [], set()
    for file in _files(root / "query" / split, root / split, "jsonl"):
        match = _QUERY_FILE.fullmatch(file.name)
        if match is None or match["split"].lower() != split:
            continue
        there.add(match["name"].lower())
        if (names and match["name"].lower() not in names) or (tasks and match["task"] and int(match["task"]) not in tasks):
            continue
        stem = file.name.split(".")[0][: -len(split) - 1]
        task = int(match["task"]) if match["task"] else None
        found.append(QueryFile(match["name"].lower(), task, file, _pools(root, stem, split, task), _qrels(root, stem, split)))
    if not there:
        raise UsageError(f"There are no queries under {root / 'query' / split}.", WAY_OUT)
    for name in names:
        if name not in there:
            way_out = f"{near(name, there)}There are {', '.join(sorted(there))}."
            raise UsageError(f"There are no queries of a data set {name!r} under {root / 'query' / split}.", way_out)
    return sorted(found, key=lambda one: (-1 if one.task is None else one.task, one.name))


def query_lists(root: Path, split: str) -> list[tuple[str, Path, Path | None]]:
    """Every file of queries of a split with its set's name, and its judgments where they are there; pools are not asked for."""
    found = []
    for file in _files(root / "query" / split, root / split, "jsonl"):
        match = _QUERY_FILE.fullmatch(file.name)
        if match is not None and match["split"].lower() == split:
            try:
                qrels = _qrels(root, file.name.split(".")[0][: -len(split) - 1], split)
            except UsageError:
                qrels = None
            found.append((match["name"].lower(), file, qrels))
    if not found:
        raise UsageError(f"There are no queries under {root / 'query' / split}.", WAY_OUT)
    return found


def evaluation_sets(root: Path, split: str) -> list[EvaluationSet]:
    """The sets of a split that are one task each, by task and name; raises UsageError where there are none."""
    files = query_files(root, split)
    return [EvaluationSet(one.name, one.task, one.queries, one.local_pools[0], one.qrels) for one in files if one.task is not None]


def global_pool(root: Path, split: str) -> Path:
    """The union of all local pools of a split."""
    return _first([root / "cand_pool" / "global", root / "cand_pool" / "union_pool"], [f"mbeir_union_{split}_cand_pool.jsonl"])


def global_pools(root: Path, split: str) -> Sequence[Path]:
    """The files whose lines together are the global pool: the union where there is one, else the local pools of all sets of the split."""
    try:
        return [global_pool(root, split)]
    except UsageError:
        return sorted({pool for one in query_files(root, split) for pool in one.local_pools})


def instructions_file(root: Path) -> Path:
    """The wordings of all sets. Raises UsageError."""
    return _first([root / "instructions"], ["query_instructions.tsv"])


def local_pools(root: Path) -> Sequence[Path]:
    """Every local pool, whatever its split."""
    return [file for file in _files(root / "cand_pool" / "local", root / "cand_pool", "jsonl") if _POOL_FILE.fullmatch(file.name)]


def corpus_of(path: Path) -> Sequence[Path]:
    """What an ingest of this path is to read: of M-BEIR's root the global pool of the test split, or else its local ones, not its queries.

    Any other path is its own corpus.
    """
    if not (path / "cand_pool").is_dir() or not ((path / "query").is_dir() or (path / "qrels").is_dir()):
        return [path]
    for folder in (path / "cand_pool" / "global", path / "cand_pool" / "union_pool"):
        unions = sorted(file for file in folder.glob("*") if _POOL_FILE.fullmatch(file.name))
        if unions:
            return [next((file for file in unions if "_test_" in file.name.lower()), unions[0])]
    local = [file for file in local_pools(path) if not re.search(r"_(train|val)_cand_pool", file.name.lower())]
    return local or [path]


def _pools(root: Path, stem: str, split: str, task: int | None) -> tuple[Path, ...]:
    """The pool of a file's name, or those of its set's tasks. Raises UsageError."""
    try:
        return (_pool(root, stem, split),)
    except UsageError:
        own = re.compile(rf"({re.escape(stem)}_task\d)(?:_[a-z]+)?_cand_pool\.jsonl(?:\.gz)?", re.IGNORECASE)
        stems = {match[1] for file in local_pools(root) if (match := own.fullmatch(file.name))}
        if task is not None or not stems:
            raise
        return tuple(_pool(root, one, split) for one in sorted(stems))


def _pool(root: Path, stem: str, split: str) -> Path:
    # Most sets have one pool for all splits; MSCOCO, and data laid out after it, has one for each.
    return _first([root / "cand_pool" / "local", root / "cand_pool"], [f"{stem}_{split}_cand_pool.jsonl", f"{stem}_cand_pool.jsonl"])


def _qrels(root: Path, stem: str, split: str) -> Path:
    # Some of the authors' settings name the split twice.
    folders = [root / "qrels" / split, root / "qrels" / split / split, root / "qrels"]
    return _first(folders, [f"{stem}_{split}_qrels.txt"])


def _first(folders: Sequence[Path], names: Sequence[str]) -> Path:
    for folder in folders:
        # The papers, the code and the files spell the sets with different capitals.
        there = {file.name.lower(): file for file in folder.glob("*")}
        for name in names:
            for spelled in (name.lower(), f"{name.lower()}.gz"):
                if spelled in there:
                    return there[spelled]
    raise UsageError(f"{folders[0] / names[-1]} is missing.", WAY_OUT)


def _files(folder: Path, older: Path, suffix: str) -> Iterator[Path]:
    """Those of the folder, or of its place in the older layout where it does not exist."""
    place = folder if folder.is_dir() else older
    yield from sorted(file for file in place.glob("*") if f".{suffix}" in file.name)
