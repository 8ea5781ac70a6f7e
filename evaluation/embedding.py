"""Embeddings on disk: half precision, memory-mapped, one row for each line of the data, and gone on with after a kill."""

from __future__ import annotations

import itertools
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from uniir.documents import Document, Modality
from uniir.errors import DirectoryInUse, StoreUnavailable, UsageError
from uniir.protocols import Encoder, ImageLoader, Prepared, Steering
from uniir.queries import Query

MODALITIES = tuple(Modality)
_BATCH = 128
_AHEAD = 3  # batches that are read and decoded while one is computed


@runtime_checkable
class GivesRawVectors(Protocol):
    """An encoder that tells its vectors before normalisation, as the authors of UniIR round and store them."""

    def raw(self, batch: Prepared) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One line to be embedded. `item` is None where there is neither text nor picture; queries are steered."""

    id: str
    modality: Modality
    item: Document | Query | None
    steering: Steering | None = None


Entries: TypeAlias = Callable[[], Iterable[Entry]]
Told: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Failure:
    """A line that could not be embedded: its row is zeros, which no search finds."""

    row: int
    id: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """Finished embeddings, row by row: ids as UTF-8, modality numbers (places in MODALITIES), half-precision vectors."""

    ids: NDArray[np.bytes_]
    modalities: NDArray[np.int8]
    vectors: NDArray[np.float16]
    failures: tuple[Failure, ...]

    def id_of(self, row: int) -> str:
        return bytes(self.ids[row]).decode()


class NothingToEmbed(UsageError):
    """No entry at all."""


class OccursTwice(UsageError):
    """An id that two entries have."""

    def __init__(self, identifier: str, where: str) -> None:
        super().__init__(f"The id {identifier} occurs twice in {where}.", "Ids are unique in a pool or query file.")
        self.identifier = identifier


def embedded(entries: Entries, encoder: Encoder, images: ImageLoader, directory: Path, told: Told) -> Embedded:
    """The embeddings of these entries in a directory of their own; what an earlier run finished is kept.

    `entries` is called more than once and must give the same each time. `told` hears how many rows of how many are done.
    Raises OccursTwice, NothingToEmbed, StoreUnavailable, DirectoryInUse where another process fills the directory.
    """
    with _written(directory):
        try:
            with FileLock(directory / "lock", timeout=0):
                if not (directory / "modalities.npy").exists():
                    _write_list(entries, directory)
                ids = np.load(directory / "ids.npy", mmap_mode="r")
                _fill(entries, encoder, images, directory, len(ids), told)
        except Timeout:
            raise DirectoryInUse(f"Another evaluation is filling {directory}.", "Wait for it, or choose another `--work`.") from None
    return Embedded(
        ids,
        np.load(directory / "modalities.npy", mmap_mode="r"),
        np.load(directory / "vectors.npy", mmap_mode="r"),
        tuple(_failures(directory)),
    )


def listed(entries: Entries, directory: Path) -> Embedded:
    """Ids and modalities alone, for candidates whose vectors are somewhere else. Raises OccursTwice, NothingToEmbed, StoreUnavailable."""
    with _written(directory), FileLock(directory / "lock"):
        if not (directory / "modalities.npy").exists():
            _write_list(entries, directory)
    ids, modalities = (np.load(directory / f"{name}.npy", mmap_mode="r") for name in ("ids", "modalities"))
    return Embedded(ids, modalities, np.empty((0, 0), np.float16), ())


@contextmanager
def _written(directory: Path) -> Iterator[None]:
    """Makes the directory. Raises StoreUnavailable where something can't be written there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        way_out = "Make room, or choose another `--work`."
        raise StoreUnavailable(f"{directory} can't be written: {error.strerror or error}.", way_out) from None


def raw_vectors(encoder: Encoder, batch: Prepared) -> NDArray[np.float32]:
    """What is rounded to half precision: vectors before normalisation where the encoder tells them."""
    return encoder.raw(batch) if isinstance(encoder, GivesRawVectors) else encoder.encode(batch)


