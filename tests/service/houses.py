"""A service as people meet it: a real server at a loopback port over real stores, with the arithmetic encoder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.local.opening import own
from app.local.service import LocalService
from app.service.application import create_app
from app.service.measuring import Measurements
from app.service.server import ServerThread
from app.service.sockets import listen
from search.batching import BatchedEncoding
from tests.folders import Tree, lay, picture
from tests.worlds import open_fresh_catalog
from uniir.settings import Settings

SECRET = "the secret of this owner"
TREE: Tree = {
    "red.png": picture("red", kind="PNG"),
    "boat.png": picture("blue", (640, 400), kind="PNG"),
    "boat.txt": "a blue boat",
    "cat.md": "a cat sleeps",
    "dog.txt": "a dog barks",
    "page.txt": "<script>alert(1)</script> is text",
    "bad.png": b"no picture at all",
}


@dataclass(frozen=True, slots=True)
class House:
    """A running service with a corpus beside it."""

    place: Path
    settings: Settings
    service: LocalService
    address: str
    client: httpx.Client

    @property
    def corpus(self) -> Path:
        return self.place / "corpus"

    @property
    def key(self) -> dict[str, str]:
        """The header of who knows the owner's secret."""
        return {"Authorization": f"Bearer {SECRET}"}

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, value: object = None, **options: Any) -> httpx.Response:
        return self.client.post(path, json=value, **options) if value is not None else self.client.post(path, **options)

    def search(self, **request: object) -> Any:
        answer = self.post("/v1/search", request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ingest(self, **request: object) -> Any:
        """Ingests the corpus, or `paths`, and waits until it is over."""
        answer = self.post("/v1/ingest", {"paths": [str(self.corpus)], **request}, headers=self.key)
        assert answer.status_code == 202, answer.text
        return self.ended(answer.json()["id"])

    def ended(self, job: str, seconds: float = 120) -> Any:
        """The job once it is over."""
        until(lambda: self.get(f"/v1/ingest/{job}").json()["state"] not in ("waiting", "running"), seconds)
        return self.get(f"/v1/ingest/{job}").json()

    def ids(self) -> dict[str, str]:
        """The id of every document that a search finds, by its file's name."""
        hits = self.search(text="anything", k=1000)["hits"]
        return {Path(hit["path"]).name: hit["id"] for hit in hits}


def until(holds: Callable[[], bool], seconds: float = 60, pause: float = 0.02) -> None:
    """Waits until it holds; fails where that takes longer."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"it does not hold after {seconds:.0f} s"
        time.sleep(pause)


def settings_of(place: Path, **others: object) -> Settings:
    given: dict[str, object] = {
        "data_dir": place / "data",
        "encoder": "arithmetic",
        "vector_store": "exact",
        "wait_seconds": 0,
        "rerank_seconds": 60,  # a busy machine may well take the two that are usual
        "workers": 2,
        "threads": 2,
        "corpus_roots": (place / "corpus",),
        **others,
    }
    return Settings(**given)  # type: ignore[arg-type]


@contextmanager
def house(place: Path, tree: Tree | None = None, **others: object) -> Iterator[House]:
    """A house with this corpus; nothing is ingested yet. `others` are settings."""
    lay(place / "corpus", tree or {})
    settings = settings_of(place, **others)
    open_fresh_catalog(settings.catalog_file).close()
    listening = listen("127.0.0.1", 0)
    measurements = Measurements()
    with own(settings, "tests", lambda encoder, images: BatchedEncoding(encoder, images, measurements.batch)) as service:
        server = ServerThread(lambda stopping: create_app(service, settings, SECRET, measurements, stopping=stopping), listening.sockets)
        server.start()
        try:
            with httpx.Client(base_url=listening.address, timeout=60) as client:
                yield House(place.resolve(), settings, service, listening.address, client)
        finally:
            server.stop()
            listening.close()


def require_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Asserts that the answer is a problem in due form, and returns it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.text)
    assert problem["status"] == status
    assert problem["code"] == code, problem
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    return problem
