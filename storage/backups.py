"""A collection as plain files: rows as JSON lines, vectors as .npy in half precision, thumbnails, and a manifest with checksums.

The manifest is written last, so a directory without one is a backup that did not come to its end.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

import uniir
from uniir.errors import StoreUnavailable, UsageError

MANIFEST = "backup.json"
PART = 5000  # vectors in one file
_FORMAT = 1
_OURS = frozenset({MANIFEST, "rows", "vectors", "thumbnails"})
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class File:
    """A file of a backup, by its path below the directory."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `counts` are rows by table, with vectors and thumbnails."""

    collection: str
    made_at: str
    made_by: str
    counts: Mapping[str, int]
    files: Sequence[File]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


class BackupWriter:
    """Writes into an empty directory, or over a backup that is there; pictures that are there already are not copied again."""

    def __init__(self, directory: Path, collection: str) -> None:
        """Raises UsageError for a directory that holds anything else, StoreUnavailable where it can't be written."""
        self._directory = directory
        self._collection = collection
        self._files: list[File] = []
        self._counts: dict[str, int] = {}
        with _written(directory):
            directory.mkdir(parents=True, exist_ok=True)
            strange = sorted(entry.name for entry in directory.iterdir() if entry.name not in _OURS)
            if strange:
                raise UsageError(f"{directory} holds other things than a backup, such as {strange[0]}.", "Name an empty directory.")
            self._require_same_collection()
            (directory / MANIFEST).unlink(missing_ok=True)

    def _require_same_collection(self) -> None:
        if not (self._directory / MANIFEST).exists():
            return
        other = _manifest_of(self._directory).collection
        if other != self._collection:
            raise UsageError(
                f"{self._directory} is the backup of another collection, {other}.", "Name another directory, or take that backup away."
            )

    def rows(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        count = 0

        def write(file: BinaryIO) -> None:
            nonlocal count
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
                count += 1

        self._write(f"rows/{name}.jsonl", write)
        self._counts[name] = count

    def vectors(self, space: int, blocks: Iterator[NDArray[np.float16]]) -> None:
        """Blocks of PART rows, the last one shorter."""
        count = 0
        for number, block in enumerate(blocks):
            self._write(_vectors_path(space, number), lambda file, block=block: np.save(file, block.astype("<f2")))  # type: ignore[misc]
            count += len(block)
        self._counts["vectors"] = self._counts.get("vectors", 0) + count

    def thumbnails(self, files: Iterable[tuple[str, Path]]) -> None:
        """Files by the name they get here."""
        self.rows("thumbnails", (asdict(self._copied(f"thumbnails/{name}", source)) for name, source in files))

    def finish(self) -> Manifest:
        """Takes away what is of an earlier backup, then writes the manifest."""
        known = {file.path for file in self._files} | {row["path"] for row in _read_rows(self._directory / "rows" / "thumbnails.jsonl")}
        with _written(self._directory):
            for file in sorted(self._directory.rglob("*")):
                if file.is_file() and file.relative_to(self._directory).as_posix() not in known:
                    file.unlink()
        made_at = datetime.now(UTC).isoformat()
        manifest = Manifest(self._collection, made_at, f"uniir {uniir.__version__}", dict(self._counts), tuple(self._files))
        told = {"format": _FORMAT, **asdict(manifest)}
        self._write(MANIFEST, lambda file: file.write(json.dumps({**told, "sha256": _digest(told)}, indent=1).encode()))
        return manifest

    def _write(self, path: str, write: Callable[[BinaryIO], object]) -> None:
        place = self._directory / path
        unfinished = place.with_name(f".{place.name}.new")
        with _written(self._directory):
            place.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(place)
            self._files.append(File(path, place.stat().st_size, _sha256(place)))

    def _copied(self, path: str, source: Path) -> File:
        place = self._directory / path
        with _written(self._directory):
            content = source.read_bytes()
            if not place.is_file() or place.read_bytes() != content:
                place.parent.mkdir(parents=True, exist_ok=True)
                unfinished = place.with_name(f".{place.name}.new")
                unfinished.write_bytes(content)
                unfinished.replace(place)
        return File(path, len(content), hashlib.sha256(content).hexdigest())


class BackupReader:
    """Reads a finished backup."""

    def __init__(self, directory: Path) -> None:
        """Raises UsageError where there is none, or one that this version can't read."""
        self.directory = directory
        self.manifest = _manifest_of(directory)

    def verify(self) -> None:
        """Reads every file once. Raises UsageError that names the first one that is not what was written."""
        for file in self.manifest.files:
            self._verify(file)
        for row in self.rows("thumbnails"):
            self._verify(File(**row))

    def _verify(self, file: File) -> None:
        place = self.directory / file.path
        if not place.is_file():
            raise UsageError(f"The backup is damaged: {place} is missing.", "Take another backup.")
        if place.stat().st_size != file.bytes or _sha256(place) != file.sha256:
            raise UsageError(f"The backup is damaged: {place} is not what was written.", "Take another backup.")

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        yield from _read_rows(self.directory / "rows" / f"{name}.jsonl")

    def vectors(self, space: int) -> Iterator[NDArray[np.float16]]:
        """Every vector of a space, in the order of its rows that have one."""
        number = 0
        while (file := self.directory / _vectors_path(space, number)).is_file():
            yield from np.load(file, mmap_mode="r", allow_pickle=False)
            number += 1

    def thumbnails(self) -> Iterator[tuple[str, Path]]:
        """Files by the name they had."""
        for row in self.rows("thumbnails"):
            yield row["path"].removeprefix("thumbnails/"), self.directory / row["path"]


def _manifest_of(directory: Path) -> Manifest:
    file = directory / MANIFEST
    try:
        there, begun = file.is_file(), (directory / "rows").is_dir()
    except OSError:  # no name of a file at all
        there = begun = False
    if not there:
        what = f"The backup in {directory} did not come to its end." if begun else f"There is no backup in {directory}."
        raise UsageError(what, "`uniir backup` again goes on with it." if begun else "Name the directory that `uniir backup` wrote.")
    try:
        told = json.loads(file.read_bytes())
        if told["format"] > _FORMAT:
            raise UsageError(f"The backup in {directory} was made by a newer version ({told['made_by']}).", "Install that one.")
        if told.pop("sha256") != _digest(told):
            raise ValueError
        files = tuple(File(**one) for one in told["files"])
        return Manifest(told["collection"], told["made_at"], told["made_by"], told["counts"], files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"The backup is damaged: {file} is not what was written.", "Take another backup.") from None


def _vectors_path(space: int, number: int) -> str:
    return f"vectors/{space}-{number:05}.npy"


def _read_rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open("rb") as lines:
        yield from map(json.loads, lines)


def _digest(told: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _written(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"The backup can't be written to {directory}: {error.strerror or error}.",
            "Make room, or mend the permissions, and run it again.",
        ) from error
