"""Judgments over HTTP."""

from __future__ import annotations

from tests.service.houses import House, require_problem

SEARCH = {"text": "a cat"}


def test_a_grade_is_given_listed_shown_and_taken_back(full: House) -> None:
    cat = full.ids()["cat.md"]
    given = full.post("/v1/judgments", {"search": SEARCH, "document": cat, "grade": 1}).json()
    assert (given["document"], given["grade"], given["query"]["instruction"]["id"]) == (cat, 1, "find-anything")
    again = full.post("/v1/judgments", {"search": {**SEARCH, "k": 3}, "document": cat, "grade": 0}).json()
    assert again["id"] == given["id"]
    assert [one["grade"] for one in full.get("/v1/judgments").json()["judgments"]] == [0]
    hit = next(one for one in full.search(**SEARCH)["hits"] if one["id"] == cat)
    assert hit["judgment"] == {"id": given["id"], "grade": 0}
    assert full.client.delete(f"/v1/judgments/{given['id']}").json()["grade"] == 0
    assert full.get("/v1/judgments").json()["judgments"] == []
    require_problem(full.client.delete(f"/v1/judgments/{given['id']}"), 404, "not-found")


def test_scoring_wants_the_secret_and_is_remembered(full: House) -> None:
    given = full.post("/v1/judgments", {"search": SEARCH, "document": full.ids()["cat.md"], "grade": 1}).json()
    require_problem(full.post("/v1/judgments/score", {}), 401, "unauthorized")
    made = full.post("/v1/judgments/score", {}, headers=full.key)
    assert made.status_code == 200, made.text
    assert full.get("/v1/judgments/scorings").json()["scorings"][-1] == {**made.json(), "searches": []}
    full.client.delete(f"/v1/judgments/{given['id']}")
    require_problem(full.post("/v1/judgments/score", {}, headers=full.key), 400, "usage-error")


def test_calibrating_wants_the_secret(full: House) -> None:
    require_problem(full.post("/v1/judgments/calibrate", {}), 401, "unauthorized")
    require_problem(full.post("/v1/judgments/calibrate", {"pairs": 3}, headers=full.key), 422, "invalid-request")
    require_problem(full.post("/v1/judgments/calibrate", {"reranker": "nonsense"}, headers=full.key), 400, "usage-error")


def test_what_makes_no_sense_is_refused(full: House) -> None:
    cat = full.ids()["cat.md"]
    require_problem(full.post("/v1/judgments", {"search": SEARCH, "document": cat, "grade": 11}), 422, "invalid-request")
    require_problem(full.post("/v1/judgments", {"search": {}, "document": cat, "grade": 1}), 422, "query-error")
    require_problem(full.post("/v1/judgments", {"search": SEARCH, "document": "0" * 13, "grade": 1}), 404, "not-found")
    require_problem(full.post("/v1/judgments", {"search": {"image": "0" * 64}, "document": cat, "grade": 1}), 404, "not-found")
    require_problem(full.client.delete("/v1/judgments/0"), 422, "invalid-request")


def test_another_sites_page_can_not_take_a_judgment_back(full: House) -> None:
    answer = full.client.delete("/v1/judgments/1", headers={"Origin": "http://elsewhere.example"})
    require_problem(answer, 403, "forbidden")
