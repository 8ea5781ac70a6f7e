"""Many searches at once, as an evaluation asks them over HTTP."""

from __future__ import annotations

from encoders.arithmetic import ArithmeticEncoder
from tests.service.houses import House, require_problem

SPACE = ArithmeticEncoder().space.fingerprint


def test_each_is_answered_as_if_it_came_alone(full: House) -> None:
    asked = {"space": SPACE, "k": 3, "queries": [{"text": "a cat sleeps"}, {"image": str(full.corpus / "boat.png")}, {"text": "a dog"}]}
    found = full.post("/v1/search/many", asked, headers=full.key).json()["found"]
    for query, one in zip(("a cat sleeps", None, "a dog"), found, strict=True):
        if query is not None:
            alone = full.search(text=query, k=3, rerank="off")["hits"]
            assert [hit["score"] for hit in one["hits"]] == [hit["score"] for hit in alone]
    assert [len(one["hits"]) for one in found] == [3, 3, 3]


def test_what_can_not_be_used_spoils_none_of_the_others(full: House) -> None:
    asked = {"space": SPACE, "queries": [{"text": " "}, {"image": str(full.corpus / "bad.png")}, {}, {"text": "a cat"}]}
    found = full.post("/v1/search/many", asked, headers=full.key).json()["found"]
    assert [one["hits"] is None for one in found] == [True, True, True, False]
    documents = [{"image": "/nowhere.jpg"}, {}, {"text": "a dog barks"}]
    nearest = full.post("/v1/search/nearest", {"space": SPACE, "documents": documents}, headers=full.key)
    dog = full.ids()["dog.txt"]
    assert (nearest.status_code, nearest.json()) == (200, {"nearest": [None, None, f"1000:{dog}"]})  # as an export of judgments names it


def test_they_want_the_secret_since_they_read_files(full: House) -> None:
    require_problem(full.post("/v1/search/many", {"space": SPACE, "queries": [{"text": "a"}]}), 401, "unauthorized")
    require_problem(full.post("/v1/search/nearest", {"space": SPACE, "documents": [{"text": "a"}]}), 401, "unauthorized")


def test_another_space_than_the_one_that_is_meant_is_refused(full: House) -> None:
    asked = {"space": "0" * 16, "queries": [{"text": "a"}]}
    require_problem(full.post("/v1/search/many", asked, headers=full.key), 400, "usage-error")


def test_what_makes_no_sense_is_refused(full: House) -> None:
    for queries in ([], [{"text": "a", "target": "image"}], [{"image": "a\0b"}], [{"text": "a"}] * 257):
        answer = full.post("/v1/search/many", {"space": SPACE, "queries": queries}, headers=full.key)
        require_problem(answer, 422, "invalid-request")
