"""Ingests over HTTP: folders and uploads, followed, cancelled and tried again, while searches go on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.folders import picture
from tests.service.conftest import Gate
from tests.service.houses import House, require_problem, until

Fresh = Callable[..., House]


def notes(count: int, start: int = 0) -> dict[str, str]:
    return {f"notes/{number:05}.txt": f"note {number} about word{number % 50}" for number in range(start, start + count)}


def followed(one: House, job: str) -> Iterator[dict[str, object]]:
    """The events of a job as they come."""
    with one.client.stream("GET", f"/v1/ingest/{job}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in stream.iter_lines() if line and not line.startswith(":")]
    names, data = lines[0::2], lines[1::2]
    assert set(names) == {"event: job"}
    yield from (json.loads(line.removeprefix("data: ")) for line in data)


def test_a_folder_becomes_a_collection(fresh: Fresh) -> None:
    here = fresh({"red.png": picture("red", kind="PNG"), "bad.png": b"no picture", "cat.txt": "a cat"})
    job = here.ingest()
    assert job["state"] == "done"
    assert job["report"]["added"] == 2
    assert [failed["code"] for failed in job["report"]["failed"]] == ["image-unknown"]
    assert set(here.ids()) == {"red.png", "cat.txt"}
    assert here.get("/v1/collections").json()["collections"][0]["documents"]["indexed"] == {"text": 1, "image": 1, "image,text": 0}


def test_what_failed_is_listed_with_a_way_out_and_can_be_put_aside(fresh: Fresh) -> None:
    here = fresh({"bad.png": b"no picture", "deep/worse.png": b"nor this"})
    here.ingest()
    failures = here.get("/v1/failures").json()["failures"]
    assert len(failures) == 2
    assert all(one["way_out"] for one in failures)
    only = here.get("/v1/failures", params={"path": [str(here.corpus / "deep")]}).json()["failures"]
    assert len(only) == 1
    assert here.post("/v1/failures/ignore", {"paths": [str(here.corpus / "deep")]}).json() == {"ignored": 1}
    assert [one["ignored"] for one in here.get("/v1/failures").json()["failures"]].count(True) == 1


def test_progress_comes_as_events_until_the_end(fresh: Fresh) -> None:
    here = fresh(notes(400))
    job = here.post("/v1/ingest", {"paths": [str(here.corpus)]}).json()
    seen = list(followed(here, job["id"]))
    assert seen[-1]["state"] == "done"
    assert seen[-1]["progress"]["done"] == 400  # type: ignore[index]
    assert list(followed(here, job["id"])) == [seen[-1]]


def test_an_unknown_job_is_not_found_and_has_no_stream(full: House) -> None:
    for rest in ("", "/events"):
        require_problem(full.get(f"/v1/ingest/{'0' * 13}{rest}"), 404, "not-found")
    for rest in ("/cancel", "/retry"):
        require_problem(full.post(f"/v1/ingest/{'0' * 13}{rest}"), 404, "not-found")


@pytest.mark.parametrize("job", ["x", "%00", "..%2f..", "a" * 101])
def test_a_job_has_an_id_and_nothing_else(full: House, job: str) -> None:
    assert full.get(f"/v1/ingest/{job}").status_code in (400, 404, 422)


def test_uploaded_files_are_kept_and_found(fresh: Fresh) -> None:
    here = fresh()
    sent = [
        ("files", ("../../../evil.txt", b"an evil cat")),
        ("files", ("C:\\temp\\dog.txt", b"a dog")),
        ("files", ("red.png", picture("red", kind="PNG"))),
    ]
    answer = here.post("/v1/ingest/files", files=sent, data={"collection": "sent"})
    assert answer.status_code == 202, answer.text
    assert here.ended(answer.json()["id"])["report"]["added"] == 3
    hits = here.search(text="an evil cat", collection="sent")["hits"]
    kept = {Path(hit["path"]) for hit in hits}
    assert {one.name for one in kept} == {"evil.txt", "dog.txt", "red.png"}
    assert all(one.is_relative_to(here.settings.uploads_directory) for one in kept)
    assert not list(here.place.rglob("../evil.txt"))
    again = here.post("/v1/ingest", {"paths": [str(next(iter(kept)))], "collection": "sent", "retry": True})
    assert again.status_code == 202, "what was uploaded may be tried again by everybody"


@pytest.mark.parametrize(
    "sent",
    [
        {"files": ("run.exe", b"MZ")},
        {"files": ("..", b"x")},
        {"files": (".txt", b"x")},
        {"files": ("a\0.txt", b"x")},
        {"other": ("a.txt", b"x")},
        {"files": (None, "no file")},
    ],
)
def test_uploads_of_no_use_are_refused(full: House, sent: dict[str, object]) -> None:
    answer = full.post("/v1/ingest/files", files=sent)
    assert answer.status_code in (202, 400, 422), answer.text
    assert answer.status_code != 202 or sent["files"][0] == "a\0.txt"  # type: ignore[index]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"paths": []}, 422),
        ({}, 422),
        ({"paths": "not a list"}, 422),
        ({"paths": ["/x"] * 1001}, 422),
        ({"paths": ["{corpus}"], "collection": "../up"}, 400),
        ({"paths": ["{corpus}"], "collection": ""}, 400),
        ({"paths": ["{corpus}/no such folder"]}, 400),
        ({"paths": ["{corpus}"], "collection": "new", "encoder": "no such encoder"}, 400),
    ],
)
def test_an_ingest_that_can_only_fail_is_refused_at_once(full: House, request_: dict[str, object], status: int) -> None:
    said = json.loads(json.dumps(request_).replace("{corpus}", str(full.corpus)))
    before = len(full.get("/v1/ingest").json()["jobs"])
    answer = full.post("/v1/ingest", said)
    require_problem(answer, status, "invalid-request" if status == 422 else "usage-error")
    assert len(full.get("/v1/ingest").json()["jobs"]) == before


def test_a_cancelled_job_keeps_what_is_done_and_a_retry_does_the_rest(fresh: Fresh, gate: Gate) -> None:
    here = fresh(notes(2000))
    job = here.post("/v1/ingest", {"paths": [str(here.corpus)]}).json()
    assert gate.reached.wait(60)
    assert here.post(f"/v1/ingest/{job['id']}/cancel").status_code == 200
    gate.opened.set()
    assert here.ended(job["id"])["state"] == "cancelled"
    assert 0 < here.get("/v1/collections").json()["collections"][0]["documents"]["indexed"]["text"] < 2000
    again = here.post(f"/v1/ingest/{job['id']}/retry")
    assert again.status_code == 202
    report = here.ended(again.json()["id"])["report"]
    assert report["documents"]["text"] == 2000


def test_who_finds_nothing_hears_of_the_ingest_that_is_at_work(fresh: Fresh, gate: Gate) -> None:
    here = fresh(notes(2000))
    job = here.post("/v1/ingest", {"paths": [str(here.corpus)]}).json()
    assert gate.reached.wait(60)
    answer = here.search(text="a note", path="nowhere/")
    assert answer["hits"] == []
    assert answer["notes"][-1].endswith("An ingest into default is at work: search again when it is done.")
    gate.opened.set()
    assert here.ended(job["id"])["state"] == "done"
    assert "ingest" not in " ".join(here.search(text="a note", path="nowhere/")["notes"])


def test_who_asks_again_with_the_same_key_gets_the_job_that_was_begun(fresh: Fresh) -> None:
    here = fresh({"cat.txt": "a cat"})
    asked = {"paths": [str(here.corpus)], "key": "mine"}
    first = here.ended(here.post("/v1/ingest", asked).json()["id"])
    again = here.post("/v1/ingest", asked)
    assert again.status_code == 202
    assert (again.json()["id"], again.json()["state"]) == (first["id"], "done")
    others = [here.post("/v1/ingest", asked | {"key": key}).json()["id"] for key in (None, None, "another")]
    retried = here.post(f"/v1/ingest/{here.ended(first['id'])['id']}/retry").json()["id"]
    assert len({first["id"], *others, retried}) == 5


def test_collections_are_made_once(fresh: Fresh) -> None:
    here = fresh()
    made = here.post("/v1/collections", {"name": "new"})
    assert made.status_code == 201
    assert made.json()["encoder"] == "arithmetic"
    assert [one["name"] for one in here.get("/v1/collections").json()["collections"]] == ["new"]
    for name in ("../x", "", "a/b", "a\0b", "\u202e"):
        answer = here.post("/v1/collections", {"name": name})
        assert answer.status_code in (400, 422), name


def test_upkeep_over_http(fresh: Fresh) -> None:
    here = fresh(notes(5))
    here.ingest()
    assert [one["count"] for one in here.post("/v1/doctor", {}).json()["findings"]] == []
    assert here.post("/v1/rebuild", {}, headers=here.key).json()["collections"][0]["written"] == 5
    document = here.ids()["00001.txt"]
    said = here.post("/v1/delete", {"ids": [document], "dry_run": True}, headers=here.key).json()
    assert (said["documents"], said["held"]) == (1, 5)
    assert document in here.ids().values()
    here.post("/v1/delete", {"ids": [document]}, headers=here.key)
    assert document not in here.ids().values()
    require_problem(here.post("/v1/delete", {"ids": [document]}, headers=here.key), 404, "not-found")


@pytest.mark.slow
@pytest.mark.parametrize("stores", ["exact", "milvus", "servers"])
def test_searches_are_answered_while_an_ingest_runs(fresh: Fresh, stores: str, request: pytest.FixtureRequest, gate: Gate) -> None:
    settings: dict[str, object] = {"vector_store": stores}
    if stores == "servers":
        address = request.getfixturevalue("milvus_server").address
        settings = {"catalog_url": request.getfixturevalue("postgres"), "vector_store": "milvus", "milvus_uri": address}
        settings["milvus_database"] = f"test_{time.time_ns()}"
    here = fresh({"cat.txt": "a cat sleeps", **notes(500)}, **settings)
    here.ingest(paths=[str(here.corpus / "cat.txt")])
    job = here.post("/v1/ingest", {"paths": [str(here.corpus)]}).json()
    assert gate.reached.wait(60)
    over = threading.Event()
    answered: list[int] = []

    def ask() -> None:
        with httpx.Client(base_url=here.address, timeout=60) as client:
            while not over.is_set():
                answer = client.post("/v1/search", json={"text": "a cat sleeps", "k": 3})
                assert answer.status_code == 200, answer.text
                assert answer.json()["hits"][0]["text"] == "a cat sleeps"
                answered.append(1)

    with ThreadPoolExecutor(32) as pool:
        asking = [pool.submit(ask) for _ in range(32)]
        try:
            until(lambda: len(answered) > 64)
            gate.opened.set()
            assert here.ended(job["id"])["state"] == "done"
        finally:
            over.set()
        for one in asking:
            one.result()


@pytest.mark.slow
@pytest.mark.parametrize("store", ["exact", "milvus"])
def test_searches_are_answered_while_vectors_are_made_anew_and_taken_away(fresh: Fresh, store: str) -> None:
    here = fresh(notes(200), vector_store=store)
    here.ingest()
    over = threading.Event()
    statuses: set[int] = set()

    def ask() -> None:
        with httpx.Client(base_url=here.address, timeout=60) as client:
            while not over.is_set():
                statuses.add(client.post("/v1/search", json={"text": "word7", "k": 3}).status_code)

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask) for _ in range(8)]
        try:
            for path, value in (("rebuild", {}), ("doctor", {"repair": True}), ("rebuild", {}), ("delete", {"whole": True})):
                assert here.post(f"/v1/{path}", value, headers=here.key).status_code == 200
            here.ingest()
        finally:
            over.set()
        for one in asking:
            one.result()
    assert statuses <= {200, 404}


def test_a_job_is_not_looked_at_more_often_because_many_follow_it(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    here = fresh(notes(600))
    looks: list[str] = []
    look = here.service.job
    monkeypatch.setattr(here.service, "job", lambda job: (looks.append(job), look(job))[1])
    start = time.monotonic()
    job = here.post("/v1/ingest", {"paths": [str(here.corpus)]}).json()["id"]
    with ThreadPoolExecutor(20) as pool:
        ends = list(pool.map(lambda _: list(followed(here, job))[-1]["state"], range(20)))
    assert ends == ["done"] * 20
    assert len(looks) < 30 + 10 * (time.monotonic() - start)  # all of them eight times a second, and each one once when it is over
