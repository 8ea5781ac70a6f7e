"""Searches, documents, pictures and examples of the service in this process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.local.searches.kept_pictures import Bound, KeptPictures
from tests.folders import lay, picture, rewrite
from tests.local.places import ingested, local_service
from uniir.errors import NotFound, QueryError
from uniir.images import FileImages
from uniir.wire import ExplainRequest, FailureSelection, NewCollection, SearchRequest

LONG = "\n\n".join(f"Paragraph {number} speaks of " + "many things and " * 40 + "nothing else." for number in range(6))


def test_a_kept_picture_is_asked_with_by_its_hash(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", {"red.png": picture("red", kind="PNG"), "blue.png": picture("blue", kind="PNG")})
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        kept = service.keep_picture(picture("blue", (30, 20), kind="PNG"))
        assert (kept.width, kept.height) == (30, 20)
        assert service.kept_thumbnail(kept.id).is_file()
        answer = service.search(SearchRequest(image=kept.id, k=1))
        assert answer.hits[0].path == str(corpus / "blue.png")
        assert answer.query.image == kept.id
        with pytest.raises(NotFound, match="choose the picture again"):
            service.search(SearchRequest(image="0" * 64))


def test_what_is_no_usable_picture_is_refused_with_numbers(tmp_path: Path) -> None:
    with local_service(tmp_path, pixel_limit=100) as service:
        with pytest.raises(QueryError, match="24 x 16"):
            service.keep_picture(picture(1))
        with pytest.raises(QueryError, match="no image"):
            service.keep_picture(b"words")


def test_pictures_that_were_not_used_for_longest_make_room(tmp_path: Path) -> None:
    pictures = KeptPictures(tmp_path / "kept", FileImages(), Bound(pictures=2))
    first, second = (pictures.keep(picture(number)).id for number in (1, 2))
    for age, one in ((200, first), (300, second)):
        file = pictures.original(one)
        os.utime(file, (file.stat().st_atime - age,) * 2)
    third = pictures.keep(picture(3)).id
    assert pictures.original(first).is_file()
    assert pictures.thumbnail(third).is_file()
    with pytest.raises(NotFound):
        pictures.original(second)
    assert sum(1 for _ in (tmp_path / "kept").rglob("*.jpg")) == 4


def test_a_passage_is_shown_in_its_whole_text_beside_the_others(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", {"long.md": LONG, "cat.jpg": picture(1), "dog.jpg": picture(2, (50, 40)), "more/x.txt": "deep"})
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        hit = service.search(SearchRequest(text="Paragraph 3", target="text", k=1)).hits[0]
        document = service.document(hit.id)
        assert document.passage is not None
        assert document.whole_text is not None
        assert document.whole_text[slice(*document.passage)] == document.text
        assert 3 < len(document.neighbours) <= 6
        assert {one.path for one in document.neighbours} == {str(corpus / "long.md")}
        rewrite(corpus / "long.md", "something else")
        changed = service.document(hit.id)
        assert (changed.whole_text, changed.passage) == (hit.text, None)


def test_a_picture_stands_between_its_neighbours_in_the_folder(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", {f"{number}.jpg": picture(number, (50, 40)) for number in range(9)} | {"in/x.jpg": picture(20)})
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        hits = service.search(SearchRequest(text="x", k=20)).hits
        middle = next(hit for hit in hits if hit.path.endswith("/4.jpg"))
        document = service.document(middle.id)
        assert [Path(one.path).name for one in document.neighbours] == ["1.jpg", "2.jpg", "3.jpg", "5.jpg", "6.jpg", "7.jpg"]
        assert document.picture is not None
        assert (document.picture.width, document.picture.height) == (50, 40)
        assert document.picture.bytes == (corpus / "4.jpg").stat().st_size
        assert service.thumbnail(middle.id, 256).is_file()
        assert service.original(middle.id) == corpus / "4.jpg"
        (corpus / "4.jpg").unlink()
        assert service.document(middle.id).picture is None
        with pytest.raises(NotFound, match=r"4\.jpg"):
            service.original(middle.id)


def test_the_lines_of_a_manifest_are_neighbours(tmp_path: Path) -> None:
    lines = "".join(f'{{"did": "{number}", "txt": "line {number}"}}\n' for number in range(12))
    corpus = lay(tmp_path / "corpus", {"list.jsonl": lines})
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        hits = service.search(SearchRequest(text="x", k=20)).hits
        document = service.document(next(hit.id for hit in hits if hit.text == "line 5"))
        assert [one.text for one in document.neighbours] == [f"line {number}" for number in (2, 3, 4, 6, 7, 8)]
        assert document.external_id == "5"


def test_an_unknown_document_is_not_found(tmp_path: Path) -> None:
    with local_service(tmp_path) as service, pytest.raises(NotFound):
        service.document("0000000000000")


def test_examples_find_something_and_stay_the_same(tmp_path: Path) -> None:
    tree = {f"{number}.jpg": picture(number) for number in range(8)} | {f"{number}.txt": f"picture of boat {number}" for number in range(4)}
    corpus = lay(tmp_path / "corpus", tree | {"notes.md": "# About sailing\n\nSails need wind."})
    with local_service(tmp_path) as service:
        service.create_collection(NewCollection(name="default"))
        assert service.examples() == []
        ingested(service, corpus)
        examples = service.examples()
        assert service.examples() == examples
        assert len(examples) == 6
        assert any(one.like is None for one in examples)
        assert any(one.text is None for one in examples)
        for one in examples:
            like = [one.like] if one.like else []
            assert service.search(SearchRequest(text=one.text, like=like, instruction=one.instruction)).hits


def test_an_example_of_picture_and_words_takes_both_from_one_pair(tmp_path: Path) -> None:
    tree = {f"{number}.jpg": picture(number) for number in range(4)} | {f"{number}.txt": f"a boat of kind {number}" for number in range(4)}
    corpus = lay(tmp_path / "corpus", tree | {"5.jpg": picture(5), "moon.md": "# Why the moon changes\n\nIt turns."})
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        both = [one for one in service.examples() if one.like and one.text]
        assert both
        for one in both:
            assert one.like is not None
            assert service.document(one.like).text == one.text


def test_an_explanation_adds_up_to_the_score(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", {"dog.txt": "a dog barks", "cat.txt": "a cat"})
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        search = SearchRequest(text="a dog")
        hit = service.search(search).hits[0]
        explained = service.explain(ExplainRequest(search=search, document=hit.id))
        assert explained.score == pytest.approx(hit.score, abs=1e-3)
        assert sum(term.value for term in explained.terms) + explained.modality == pytest.approx(explained.score, abs=1e-3)


def test_a_collection_says_what_it_is_made_of(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", {"cat.jpg": picture(1), "bad.jpg": b"no"})
    with local_service(tmp_path, corpus_roots=(corpus,)) as service:
        ingested(service, corpus)
        answer = service.collections()
        (one,) = answer.collections
        assert (answer.default, answer.corpus_roots) == ("default", [str(corpus)])
        assert one.dimension == 115
        assert one.index is not None
        assert (one.index.kind, one.index.vectors) == ("exact", 1)
        assert one.disk is not None
        assert min(one.disk.catalog, one.disk.vectors, one.disk.thumbnails) > 0
        assert one.last_run is not None
        assert (one.last_run.state, one.last_run.failed) == ("done", 1)
        (failure,) = service.failures(FailureSelection(paths=[str(corpus)])).failures
        assert "JPEG" in failure.way_out
        assert service.failures(FailureSelection(paths=["/elsewhere"])).failures == []
        assert service.ignore_failures(FailureSelection()) == 1


@pytest.mark.parametrize("rerank", ["auto", "on"])
def test_a_search_that_wants_a_reranker_whose_weights_are_not_here_says_so(tmp_path: Path, rerank: str) -> None:
    with local_service(tmp_path, reranker="lamra-rank") as service:
        ingested(service, lay(tmp_path / "corpus", {"cat.md": "a cat sleeps", "dog.md": "a dog barks"}))
        first = service.search(SearchRequest(text="a cat sleeps", rerank="off"))
        answer = service.search(SearchRequest(text="a cat sleeps", rerank=rerank))
        assert (answer.rerank.state, answer.rerank.reranker) == ("failed", "lamra-rank")
        assert "`uniir models pull lamra-rank`" in (answer.rerank.reason or "")
        assert any("first order stands" in note for note in answer.notes)
        assert answer.hits == first.hits
