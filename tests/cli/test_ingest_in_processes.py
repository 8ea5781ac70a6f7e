"""uniir ingest --processes 2: the same collection, nothing twice, and a process that is killed in the middle."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import numpy as np
import psutil
import pytest

from tests.cli.running import Done, documents, finish, spawn, spawn_held, wait_until
from tests.folders import lay, picture

pytestmark = pytest.mark.slow
Row: TypeAlias = tuple[str, str, str, bytes]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for library in ("torch", "ftfy"):
        pytest.importorskip(library, reason=f"{library} is not installed (extra `models`)")
    from tests.encoders.uniir_family.golden import converted

    return converted("clip_sf", tmp_path_factory.mktemp("spread"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = {f"{number:04}.txt": f"note number {number} about a rocket" for number in range(700)}
    pictures = {f"{number}.jpg": picture(number, (60, 40)) for number in range(40)}
    return lay(tmp_path_factory.mktemp("corpus"), {**texts, **pictures})


def started(corpus: Path, encoder: Path, data: Path, processes: int) -> subprocess.Popen[str]:
    return spawn(("ingest", corpus, "--encoder", encoder, "--processes", processes), **settings(data))


def started_held(gate: Path, corpus: Path, encoder: Path, data: Path) -> subprocess.Popen[str]:
    """In two processes, and standing still after two batches."""
    words = ("ingest", corpus, "--encoder", encoder, "--processes", 2)
    return spawn_held(gate, 2, words, "encoders.processes:SpreadEncoder", **settings(data))


def settings(data: Path) -> Mapping[str, object]:
    chosen = {"DATA_DIR": data, "VECTOR_STORE": "exact", "WORKERS": 2, "THREADS": 2, "DEVICE": "cpu", "DTYPE": "float32"}
    return {"OMP_NUM_THREADS": 1, **{f"UNIIR_{name}": value for name, value in chosen.items()}}


def held(data: Path) -> list[Row]:
    """What the catalog has, without its ids, which are made by the clock."""
    with closing(sqlite3.connect(data / "catalog.sqlite")) as catalog:
        return sorted(
            catalog.execute(
                "select sources.path, coalesce(documents.text, ''), embeddings.state, embeddings.vector from documents "
                "join embeddings on embeddings.document_id = documents.id join sources on sources.id = documents.source_id"
            )
        )


def same(found: list[Row], expected: list[Row]) -> bool:
    """The same documents with the same vectors, up to the last bit of half precision: other threads add up in another order."""
    vectors = [np.stack([np.frombuffer(row[3], np.float16).astype(np.float32) for row in rows]) for rows in (found, expected)]
    return [row[:3] for row in found] == [row[:3] for row in expected] and bool(np.abs(vectors[0] - vectors[1]).max() < 2e-3)


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [child for child in children if "encoders.worker" in child.cmdline()]
    except psutil.NoSuchProcess:
        return []


@pytest.fixture(scope="module")
def expected(corpus: Path, encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    data = tmp_path_factory.mktemp("alone")
    done: Done = finish(started(corpus, encoder, data, 1))
    assert done.code == 0, done.err
    return held(data)


def test_two_processes_make_the_collection_that_one_makes(corpus: Path, encoder: Path, expected: list[Row], tmp_path: Path) -> None:
    done = finish(started(corpus, encoder, tmp_path, 2))
    assert done.code == 0, done.err
    found = held(tmp_path)
    assert len(found) == 740
    assert same(found, expected)


def test_a_process_that_is_killed_in_the_middle_ends_the_run_in_words_and_the_next_run_completes_it(
    corpus: Path, encoder: Path, expected: list[Row], tmp_path: Path
) -> None:
    data, gate = tmp_path / "data", tmp_path / "gate"
    process = started_held(gate, corpus, encoder, data)
    wait_until(lambda: documents(data) > 0, process)
    victim, *_ = workers_of(process)
    os.kill(victim.pid, signal.SIGKILL)
    gate.unlink()
    done = finish(process)
    assert done.code == 4, done.err
    assert "killed by signal 9" in done.err
    assert "goes on from there" in done.err
    assert 0 < documents(data) < len(expected)
    again = finish(started(corpus, encoder, data, 2))
    assert again.code == 0, again.err
    assert same(held(data), expected)


def test_processes_end_with_the_one_that_started_them(corpus: Path, encoder: Path, tmp_path: Path) -> None:
    process = started_held(tmp_path / "gate", corpus, encoder, tmp_path / "data")
    wait_until(lambda: len(workers_of(process)) == 2, process)
    workers = workers_of(process)
    process.kill()
    finish(process)
    gone, left = psutil.wait_procs(workers, timeout=120)
    assert len(gone) == 2
    assert not left
