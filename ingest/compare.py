"""Walk against ledger: what is new, changed, unchanged, quarantined or gone. Nothing is read here but names and sizes."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ingest.manifests import ManifestLine, picture_of
from ingest.walk import Found, Obstacle
from uniir.images import SUFFIXES as IMAGE_SUFFIXES
from uniir.ledger import Failure, SourceKey, SourceRecord


class Verdict(Enum):
    NEW = auto()
    CHANGED = auto()
    UNCHANGED = auto()
    QUARANTINED = auto()  # failed before and has not changed since
    IGNORED = auto()  # the same, and nobody wants to hear of it
    OBSTACLE = auto()
    GONE = auto()
    SUPERSEDED = auto()  # on disk, but part of another source now: a sidecar, or a picture of a manifest


@dataclass(frozen=True, slots=True)
class Compared:
    """One source with its verdict; `found` is None for what is gone, `record` for what is new."""

    verdict: Verdict
    key: SourceKey
    found: Found | ManifestLine | None = None
    record: SourceRecord | None = None
    obstacle: Obstacle | None = None


def compare(
    root: str,
    found: Iterator[Found | Obstacle],
    entries: Iterator[SourceRecord],
    failures: Mapping[SourceKey, Failure],
    claimed: Container[str],
    spared: Sequence[str],
) -> Iterator[Compared]:
    """Merges two streams that are both ordered by path.

    `claimed` are pictures that belong to manifests; below the directories `spared` (each ends in a slash) nothing counts as gone.
    """
    entry = next(entries, None)
    for item in found:
        while entry is not None and entry.key.path < item.path:
            yield from _without_file(entry, claimed, spared)
            entry = next(entries, None)
        record = None
        if entry is not None and entry.key.path == item.path:
            record, entry = entry, next(entries, None)
        if isinstance(item, Obstacle):
            key = SourceKey(root, item.path)
            yield Compared(judge_obstacle(item, failures.get(key)), key, record=record, obstacle=item)
        else:
            key = SourceKey(root, item.path)
            yield Compared(judge(key, item.signature, record, failures.get(key)), key, item, record)
    while entry is not None:
        yield from _without_file(entry, claimed, spared)
        entry = next(entries, None)


def judge(key: SourceKey, signature: str, record: SourceRecord | None, failure: Failure | None) -> Verdict:
    """The verdict on something that is there. A record without a signature was left unfinished, and counts as new."""
    if failure is not None and failure.signature == signature and not _opened_up(key, failure):
        return Verdict.IGNORED if failure.ignored else Verdict.QUARANTINED
    if record is None or not record.signature:
        return Verdict.NEW
    return Verdict.UNCHANGED if record.signature == signature else Verdict.CHANGED


def judge_obstacle(obstacle: Obstacle, failure: Failure | None) -> Verdict:
    """An obstacle that stands as it stood is no news."""
    if failure is None or (failure.code, failure.signature) != (obstacle.code, obstacle.signature):
        return Verdict.OBSTACLE
    return Verdict.IGNORED if failure.ignored else Verdict.QUARANTINED


def _opened_up(key: SourceKey, failure: Failure) -> bool:
    """Whether a file that could not be read can be now: permissions change neither size nor time."""
    file = picture_of(failure.signature) if key.locator else os.fspath(key.file)
    return failure.code == "unreadable" and os.access(file, os.R_OK)


def _without_file(entry: SourceRecord, claimed: Container[str], spared: Sequence[str]) -> Iterator[Compared]:
    """Gone only where the file system says so: what is excluded, or out of reach, is kept."""
    if is_missing(entry.key):
        if not any(os.fspath(entry.key.file).startswith(directory) for directory in spared):
            yield Compared(Verdict.GONE, entry.key, record=entry)
    elif entry.key.path in claimed or _is_sidecar(entry.key):
        yield Compared(Verdict.SUPERSEDED, entry.key, record=entry)


def is_missing(key: SourceKey) -> bool:
    """Whether the file system says that there is no such file; a file out of reach is not missing."""
    try:
        os.lstat(key.file)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def has_entries(root: str) -> bool:
    """Whether a root is a directory that holds anything; hidden entries do not count, since mount points have them too."""
    try:
        with os.scandir(root) as listing:
            return any(not entry.name.startswith(".") and entry.name != "lost+found" for entry in listing)
    except OSError:
        return False


def _is_sidecar(key: SourceKey) -> bool:
    stem, suffix = os.path.splitext(os.path.basename(key.path))
    if suffix.lower() in IMAGE_SUFFIXES:
        return False
    try:
        with os.scandir(key.file.parent) as listing:
            names = [os.path.splitext(entry.name) for entry in listing]
    except OSError:
        return False
    return any(other == stem and ending.lower() in IMAGE_SUFFIXES for other, ending in names)
