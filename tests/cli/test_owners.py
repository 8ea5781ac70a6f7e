"""Commands while somebody else owns the directory: the same words and exit codes, through the owner."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from app.local.opening import own
from app.local.service import LocalService
from app.service.hosted import HostedService
from app.service.server import BackgroundServer
from storage.ownership import Ownership, owner_of
from tests.cli.running import Cli, Done, documents, finish, spawn, spawn_held, wait_until
from tests.cli.test_processes import SETTINGS, big, uniir
from tests.folders import lay, picture
from uniir.client import Client
from uniir.errors import ServiceUnavailable
from uniir.settings import Settings, load_settings
from uniir.wire import IngestRequest, JobAnswer, JobState

TREE = {"cat.jpg": picture(1), "dog.jpg": picture(2), "dog.txt": "a dog", "notes/a.md": "first note", "bad.jpg": b"no"}
SECRET = "for this test alone"


@contextmanager
def owner(cli: Cli, answers: Callable[[LocalService], HostedService] = lambda service: service) -> Iterator[LocalService]:
    """A service that owns the directory of the test; `answers` is what others meet of it."""
    settings = load_settings(data_dir=cli.data)
    with own(settings, "uniir serve") as service:
        server = BackgroundServer(answers(service), settings, SECRET)
        server.start()
        service.announce(server.address, SECRET)
        yield service
        server.stop()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No command changes it."""
    return lay(tmp_path_factory.mktemp("read") / "corpus", TREE)


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """A data directory to be copied."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("ingested") / "data", encoder="arithmetic", vector_store="exact")
    with own(settings, "a test") as service:
        *_, last = service.follow(service.start_own_ingest(IngestRequest(paths=[str(corpus)], collection="default")).id)
    assert last.report is not None
    assert len(last.report.failed) == 1
    return settings.data_dir


@pytest.fixture
def ready(uniir: Cli, ingested: Path) -> Cli:
    _copy(ingested, uniir.data)
    return uniir


def serves(data: Path) -> bool:
    found = owner_of(data)
    return found is not None and found.address is not None


def plain(text: str) -> str:
    """Without the times, which are other ones each time."""
    text = re.sub(r'"timings_ms": \{[^}]*\}', "", text)
    return re.sub(r"in \d+\.\d+ s|\d{4}-\d\d-\d\dT[^\"]*|\"(seconds|documents_per_second)\": [\d.]+", "", text)


def told(done: Done) -> tuple[int, str, str]:
    return done.code, plain(done.out), plain(done.err)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("search", "a dog"),
        ("search", "a dog", "--json", "-k", "3", "--not", "a cat"),
        ("search", "a dog", "--path", "notes"),
        ("search", "--image", "CORPUS/cat.jpg", "--json"),
        ("search", "--image", "CORPUS/bad.jpg"),
        ("search", "--image", "CORPUS/nowhere.jpg"),
        ("search", "x", "--instruction", "find-picture"),
        ("search", "--like", "0000000000001"),
        ("search", "x", "--collection", "nowhere"),
        ("status", "--json"),
        ("doctor",),
        ("doctor", "--collection", "nowhere"),
        ("rebuild",),
        ("ingest", "CORPUS"),
        ("ingest", "CORPUS", "--json"),
        ("ingest", "CORPUS", "--dry-run"),
        ("ingest", "CORPUS", "--encoder", "starter"),
        ("ingest", "CORPUS", "--collection", "a b"),
        ("ingest", "CORPUS/nowhere"),
        ("failures", "list"),
        ("failures", "retry", "--json"),
        ("delete", "--yes"),
        ("delete", "0000000000000", "--yes"),
        ("delete", "--path", "/nowhere", "--yes"),
        ("delete", "--path", "CORPUS/notes", "--yes"),
        ("delete", "--all", "--yes"),
    ],
    ids=" ".join,
)
def test_a_command_says_the_same_with_and_without_an_owner(ready: Cli, corpus: Path, words: tuple[str, ...], tmp_path: Path) -> None:
    command = [word.replace("CORPUS", str(corpus)) for word in words]
    backup = tmp_path / "as it was"
    _copy(ready.data, backup)
    alone = told(ready(*command))
    _copy(backup, ready.data)
    with owner(ready):
        through = told(ready(*command))
    assert through == alone
    assert "Traceback" not in alone[2]


def _copy(source: Path, target: Path) -> None:
    import shutil

    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def test_what_is_ingested_through_an_owner_is_found_at_once(uniir: Cli, corpus: Path) -> None:
    with owner(uniir) as service:
        done = uniir("ingest", corpus, "--json")
        assert (done.code, done.json["added"], len(done.json["failed"])) == (3, 3, 1)
        assert "a dog" in uniir("search", "a dog").out
        (job,) = service.jobs().jobs
        assert (job.state, job.paths) == (JobState.DONE, [str(corpus)])


def test_an_ingest_whose_beginning_nobody_heard_of_is_begun_once(uniir: Cli, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start, left = Client.start_ingest, iter([True])

    def unheard(client: Client, request: IngestRequest) -> JobAnswer:
        answer = start(client, request)
        if next(left, False):
            raise ServiceUnavailable("The connection broke off.")
        return answer

    monkeypatch.setattr(Client, "start_ingest", unheard)
    uniir.set("wait_seconds", 60)
    with owner(uniir) as service:
        done = uniir("ingest", corpus, "--json")
        assert (done.json["added"], len(done.json["failed"])) == (3, 1)
        assert len(service.jobs().jobs) == 1


class Mute:
    """A service that ends before anybody has heard how a job ended."""

    def __init__(self, service: LocalService, followed: threading.Event) -> None:
        self._service = service
        self._followed = followed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)

    def job(self, job: str) -> JobAnswer:
        self._followed.set()
        return self._service.job(job).model_copy(update={"state": JobState.RUNNING, "report": None, "problem": None})


@pytest.mark.slow
def test_an_ingest_that_an_owner_finished_before_it_was_gone_is_done_once_and_reported(uniir: Cli, corpus: Path) -> None:
    uniir.set("wait_seconds", 60)
    answers, followed = threading.Event(), threading.Event()

    def own_until_the_job_is_over() -> None:
        with owner(uniir, lambda service: cast(HostedService, Mute(service, followed))) as service:
            answers.set()
            while not (followed.is_set() and any(job.is_over for job in service.jobs().jobs)):
                time.sleep(0.02)

    other = threading.Thread(target=own_until_the_job_is_over)
    other.start()
    assert answers.wait(60)
    done = uniir("ingest", corpus, "--json")
    other.join()
    assert (done.code, done.json["added"], len(done.json["failed"])) == (3, 3, 1)
    assert "going on" not in done.err
    with own(load_settings(data_dir=uniir.data), "a test") as service:
        assert [job.state for job in service.jobs().jobs] == [JobState.DONE]


class Closing:
    """A service that takes no job any more."""

    def __init__(self, service: LocalService, asked: Callable[[], None]) -> None:
        self._service = service
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)

    def start_ingest(self, request: IngestRequest) -> JobAnswer:
        self._asked()
        raise ServiceUnavailable("The service is about to end.", "Ask again in a moment.")


@pytest.mark.slow
def test_an_ingest_waits_for_an_owner_that_is_about_to_end_however_long_that_takes(uniir: Cli, corpus: Path) -> None:
    uniir.set("wait_seconds", 60)
    answers, over, asked = threading.Event(), threading.Event(), Counter[str]()

    def own_for_a_while() -> None:
        with owner(uniir, lambda service: cast(HostedService, Closing(service, lambda: asked.update(["once"])))):
            answers.set()
            while asked["once"] < 8 and not over.wait(0.02):
                pass

    other = threading.Thread(target=own_for_a_while)
    other.start()
    assert answers.wait(60)
    done = uniir("ingest", corpus, "--json")
    over.set()
    other.join()
    assert done.code == 3, done.err
    assert done.json["added"] == 3


def test_an_owner_that_does_not_serve_is_waited_for_and_named(ready: Cli) -> None:
    with Ownership(ready.data, "uniir doctor", wait_seconds=0):
        done = ready("search", "a dog")
    assert done.code == 4
    assert "`uniir doctor`" in done.err
    assert ready("search", "a dog").code == 0


def test_a_stranger_at_the_owner_s_address_hears_no_secret(ready: Cli, tmp_path: Path) -> None:
    elsewhere = load_settings(data_dir=tmp_path / "other")
    with own(elsewhere, "uniir serve") as stranger:
        server = BackgroundServer(stranger, elsewhere, "the stranger's own")
        server.start()
        with Ownership(ready.data, "uniir serve", wait_seconds=0) as ownership:
            ownership.announce(server.address, SECRET)
            assert ready("search", "a dog").code == 4
        server.stop()


def test_an_address_that_a_dead_owner_left_fools_nobody(ready: Cli) -> None:
    (ready.data / "owner.json").write_text(
        json.dumps({"pid": 1, "command": "uniir serve", "since": "long ago", "address": "http://127.0.0.1:9", "secret": "x"})
    )
    assert ready("search", "a dog").code == 0


@pytest.mark.slow
def test_a_running_ingest_answers_searches_and_does_the_ingests_of_others(tmp_path: Path) -> None:
    corpus, data = lay(tmp_path / "corpus", big(600)), tmp_path / "data"
    other = lay(tmp_path / "other", {"boat.txt": "a blue boat"})
    ingest = spawn_held(tmp_path / "gate", 1, ("ingest", corpus), UNIIR_DATA_DIR=data, **SETTINGS)
    wait_until(lambda: serves(data), ingest)
    search = uniir("search", "note", "--json", data=data, UNIIR_WAIT_SECONDS=60)
    assert search.code == 0, search.err
    second = spawn(("ingest", other, "--json"), UNIIR_DATA_DIR=data, UNIIR_WAIT_SECONDS=60, **SETTINGS)
    (tmp_path / "gate").unlink()
    assert finish(ingest, 300).code == 0
    done = finish(second, 300)
    assert done.code == 0, done.err
    assert done.json["added"] == 1
    assert "a blue boat" in uniir("search", "a blue boat", data=data).out
    assert uniir("doctor", data=data).code == 0


@pytest.mark.slow
def test_an_ingest_goes_on_when_the_service_that_did_it_is_killed(tmp_path: Path) -> None:
    corpus, data = lay(tmp_path / "corpus", big(300)), tmp_path / "data"
    service = spawn_held(tmp_path / "gate", 1, ("serve", "--port", 0), UNIIR_DATA_DIR=data, **SETTINGS)
    wait_until(lambda: serves(data), service)
    ingest = spawn(("ingest", corpus, "--json"), UNIIR_DATA_DIR=data, **SETTINGS)
    wait_until((tmp_path / "followed").exists, ingest)
    wait_until(lambda: documents(data) > 0, ingest)
    service.send_signal(signal.SIGKILL)
    finish(service)
    done = finish(ingest, 300)
    assert done.code == 0, done.err
    assert sum(done.json["documents"].values()) == 600
    assert "going on" in done.err
    assert uniir("doctor", data=data).code == 0


@pytest.mark.slow
def test_a_service_that_is_stopped_or_killed_loses_no_job(tmp_path: Path) -> None:
    corpus, data = lay(tmp_path / "corpus", big(300)), tmp_path / "data"
    settings = load_settings(data_dir=data, encoder="arithmetic")
    with own(settings, "a test") as local:
        job = local.start_ingest(IngestRequest(paths=[str(corpus)])).id
    for how in (signal.SIGTERM, signal.SIGKILL):
        service = spawn(("serve", "--port", 0), UNIIR_DATA_DIR=data, **SETTINGS)
        wait_until(lambda: serves(data), service)
        service.send_signal(how)
        finish(service)
    with own(settings, "a test") as local:
        local.resume_jobs()
        *_, last = local.follow(job)
        assert last.state is JobState.DONE
        assert last.report is not None
        assert sum(last.report.documents.values()) == 600
