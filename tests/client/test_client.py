"""uniir.connect against a real service."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import uniir
from app.local.service import LocalService
from app.service.server import BackgroundServer
from tests.folders import lay, picture
from tests.local.places import ingested, local_service
from uniir.client import Client
from uniir.errors import NotAllowed, NotFound, QueryError, ServiceUnavailable, UsageError
from uniir.wire import (
    DeleteRequest,
    DoctorRequest,
    ExplainRequest,
    FailureSelection,
    IngestRequest,
    JobState,
    JudgmentRequest,
    NewCollection,
    RebuildRequest,
    ScoringRequest,
    SearchRequest,
)

TREE = {"cat.jpg": picture(1), "dog.jpg": picture(2), "dog.txt": "a dog", "notes/a.md": "first note", "bad.jpg": b"no"}
SECRET = "for this test alone"


@dataclass(frozen=True)
class House:
    service: LocalService
    server: BackgroundServer
    client: Client
    corpus: Path


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A service with a small collection, and its client."""
    corpus = lay(tmp_path / "corpus", TREE)
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        server = BackgroundServer(service, service.settings, SECRET)
        server.start()
        with uniir.connect(server.address, SECRET) as client:
            yield House(service, server, client, corpus)
        server.stop()


def test_judgments_go_over_the_wire_with_their_pictures(house: House, tmp_path: Path) -> None:
    here, there = house.service, house.client
    question = tmp_path / "question.png"
    question.write_bytes(picture(7))
    document = there.search(SearchRequest(k=1), question).hits[0].id
    given = there.judge(JudgmentRequest(search=SearchRequest(k=1), document=document, grade=2), question)
    assert there.judgments() == here.judgments()
    assert there.judgments().judgments == [given]
    again = there.search(SearchRequest(), question).hits[0]
    assert again.judgment is not None
    assert (again.judgment.id, again.judgment.grade) == (given.id, 2)
    scored = there.score_judgments(ScoringRequest())
    assert there.scorings().scorings == [scored.model_copy(update={"searches": []})]
    assert [one.first_right for one in scored.searches] == [1]
    assert there.forget_judgment(given.id) == given
    with pytest.raises(NotFound, match="no judgment"):
        there.forget_judgment(given.id)


def test_every_question_is_answered_as_by_the_service_itself(house: House) -> None:
    here, there = house.service, house.client
    search = SearchRequest(text="a dog", k=3)
    hits = there.search(search).hits
    assert hits == here.search(search).hits
    assert there.search_for("a dog", k=3, complement=True).hits == here.search(search.model_copy(update={"complement": True})).hits
    pair = next(hit.id for hit in hits if hit.path.endswith("dog.jpg"))
    assert there.document(pair) == here.document(pair)
    assert there.thumbnail(pair) == here.thumbnail(pair, 256).read_bytes()
    assert there.original(pair) == (house.corpus / "dog.jpg").read_bytes()
    assert there.explain(ExplainRequest(search=search, document=pair)) == here.explain(ExplainRequest(search=search, document=pair))
    assert there.examples() == list(here.examples())
    assert there.instructions() == here.instructions()
    assert there.collections() == here.collections()
    assert there.failures(FailureSelection()) == here.failures(FailureSelection())
    assert there.failures(FailureSelection(paths=["/elsewhere"])).failures == []
    assert there.jobs() == here.jobs()
    assert there.doctor(DoctorRequest()).findings == here.doctor(DoctorRequest()).findings
    assert there.rebuild(RebuildRequest()).collections[0].written == 3
    assert there.ignore_failures(FailureSelection()) == 1
    assert there.delete(DeleteRequest(ids=[pair])).documents == 1
    assert there.create_collection(NewCollection(name="other")).name == "other"


def test_a_script_asks_with_plain_values(house: House) -> None:
    for image in (house.corpus / "cat.jpg", str(house.corpus / "cat.jpg"), (house.corpus / "cat.jpg").read_bytes()):
        hits = house.client.search_for(image=image, target="image", k=1).hits
        assert [hit.path for hit in hits] == [str(house.corpus / "cat.jpg")]
    found = house.client.search_for("a dog", path="notes", rerank="off")
    assert [hit.path for hit in found.hits] == [str(house.corpus / "notes/a.md")]


def test_errors_come_back_as_the_same_classes_with_the_same_words(house: House) -> None:
    for error, said, ask in (
        (QueryError, "find-pictures", lambda: house.client.search_for("x", instruction="find-picture")),
        (QueryError, "empty", house.client.search_for),
        (QueryError, "video", lambda: house.client.search_for("x", target="video")),
        (QueryError, r"nowhere\.jpg.*No such file", lambda: house.client.search_for(image="nowhere.jpg")),
        (QueryError, r"bad\.jpg.*no image", lambda: house.client.search_for(image=house.corpus / "bad.jpg")),
        (NotFound, "'nowhere'", lambda: house.client.search_for("x", collection="nowhere")),
        (NotFound, "0000000000000", lambda: house.client.document("0000000000000")),
        (NotFound, "0000000000000", lambda: list(house.client.follow("0000000000000"))),
        (UsageError, "/nowhere", lambda: house.client.start_ingest(IngestRequest(paths=["/nowhere"]))),
    ):
        with pytest.raises(error, match=said):
            ask()


def test_without_the_secret_nothing_is_destroyed(house: House) -> None:
    with uniir.connect(house.server.address) as visitor:
        assert visitor.search_for("a dog").hits
        with pytest.raises(NotAllowed):
            visitor.delete(DeleteRequest(whole=True))
        with pytest.raises(NotAllowed):
            visitor.start_ingest(IngestRequest(paths=[str(house.corpus)]))


def test_files_are_sent_and_their_job_followed(house: House) -> None:
    job = house.client.ingest_files([("boat.jpg", picture(5)), ("boat.txt", b"a blue boat")])
    seen = list(house.client.follow(job.id))
    assert seen[-1].state is JobState.DONE
    assert house.client.search_for("a blue boat", k=1).hits[0].text == "a blue boat"


def test_many_threads_share_one_client(house: House) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(house.client.search_for("a dog").hits))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [3] * 8


def test_a_service_that_is_gone_is_said_to_be(house: House) -> None:
    assert house.client.search_for("a dog").hits
    house.server.stop()
    with pytest.raises(ServiceUnavailable, match=r"127\.0\.0\.1"):
        house.client.search_for("a dog")


@contextmanager
def something_else() -> Iterator[str]:
    """A web server that is no service of ours."""
    server = http.server.HTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, *_: object) -> None:
        pass


def test_what_is_no_service_is_said_to_be_none() -> None:
    with something_else() as address, uniir.connect(address) as client, pytest.raises(ServiceUnavailable, match="no uniir service"):
        client.collections()


@pytest.mark.parametrize("address", ["", "localhost:8765", "ftp://x", "http://", "nonsense"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        uniir.connect(address)


def test_connecting_loads_neither_model_nor_store() -> None:
    code = "import uniir, sys; uniir.connect('http://127.0.0.1:1').close(); print(*sorted(sys.modules))"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert "httpx" in loaded
    assert not loaded & {"sqlalchemy", "pymilvus", "faiss", "onnxruntime", "fastapi", "streamlit"}
