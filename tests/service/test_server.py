"""`uniir serve` as a process: ready in seconds, ended in time, and no job lost whatever happens to it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.local.opening import own
from app.service.server import BackgroundServer
from storage.ownership import owner_of
from tests.cli.running import Done, finish, spawn
from tests.folders import lay, picture
from tests.service.houses import SECRET, TREE, settings_of, until

READY_SECONDS = 60.0  # of a very busy machine; bench/page.py measures how long it takes
POLL_SECONDS = 0.2  # each look is a line in a log that nobody reads before the end, and a full pipe would hold the service up
STOP_SECONDS = 15.0  # the service gives itself nine, and a busy machine may take its time to run it


@dataclass(frozen=True, slots=True)
class Running:
    """A service in a process of its own."""

    process: subprocess.Popen[str]
    address: str
    seconds: float  # from the start of the process to its address on stdout

    def get(self, path: str) -> Any:
        return httpx.get(self.address + path, timeout=60).raise_for_status().json()

    def post(self, path: str, value: object) -> Any:
        return httpx.post(self.address + path, json=value, timeout=60).raise_for_status().json()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[Done, float]:
        """Ends it; says how, and after how many seconds."""
        start = time.monotonic()
        self.process.send_signal(how)
        return finish(self.process, 60), time.monotonic() - start


def options(place: Path, **others: object) -> dict[str, object]:
    given = {
        "data_dir": place / "data",
        "encoder": "arithmetic",
        "vector_store": "exact",
        "corpus_roots": json.dumps([str(place / "corpus")]),
        "wait_seconds": 0,
        "workers": 2,
        "threads": 1,
    }
    return {f"UNIIR_{name.upper()}": value for name, value in (given | others).items()}


@contextmanager
def serving(place: Path, *words: object, **others: object) -> Iterator[Running]:
    """`uniir serve` at a free port."""
    start = time.monotonic()
    process = spawn(("serve", "--port", "0", *words), **options(place, **others))
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    try:
        assert address.startswith("http://127.0.0.1:"), process.stderr and process.stderr.read()
        yield Running(process, address, time.monotonic() - start)
    finally:
        if process.poll() is None:
            process.kill()
            finish(process)


def many(count: int) -> dict[str, str | bytes]:
    pictures = {f"{number:04}.jpg": picture(number, (640, 480)) for number in range(count)}
    return {**pictures, **{f"{number:04}-note.txt": f"note {number} about word{number % 50}" for number in range(count)}}


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_within_seconds_and_ends_on_request(tmp_path: Path, how: signal.Signals) -> None:
    with serving(tmp_path) as service:
        assert service.seconds < READY_SECONDS
        assert service.get("/healthz")["status"] == "ok"
        owner = owner_of(tmp_path / "data")
        assert owner is not None
        assert (owner.pid, owner.address, owner.command) == (service.process.pid, service.address, "uniir serve")
        assert (tmp_path / "data" / "owner.json").stat().st_mode & 0o077 == 0
        done, seconds = service.stop(how)
    assert done.code == 0, done.err
    assert seconds < STOP_SECONDS
    assert done.out == ""  # the address was the only line
    assert "Traceback" not in done.err
    assert not (tmp_path / "data" / "owner.json").exists()


@pytest.mark.slow
def test_a_second_service_on_a_directory_is_told_where_the_first_one_is(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        second = finish(spawn(("serve", "--port", "0"), **options(tmp_path)))
    assert second.code == 4
    assert f"process {service.process.pid}" in second.err
    assert service.address in second.err


@pytest.mark.slow
def test_a_port_in_use_is_named_with_a_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = finish(spawn(("serve", "--port", port), **options(tmp_path)))
    assert done.code == 2
    assert f"Port {port}" in done.err
    assert "--port" in done.err
    assert not (tmp_path / "data" / "owner.json").exists()


@pytest.mark.slow
def test_a_network_without_a_token_is_refused(tmp_path: Path) -> None:
    done = finish(spawn(("serve", "--host", "0.0.0.0", "--port", "0"), **options(tmp_path)))
    assert done.code == 2
    assert "token" in done.err


@pytest.mark.slow
def test_behind_every_address_commands_of_this_machine_still_find_it(tmp_path: Path) -> None:
    process = spawn(("serve", "--host", "0.0.0.0", "--port", "0"), **options(tmp_path, token="a token"))
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://0.0.0.0:")
    owner = owner_of(tmp_path / "data")
    assert owner is not None
    assert owner.address is not None
    assert owner.address.startswith("http://127.0.0.1:")
    asked = httpx.get(f"{owner.address}/v1/collections", headers={"Authorization": f"Bearer {owner.secret}", "Host": "a.machine.example"})
    assert asked.status_code == 200
    assert httpx.get(f"{owner.address}/v1/collections").status_code == 401
    process.send_signal(signal.SIGTERM)
    assert finish(process).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("store", ["exact", "milvus"])
def test_a_job_that_was_running_is_finished_by_the_next_service(tmp_path: Path, how: signal.Signals, store: str) -> None:
    corpus = lay(tmp_path / "corpus", many(400))
    with serving(tmp_path, vector_store=store) as service:
        job = service.post("/v1/ingest", {"paths": [str(corpus)]})["id"]
        until(lambda: service.get(f"/v1/ingest/{job}")["progress"]["done"] > 0, pause=POLL_SECONDS)
        done, seconds = service.stop(how)
        assert seconds < STOP_SECONDS
        assert how is signal.SIGKILL or done.code == 0, done.err
        assert "Traceback" not in done.err
    with serving(tmp_path, vector_store=store) as service:
        until(lambda: service.get(f"/v1/ingest/{job}")["state"] == "done", 120, POLL_SECONDS)
        assert sum(service.get("/v1/collections")["collections"][0]["documents"]["indexed"].values()) == 800
        assert service.post("/v1/doctor", {})["findings"] == []
        service.stop()


@pytest.mark.slow
def test_an_open_event_stream_holds_nobody_up(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", many(400))
    with serving(tmp_path) as service:
        job = service.post("/v1/ingest", {"paths": [str(corpus)]})["id"]
        with httpx.stream("GET", f"{service.address}/v1/ingest/{job}/events", timeout=60) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: job"
            done, _ = service.stop()
    assert done.code == 0
    assert "stopping took more than" not in done.err


def test_a_server_in_the_background_answers_while_its_owner_works(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, host="0.0.0.0", token="t", port=1)
    lay(tmp_path / "corpus", TREE)
    with own(settings, "uniir ingest") as service:
        server = BackgroundServer(service, settings, SECRET)
        server.start()
        assert server.address.startswith("http://127.0.0.1:")
        key = {"Authorization": f"Bearer {SECRET}"}
        assert httpx.get(f"{server.address}/v1/collections", headers=key).json()["collections"] == []
        server.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.address}/healthz")