def _write_list(entries: Entries, directory: Path) -> None:
    ids, modalities = [], bytearray()
    for entry in entries():
        ids.append(entry.id.encode())
        modalities.append(MODALITIES.index(entry.modality))
    if not ids:
        raise NothingToEmbed(f"There is nothing to embed for {directory.name}.")
    array = np.array(ids)
    ordered = np.sort(array)
    twice = ordered[:-1][ordered[1:] == ordered[:-1]]
    if len(twice):
        raise OccursTwice(bytes(twice[0]).decode(), directory.name)
    _save(directory / "ids.npy", array)
    _save(directory / "modalities.npy", np.frombuffer(bytes(modalities), np.int8))


def _fill(entries: Entries, encoder: Encoder, images: ImageLoader, directory: Path, count: int, told: Told) -> None:
    progress, file = directory / "progress.json", directory / "vectors.npy"
    done = int(json.loads(progress.read_text())["rows"]) if progress.exists() and file.exists() else 0
    if done >= count:
        return
    if done:
        vectors = np.lib.format.open_memmap(file, mode="r+")
    else:
        shape = (count, encoder.space.dimension)
        vectors = np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=shape)
        _take_room(file)
    with (directory / "failures.jsonl").open("a" if done else "w") as failed:
        for batch, prepared in _prepared(itertools.islice(entries(), done, None), encoder, images):
            rows, missing = _computed(batch, prepared, encoder)
            vectors[done : done + len(batch)] = rows
            for position, code, reason in missing:
                failed.write(json.dumps(asdict(Failure(done + position, batch[position].id, code, reason))) + "\n")
            done += len(batch)
            # In this order, so that what counts as done is there after a kill.
            failed.flush()
            vectors.flush()
            _replace(progress, json.dumps({"rows": done, "of": count}).encode())
            told(done, count)


def _take_room(file: Path) -> None:
    """Now, since a page of a mapped file for which there is no room later ends the process without a word."""
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)


_Missing: TypeAlias = list[tuple[int, str, str]]


def _computed(batch: Sequence[Entry], prepared: Prepared, encoder: Encoder) -> tuple[NDArray[np.float16], _Missing]:
    """One row for each entry, zeros for those that failed."""
    present = [number for number, entry in enumerate(batch) if entry.item is not None]
    missing = [(number, "empty", "neither a text nor a picture") for number, entry in enumerate(batch) if entry.item is None]
    missing += [(present[one.position], one.code, one.reason) for one in prepared.failures]
    rows = np.zeros((len(batch), encoder.space.dimension), np.float16)
    positions = [present[position] for position in prepared.positions]
    if positions:
        vectors = raw_vectors(encoder, prepared)
        steering = [one for position in positions if (one := batch[position].steering) is not None]
        if steering:
            vectors = encoder.steer(vectors, steering)
        rows[positions] = vectors.astype(np.float16)
    return rows, missing


def _prepared(entries: Iterable[Entry], encoder: Encoder, images: ImageLoader) -> Iterator[tuple[Sequence[Entry], Prepared]]:
    """Batches in order, the next ones being read and decoded meanwhile."""
    waiting: deque[tuple[Sequence[Entry], Future[Prepared]]] = deque()
    with ThreadPoolExecutor(_AHEAD) as threads:
        remaining = iter(entries)
        while batch := tuple(itertools.islice(remaining, _BATCH)):
            items = [entry.item for entry in batch if entry.item is not None]
            waiting.append((batch, threads.submit(encoder.prepare, items, images)))
            if len(waiting) > _AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()


def _failures(directory: Path) -> Iterator[Failure]:
    found = {}
    for line in (directory / "failures.jsonl").read_text().splitlines():
        try:
            one = Failure(**json.loads(line))
        except ValueError:
            continue  # cut off by a kill: the row was computed again afterwards
        found[one.row] = one
    yield from found.values()


def _save(file: Path, array: NDArray[np.generic]) -> None:
    part = file.with_suffix(".part")
    with part.open("wb") as opened:
        np.save(opened, array)
    os.replace(part, file)


def _replace(file: Path, content: bytes) -> None:
    part = file.with_suffix(".part")
    part.write_bytes(content)
    os.replace(part, file)
