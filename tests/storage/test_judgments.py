"""Judgments in the catalog, on every database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.sql.judgments.judgments import SqlJudgments
from tests.worlds import World
from uniir.documents import Modality
from uniir.errors import NotFound, UsageError
from uniir.filter_language import read_filter
from uniir.instructions import Instructions, load_instructions
from uniir.judgments import JudgedQuery, Measured, Scoring, require_grade
from uniir.queries import Query, Weights

INSTRUCTIONS = load_instructions()


@pytest.fixture
def place(tmp_path: Path, catalog: str) -> Iterator[World]:
    with World(tmp_path, {"cat.md": "a cat sleeps", "dog.md": "a dog barks"}, catalog=catalog) as world:
        world.ingest()
        yield world


def asked(text: str = "a cat", image: str | None = None) -> JudgedQuery:
    limits = {"path": "a\u00e4/", "where": read_filter("tag=x")}
    query = Query(text=text, target=Modality.TEXT, negatives=("a dog",), weights=Weights(text=2), **limits)  # type: ignore[arg-type]
    return JudgedQuery.of(query, image, INSTRUCTIONS)


def test_what_was_judged_comes_back_as_it_was(place: World) -> None:
    judgments, cat = SqlJudgments(place.engines), place.ids()["cat.md"]
    given = judgments.put(place.record, asked(), cat, 2, None)
    assert judgments.of(place.record) == [given]
    assert judgments.of(place.record)[0].query.key == asked().key
    assert {document: one.grade for document, one in judgments.grades(place.record, asked().key).items()} == {cat: 2}
    assert judgments.grades(place.record, asked("a dog").key) == {}


def test_two_at_once_leave_the_grade_of_one(place: World) -> None:
    judgments, cat = SqlJudgments(place.engines), place.ids()["cat.md"]
    ready = threading.Barrier(4)

    def give(grade: int) -> None:
        ready.wait(60)
        judgments.put(place.record, asked(image="0" * 64), cat, grade, b"a picture")

    threads = [threading.Thread(target=give, args=(grade,)) for grade in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    (left,) = judgments.of(place.record)
    assert left.grade in range(4)


def test_a_picture_is_kept_as_long_as_one_judgment_has_it(place: World) -> None:
    judgments, ids = SqlJudgments(place.engines), place.ids()
    query = asked(image="0" * 64)
    first = judgments.put(place.record, query, ids["cat.md"], 1, b"a picture")
    second = judgments.put(place.record, query, ids["dog.md"], 0, b"a picture")
    judgments.remove(first.id)
    assert judgments.picture("0" * 64) == b"a picture"
    judgments.remove(second.id)
    assert judgments.picture("0" * 64) is None
    with pytest.raises(NotFound):
        judgments.remove(second.id)


def test_a_document_that_goes_takes_its_judgments_along(place: World) -> None:
    judgments, ids = SqlJudgments(place.engines), place.ids()
    judgments.put(place.record, asked(image="0" * 64), ids["cat.md"], 1, b"a picture")
    (place.corpus / "cat.md").unlink()
    place.ingest(prune=True)
    assert judgments.of(place.record) == []
    judgments.put(place.record, asked(), ids["dog.md"], 1, None)
    assert judgments.picture("0" * 64) is None


def test_only_documents_of_the_collection_are_judged(place: World) -> None:
    with pytest.raises(NotFound, match="no document"):
        SqlJudgments(place.engines).put(place.record, asked(), 12345, 1, None)


def test_scorings_come_back_in_the_order_of_time(place: World) -> None:
    judgments = SqlJudgments(place.engines)
    made = [
        Scoring(
            made_at=datetime(2026, month, 1, tzinfo=UTC),
            encoder={"encoder": "arithmetic", "dimension": 115},
            settings={"rerank": "auto"},
            measures={"ndcg@10": Measured(0.123456789012345, 0.1, 0.2)},
            queries=3,
            judgments=7,
            documents=2,
            judged_share=0.3,
        )
        for month in (5, 3, 4)
    ]
    for one in made:
        judgments.keep_scoring(place.record, one)
    assert judgments.scorings(place.record) == [made[1], made[2], made[0]]


def test_a_query_can_be_written_short_and_an_instruction_that_is_gone_stands_as_it_was() -> None:
    short = JudgedQuery.from_json({"text": "a cat", "instruction": "find-texts"}, INSTRUCTIONS)
    assert (short.instruction.target, short.weights, short.negatives) == (Modality.TEXT, Weights(), ())
    assert JudgedQuery.from_json(short.as_json(), Instructions(())) == short


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"text": 3},
        {"text": " "},
        {"text": "a", "weights": {"colour": 1}},
        {"text": "a", "like": ["x"]},
        {"text": "a", "target": "sound"},
    ],
)
def test_what_is_no_query_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        JudgedQuery.from_json(value, INSTRUCTIONS)


@pytest.mark.parametrize("grade", [-1, 11, 1.5, True, "1", None])
def test_what_is_no_grade_is_refused(grade: object) -> None:
    with pytest.raises(UsageError, match="grade"):
        require_grade(grade)
