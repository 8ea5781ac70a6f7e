"""Judgments: given, replaced, taken back, shown again, and what becomes of them when documents or pictures go."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from app.local.service import LocalService
from tests.folders import lay, picture
from tests.local.places import ingested, local_service
from uniir.errors import NotFound, QueryError, UsageError
from uniir.wire import DeleteRequest, HitAnswer, JudgmentRequest, QueryWeights, ScoringRequest, SearchRequest

TREE = {
    "red.png": picture("red", kind="PNG"),
    "blue.png": picture("blue", kind="PNG"),
    "cat.md": "a cat sleeps",
    "dog.md": "a dog barks",
    "fish.md": "fish swim silently",
}
CAT = SearchRequest(text="a cat sleeps")


@pytest.fixture
def service(tmp_path: Path):  # type: ignore[no-untyped-def]
    with local_service(tmp_path) as one:
        ingested(one, lay(tmp_path / "corpus", TREE))
        yield one


def hit(service: LocalService, search: SearchRequest, name: str) -> HitAnswer:
    return next(one for one in service.search(search).hits if one.path.endswith(name))


def grades(service: LocalService, search: SearchRequest) -> dict[str, int]:
    return {Path(one.path).name: one.judgment.grade for one in service.search(search).hits if one.judgment is not None}


def judge(service: LocalService, search: SearchRequest, name: str, grade: int) -> int:
    return service.judge(JudgmentRequest(search=search, document=hit(service, search, name).id, grade=grade)).id


def test_a_grade_stands_where_the_same_search_is_made_again_and_nowhere_else(service: LocalService) -> None:
    judge(service, CAT, "cat.md", 1)
    judge(service, CAT, "dog.md", 0)
    assert grades(service, CAT) == {"cat.md": 1, "dog.md": 0}
    assert grades(service, CAT.model_copy(update={"instruction": "find-anything", "k": 3, "complement": True})) == {
        "cat.md": 1,
        "dog.md": 0,
    }
    assert grades(service, CAT.model_copy(update={"text": "a cat"})) == {}
    assert grades(service, CAT.model_copy(update={"target": "text"})) == {}
    assert grades(service, CAT.model_copy(update={"negatives": ["a dog"]})) == {}


def test_weights_of_what_a_query_has_not_make_no_other_query(service: LocalService) -> None:
    judge(service, CAT, "cat.md", 1)
    assert grades(service, CAT.model_copy(update={"weights": QueryWeights(image=2.0)})) == {"cat.md": 1}
    assert grades(service, CAT.model_copy(update={"weights": QueryWeights(text=2.0)})) == {}


def test_a_second_grade_takes_the_place_of_the_first(service: LocalService) -> None:
    first, second = judge(service, CAT, "cat.md", 0), judge(service, CAT, "cat.md", 3)
    assert first == second
    assert [one.grade for one in service.judgments().judgments] == [3]


def test_many_at_once_leave_one_judgment(service: LocalService) -> None:
    document = hit(service, CAT, "cat.md").id
    told: list[int] = []

    def give(grade: int) -> None:
        told.append(service.judge(JudgmentRequest(search=CAT, document=document, grade=grade)).id)

    threads = [threading.Thread(target=give, args=(grade,)) for grade in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(told)) == 1
    assert len(told) == 8
    assert len(service.judgments().judgments) == 1


def test_a_judgment_can_be_taken_back_once(service: LocalService) -> None:
    number = judge(service, CAT, "cat.md", 1)
    assert service.forget_judgment(number).grade == 1
    assert grades(service, CAT) == {}
    with pytest.raises(NotFound, match="no judgment"):
        service.forget_judgment(number)


def test_a_document_takes_its_judgments_along(service: LocalService) -> None:
    judge(service, CAT, "cat.md", 1)
    judge(service, CAT, "dog.md", 0)
    document = hit(service, CAT, "cat.md").id
    service.delete(DeleteRequest(ids=[document]))
    assert [one.grade for one in service.judgments().judgments] == [0]
    with pytest.raises(NotFound, match="no document"):
        service.judge(JudgmentRequest(search=CAT, document=document, grade=1))


def test_a_changed_document_keeps_its_judgments(service: LocalService, tmp_path: Path) -> None:
    judge(service, CAT, "cat.md", 1)
    (tmp_path / "corpus/cat.md").write_text("a cat sleeps softly")
    ingested(service, tmp_path / "corpus")
    assert grades(service, CAT) == {"cat.md": 1}


def test_the_picture_of_a_judged_query_outlives_the_kept_ones(service: LocalService) -> None:
    content = picture("navy", (30, 30), kind="PNG")
    search = SearchRequest(image=service.keep_picture(content).id)
    number = judge(service, search, "blue.png", 2)
    other = SearchRequest(image=service.keep_picture(picture("pink", (30, 30), kind="PNG")).id)
    shutil.rmtree(service.settings.query_pictures_directory)
    assert grades(service, search) == {"blue.png": 2}
    assert service.kept_thumbnail(search.image or "").is_file()
    with pytest.raises(NotFound, match="not kept any more"):
        service.search(other)
    service.forget_judgment(number)
    shutil.rmtree(service.settings.query_pictures_directory)
    with pytest.raises(NotFound, match="not kept any more"):
        service.search(search)


def test_a_picture_file_is_the_same_query_as_the_kept_picture(service: LocalService, tmp_path: Path) -> None:
    file = tmp_path / "question.png"
    file.write_bytes(picture("navy", (30, 30), kind="PNG"))
    document = next(one.id for one in service.search(SearchRequest(), file).hits if one.path.endswith("blue.png"))
    service.judge(JudgmentRequest(search=SearchRequest(), document=document, grade=1), file)
    assert grades(service, SearchRequest(image=service.keep_picture(file.read_bytes()).id)) == {"blue.png": 1}
    assert [one.judgment.grade for one in service.search(SearchRequest(), file).hits if one.judgment is not None] == [1]


def test_what_is_no_query_can_not_be_judged(service: LocalService) -> None:
    document = hit(service, CAT, "cat.md").id
    with pytest.raises(QueryError, match="empty"):
        service.judge(JudgmentRequest(search=SearchRequest(), document=document, grade=1))


def test_scores_tell_how_the_judged_queries_are_answered(service: LocalService) -> None:
    judge(service, CAT, "cat.md", 1)
    judge(service, CAT, "dog.md", 0)
    judge(service, SearchRequest(text="a dog barks"), "dog.md", 3)
    judge(service, SearchRequest(text="nothing of the kind"), "dog.md", 0)
    first = service.score_judgments(ScoringRequest())
    assert (first.queries, first.judgments, first.left_out, first.failed, first.documents) == (2, 4, 1, 0, 5)
    assert {name: one.value for name, one in first.measures.items() if name in ("hit@1", "mrr@10", "recall@5")} == {
        "hit@1": 1.0,
        "mrr@10": 1.0,
        "recall@5": 1.0,
    }
    assert set(first.measures) >= {"ndcg@10", "hit@5", "recall@10", "map@5", "mrr@10"}
    assert first.judged_share == pytest.approx(3 / 10)
    assert first.encoder["encoder"] == "arithmetic"
    assert first.settings["rerank"] == "auto"
    judge(service, CAT, "cat.md", 0)
    judge(service, CAT, "fish.md", 1)
    second = service.score_judgments(ScoringRequest())
    assert second.measures["hit@1"].value == 0.5
    assert [(one.query.text, one.right, one.first_right) for one in first.searches] == [("a cat sleeps", 1, 1), ("a dog barks", 1, 1)]
    assert second.searches[0].first_right != 1
    assert service.scorings().scorings == [one.model_copy(update={"searches": []}) for one in (first, second)]


def test_a_query_that_can_not_be_asked_any_more_counts_as_missed(service: LocalService) -> None:
    like = SearchRequest(like=[hit(service, CAT, "cat.md").id])
    judge(service, like, "dog.md", 1)
    judge(service, CAT, "dog.md", 1)
    service.delete(DeleteRequest(ids=list(like.like)))
    scored = service.score_judgments(ScoringRequest())
    assert (scored.queries, scored.failed) == (2, 1)
    assert scored.measures["hit@5"].value == 0.5


def test_without_a_right_answer_there_is_nothing_to_measure(service: LocalService) -> None:
    judge(service, CAT, "dog.md", 0)
    with pytest.raises(UsageError, match="no judged query with a right answer"):
        service.score_judgments(ScoringRequest())
