"""Two services, as commands start them, on one Postgres and one Milvus server: everything through either, and either may die."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import uniir
from tests.cli.running import Done, finish, spawn, spawn_held
from tests.folders import lay, picture
from tests.servers.milvus import MilvusServer
from tests.service.houses import until
from uniir.client import Client
from uniir.wire import IngestRequest, JobState, SearchRequest

_PATIENCE = 120.0
_TOKEN = "a token of the test"


def settings_of(place: Path, postgres: str, milvus: MilvusServer) -> dict[str, object]:
    """Of both services: they share the directory, and nobody owns it."""
    return {
        "UNIIR_CATALOG_URL": postgres,
        "UNIIR_MILVUS_URI": milvus.address,
        "UNIIR_VECTOR_STORE": "milvus",
        "UNIIR_DATA_DIR": place / "data",
        "UNIIR_ENCODER": "arithmetic",
        "UNIIR_LEASE_SECONDS": 3,
        "UNIIR_TOKEN": _TOKEN,
        "UNIIR_PORT": 0,
        "UNIIR_WAIT_SECONDS": 30,
        "UNIIR_WORKERS": 2,
        "UNIIR_THREADS": 1,
    }


@contextmanager
def served(process: subprocess.Popen[str]) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, (line, process.stderr.read() if process.stderr else "")
        address = next(word.rstrip(".,") for word in line.split() if word.startswith("http://"))
        with uniir.connect(address, _TOKEN) as client:
            yield process, client
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            finish(process, 60)
    finally:
        with process:  # closes its pipes
            process.kill()


def run(*words: object, **settings: object) -> Done:
    return finish(spawn(words, **settings))


@pytest.mark.slow
def test_two_services_share_the_work_and_one_goes_on_where_the_other_died(
    tmp_path: Path, postgres: str, milvus_server: MilvusServer
) -> None:
    corpus = lay(tmp_path / "corpus", {f"{number}.jpg": picture(number, (720, 540)) for number in range(150)})
    lay(corpus, {"boat.txt": "a blue boat"})
    settings = settings_of(tmp_path, postgres, milvus_server)
    held = spawn_held(tmp_path / "gate", 1, ["serve"], **settings)
    with served(held) as (first, one), served(spawn(["serve"], **settings)) as (_, other):
        job = one.start_ingest(IngestRequest(paths=[str(corpus)])).id
        until(lambda: other.job(job).state is not JobState.WAITING, _PATIENCE, 0.1)
        os.kill(first.pid, signal.SIGKILL)
        *_, last = other.follow(job)
        assert last.state is JobState.DONE, last
        assert other.search(SearchRequest(text="a blue boat", k=1)).hits[0].path == str(corpus / "boat.txt")
        found = run("search", "a blue boat", "--json", **settings)
        assert found.json["hits"][0]["path"] == str(corpus / "boat.txt"), "a command needs no owner"
        again = run("ingest", corpus, "--json", **settings)
        assert (again.json["unchanged"], again.json["added"]) == (151, 0)
        assert run("doctor", **settings).code == 0
        assert not (tmp_path / "data" / "owner.lock").exists()
