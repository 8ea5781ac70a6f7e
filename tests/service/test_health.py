"""What watchers ask: is it there, does it answer, what has it done; and the schema that tells everything."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.service.measuring import Measurements
from app.service.readiness import Readiness
from storage.ownership import instance_of
from tests.folders import picture
from tests.service.houses import SECRET, House, require_problem
from uniir.errors import ModelUnavailable, QueryError, StoreUnavailable, UniirError
from uniir.wire import SearchAnswer, SearchRequest

Fresh = Callable[..., House]


def metrics(one: House) -> dict[tuple[str, ...], float]:
    """Every sample by name and label values."""
    text = one.get("/metrics").text
    families = text_string_to_metric_families(text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_the_process_says_who_it_is_without_telling_its_secret(full: House) -> None:
    answer = full.get("/healthz")
    assert answer.json() == {"status": "ok", "instance": instance_of(SECRET)}
    assert SECRET not in answer.text


def test_ready_means_that_a_search_was_answered(full: House) -> None:
    assert full.get("/readyz").json() == {"status": "ready", "collections": ["default"]}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable("The store is away.", "Start it."), "store-unavailable"),
        (ModelUnavailable("No weights."), "model-unavailable"),
        (QueryError("Odd."), "unavailable"),
    ],
)
def test_not_ready_says_why(full: House, monkeypatch: pytest.MonkeyPatch, error: UniirError, code: str) -> None:
    def fail(request: SearchRequest) -> SearchAnswer:
        raise error

    monkeypatch.setattr(full.service, "search", fail)
    problem = require_problem(full.get("/readyz"), 503, code)
    assert problem["detail"] == error.what
    assert full.get("/healthz").status_code == 200


def test_not_ready_while_the_encoder_is_being_loaded(full: House) -> None:
    readiness = Readiness(full.service)
    readiness.postpone()
    with pytest.raises(ModelUnavailable, match="being loaded"):
        readiness.check()
    readiness.warm()
    assert readiness.check() == ["default"]


def test_an_empty_service_is_ready(fresh: Fresh) -> None:
    assert fresh().get("/readyz").json()["collections"] == []


def test_requests_searches_jobs_and_documents_are_counted(fresh: Fresh) -> None:
    here = fresh({"cat.txt": "a cat", "red.png": picture("red", kind="PNG"), "bad.png": b"no"})
    here.ingest()
    for _ in range(3):
        here.search(text="a cat")
    here.get("/v1/documents/nothing")
    here.get("/v1/nowhere")
    told = metrics(here)
    assert told["uniir_requests_total", "POST", "/v1/search", "200"] == 3
    assert told["uniir_requests_total", "GET", "/v1/documents/{document}", "422"] == 1
    assert told["uniir_requests_total", "GET", "(none)", "404"] == 1
    assert told["uniir_request_seconds_count", "/v1/search"] == 3
    assert told["uniir_search_stage_seconds_count", "encode"] == 3
    assert told["uniir_query_batch_size_count",] == 3
    assert told["uniir_jobs", "done"] == 1
    assert told["uniir_documents", "default", "image", "indexed"] == 1
    assert told["uniir_failed_inputs", "default"] == 1


def test_addresses_that_nobody_knows_make_no_new_series(fresh: Fresh) -> None:
    here = fresh()
    before = set(metrics(here))
    for number in range(20):
        here.get(f"/v1/nowhere/{number}")
        here.client.request(f"ODD{number}", "/healthz")
    new = {name for name in set(metrics(here)) - before if name[0] == "uniir_requests_total"}
    assert len(new) <= 3


def test_two_services_in_one_process_count_for_themselves() -> None:
    one, other = Measurements(), Measurements()
    one.batch(3)
    assert b"uniir_query_batch_size_count 1.0" in one.text()
    assert b"uniir_query_batch_size_count 0.0" in other.text()


def test_the_schema_describes_every_route_and_its_problems(full: House) -> None:
    schema = full.get("/openapi.json").json()
    assert "HTTPValidationError" not in json.dumps(schema)
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], path
            assert "4XX" not in operation["responses"]
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (method, path, status)
                elif status != "304":
                    assert all(content for content in response["content"].values()) or path.endswith(
                        ("thumbnail", "original", "{sha256}", "events", "steps", "metrics")
                    )


def test_every_reference_of_the_schema_leads_somewhere(full: House) -> None:
    text = full.get("/openapi.json").text
    known = json.loads(text)["components"]["schemas"]
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(known)
