"""Searches over HTTP: the same answers as anywhere, for words, pictures and both."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from search.reranking import RerankStage
from tests.folders import picture
from tests.service.houses import House, require_problem
from uniir.documents import Document
from uniir.queries import Query
from uniir.wire import FacetsAnswer, SearchAnswer, SearchRequest


def names(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [hit["path"].rsplit("/", 1)[-1] for hit in answer["hits"]]


def test_words_find_what_they_name(full: House) -> None:
    answer = full.search(text="a cat", k=2)
    assert names(answer)[0] == "cat.md"
    assert answer["collection"] == "default"
    assert answer["instruction"]["chosen"] is True
    assert set(answer["timings_ms"]) >= {"encode", "search", "total"}


def test_the_answer_is_that_of_the_service_behind_it(full: House) -> None:
    request = {"text": "a boat", "k": 5, "not": ["red"], "target": "image,text", "weights": {"text": 2.0}}
    over_http = SearchAnswer.model_validate(full.search(**request))
    here = full.service.search(SearchRequest.model_validate(request))
    assert over_http.model_copy(update={"timings_ms": {}}) == here.model_copy(update={"timings_ms": {}})


def test_a_filter_holds_over_http_and_says_where_it_can_not_be_read(full: House) -> None:
    assert names(full.search(text="a cat", where='path:"*.txt" -path:cat.md -path:page*')) == ["dog.txt"]
    assert "character 3" in require_problem(full.post("/v1/search", json={"text": "x", "where": "a=)"}), 422, "query-error")["detail"]
    assert full.post("/v1/search", json={"text": "x", "where": "x" * 4001}).status_code == 422


def test_what_can_be_narrowed_by_is_counted(full: House) -> None:
    answer = full.client.get("/v1/facets", params={"where": "path:*.txt"})
    assert FacetsAnswer.model_validate(answer.json()) == full.service.facets(where="path:*.txt")
    assert sum(one["count"] for one in answer.json()["modalities"]) == answer.json()["documents"] > 0
    require_problem(full.client.get("/v1/facets", params={"where": "a="}), 422, "query-error")


@pytest.mark.parametrize(("moment", "before"), [(0.0, ["pending"]), (60.0, [])])
def test_a_search_in_steps_gives_the_first_order_where_reading_takes_a_while(
    full: House, monkeypatch: pytest.MonkeyPatch, moment: float, before: list[str]
) -> None:
    monkeypatch.setattr("search.reranking._MOMENT", moment)
    told, steps, read = threading.Event(), full.service.search_in_steps, RerankStage._probabilities

    def stepping(request: SearchRequest) -> Iterator[SearchAnswer]:
        for step in steps(request):
            told.set()
            yield step

    def reading(stage: RerankStage, query: Query, documents: Sequence[Document]) -> object:
        if before:
            told.wait(60)  # no sooner than the first order was told
        return read(stage, query, documents)

    monkeypatch.setattr(full.service, "search_in_steps", stepping)
    monkeypatch.setattr(RerankStage, "_probabilities", reading)
    request = {"text": "a boat", "k": 5, "target": "text", "rerank": "on"}
    answer = full.post("/v1/search/steps", json=request)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [
        SearchAnswer.model_validate_json(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data:")
    ]
    assert events[-1].model_copy(update={"timings_ms": {}}) == SearchAnswer.model_validate(full.search(**request)).model_copy(
        update={"timings_ms": {}}
    )
    assert [one.rerank.state for one in events[:-1]] == before
    require_problem(full.post("/v1/search/steps", json={"text": " "}), 422, "query-error")


def test_a_picture_comes_as_a_part_of_a_form(full: House) -> None:
    sent = picture("red", (40, 40), kind="PNG")
    parts = {"request": (None, json.dumps({"k": 1}), "application/json"), "image": ("mine.png", sent, "image/png")}
    answer = full.post("/v1/search", files=parts).json()
    assert names(answer) == ["red.png"]
    assert answer["query"]["image"] == hashlib.sha256(sent).hexdigest()


def test_a_kept_picture_is_named_by_its_hash(full: House) -> None:
    kept = full.post("/v1/images", files={"image": ("x.png", picture("blue", (300, 600), kind="PNG"))}).json()
    assert (kept["width"], kept["height"]) == (300, 600)
    assert names(full.search(image=kept["id"], target="image,text", k=1)) == ["boat.png"]
    thumbnail = full.get(f"/v1/images/{kept['id']}")
    assert thumbnail.headers["content-type"] == "image/jpeg"
    assert "immutable" in thumbnail.headers["cache-control"]


def test_a_hit_can_be_explained(full: House) -> None:
    search = {"text": "a blue boat", "k": 3}
    hit = full.search(**search)["hits"][0]
    explanation = full.post("/v1/explain", {"search": search, "document": hit["id"]}).json()
    total = sum(term["value"] for term in explanation["terms"]) + explanation["modality"]
    assert total == pytest.approx(hit["score"], abs=1e-5)


def test_instructions_and_examples_are_told(full: House) -> None:
    instructions = full.get("/v1/instructions").json()["instructions"]
    assert full.search(text="a cat", instruction=instructions[0]["id"])["instruction"]["id"] == instructions[0]["id"]
    examples = full.get("/v1/examples").json()
    assert examples
    assert examples == full.get("/v1/examples", params={"collection": "default"}).json()


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({}, 422, "query-error"),
        ({"text": " "}, 422, "query-error"),
        ({"text": "a\0b"}, 422, "query-error"),
        ({"text": "a", "k": 0}, 422, "invalid-request"),
        ({"text": "a", "k": 10**9}, 422, "invalid-request"),
        ({"text": "a", "k": "many"}, 422, "invalid-request"),
        ({"text": "a", "knn": 3}, 422, "invalid-request"),
        ({"text": "a" * 20_001}, 422, "invalid-request"),
        ({"text": "a", "weights": {"text": -1}}, 422, "invalid-request"),
        ({"text": "a", "like": ["../../etc/passwd"]}, 422, "invalid-request"),
        ({"text": "a", "like": ["0000000000000"]}, 422, "query-error"),
        ({"text": "a", "like": ["ZZZZZZZZZZZZZ"]}, 400, "usage-error"),
        ({"text": "a", "image": "../../etc/passwd"}, 422, "invalid-request"),
        ({"text": "a", "image": "0" * 64}, 404, "not-found"),
        ({"text": "a", "collection": "no such"}, 404, "not-found"),
        ({"text": "a", "instruction": "no such"}, 422, "query-error"),
        ([1, 2], 422, "invalid-request"),
    ],
)
def test_a_search_that_can_not_be_is_refused_in_words(full: House, request_: object, status: int, code: str) -> None:
    require_problem(full.post("/v1/search", request_), status, code)


@pytest.mark.parametrize("body", [b"", b"{", b'{"text": NaN}', b"[" * 100_000, b'{"text": "\\ud800"}', b'{"text": "\xff"}', b"null"])
def test_what_is_no_json_is_refused(full: House, body: bytes) -> None:
    answer = full.client.post("/v1/search", content=body, headers={"Content-Type": "application/json"})
    require_problem(answer, 422, "invalid-request")


def test_weights_that_are_no_numbers_are_refused(full: House) -> None:
    body = b'{"text": "a", "weights": {"text": Infinity}}'
    require_problem(full.client.post("/v1/search", content=body, headers={"Content-Type": "application/json"}), 422, "invalid-request")


@pytest.mark.parametrize(
    "parts", [{"image": ("x.png", b"")}, {"request": (None, "{}")}, {"request": (None, "{}"), "image": (None, "text")}]
)
def test_a_form_without_its_parts_is_refused(full: House, parts: dict[str, object]) -> None:
    require_problem(full.post("/v1/search", files=parts), 400, "invalid-request")


def test_a_form_whose_request_is_no_json_is_refused(full: House) -> None:
    parts = {"request": (None, "no json"), "image": ("x.png", picture("red"))}
    require_problem(full.post("/v1/search", files=parts), 422, "invalid-request")


@pytest.mark.parametrize("content", [b"", b"no picture", picture(1, (64, 64))[:400], b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_picture_is_refused(full: House, content: bytes) -> None:
    require_problem(full.post("/v1/images", files={"image": ("x.png", content)}), 422, "query-error")


def test_many_search_at_once_and_each_gets_his_own_answer(full: House) -> None:
    words = {"cat": "cat.md", "barks": "dog.txt", "blue": "boat.png", "script": "page.txt"}

    def ask(number: int) -> bool:
        word = list(words)[number % len(words)]
        return names(full.search(text=word, k=1)) == [words[word]]

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(ask, range(200)))
