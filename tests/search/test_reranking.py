"""The second look at the best hits: when it happens, what it may change, and what happens when it fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from search.reranking import RerankStage
from search.service import SearchService
from tests.search.scenes import Scene, no_remarks
from uniir.calibration import Calibration, Method
from uniir.documents import Document, Modality
from uniir.errors import ModelUnavailable
from uniir.hits import Band, BandCuts, RerankState, SearchResult
from uniir.instructions import load_instructions
from uniir.queries import Query, Reranking

Score = Callable[[Sequence[Document]], NDArray[np.float32]]


class Judge:
    """A reranker that says what a test wants; it reads documents with a text."""

    name = "judge"
    reading = "texts only"
    cuts: BandCuts | None = BandCuts(0.8, 0.4)

    def __init__(self, score: Score) -> None:
        self._score = score
        self.asked: list[int] = []

    def reads(self, query: Query, candidate: Document) -> bool:
        return query.text is not None and candidate.text is not None

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        self.asked.append(len(candidates))
        return self._score(candidates)


def backwards(candidates: Sequence[Document]) -> NDArray[np.float32]:
    return np.linspace(0.05, 0.95, len(candidates), dtype=np.float32)


def texts_help(query: Modality, target: Modality | None) -> bool:
    return (query, target) == (Modality.TEXT, Modality.TEXT)


def service(
    scene: Scene,
    judge: Judge,
    *,
    top: int = 20,
    seconds: float = 60,
    bands: Callable[[Modality, Modality | None], BandCuts | None] | None = None,
) -> SearchService:
    world = scene.world
    stage = RerankStage(judge, texts_help, top, seconds)
    return SearchService(
        world.encoder, world.store, world.library, world.images, load_instructions(), no_remarks, bands=bands, reranking=stage
    )


def ids(result: SearchResult) -> list[int]:
    return [hit.document.id for hit in result.hits]


TEXTS = Query(text="a cat sleeps", target=Modality.TEXT)
MIXED = Query(text="a cat sleeps")


def asked(query: Query, rerank: Reranking, k: int = 10) -> Query:
    from dataclasses import replace

    return replace(query, rerank=rerank, k=k)


def test_it_is_on_by_default_where_it_helps_and_off_elsewhere(scene: Scene) -> None:
    judge = Judge(backwards)
    here = service(scene, judge)
    helped, not_helped = here.search(TEXTS), here.search(MIXED)
    assert (helped.rerank.state, helped.rerank.by_default, helped.rerank.reranker) == (RerankState.DONE, True, "judge")
    assert (not_helped.rerank.state, not_helped.rerank.by_default) == (RerankState.OFF, False)
    assert helped.rerank.count == len(helped.hits)
    assert len(judge.asked) == 1


def test_off_and_on_are_obeyed(scene: Scene) -> None:
    here = service(scene, Judge(backwards))
    off = here.search(asked(TEXTS, Reranking.OFF))
    assert (off.rerank.state, off.rerank.by_default, off.rerank.count) == (RerankState.OFF, True, 0)
    on = here.search(asked(MIXED, Reranking.ON))
    assert (on.rerank.state, on.rerank.by_default) == (RerankState.DONE, False)


def test_hits_come_in_the_order_of_their_relevance_and_know_their_former_place(scene: Scene) -> None:
    here = service(scene, Judge(backwards))
    first, second = here.search(asked(TEXTS, Reranking.OFF)), here.search(TEXTS)
    assert ids(second) == ids(first)[::-1]
    assert [hit.rank for hit in second.hits] == list(range(1, len(second.hits) + 1))
    assert [hit.retrieval_rank for hit in second.hits] == [hit.rank for hit in first.hits][::-1]
    assert [hit.relevance for hit in second.hits] == sorted((hit.relevance or 0 for hit in second.hits), reverse=True)
    assert all(hit.retrieval_rank is hit.relevance is None for hit in first.hits)
    assert "rerank" in second.timings_ms
    scores = {hit.document.id: (hit.score, hit.parts) for hit in first.hits}
    assert all(scores[hit.document.id] == (hit.score, hit.parts) for hit in second.hits)


def test_only_the_top_is_read_and_the_rest_keeps_its_place(scene: Scene) -> None:
    judge = Judge(backwards)
    first = service(scene, judge).search(asked(TEXTS, Reranking.OFF))
    second = service(scene, judge, top=2).search(TEXTS)
    assert judge.asked == [2]
    assert ids(second) == [ids(first)[1], ids(first)[0], *ids(first)[2:]]
    assert second.hits[2].retrieval_rank is None


def test_more_than_k_are_read_so_that_a_better_one_can_come_up(scene: Scene) -> None:
    here = service(scene, Judge(backwards))
    everything = here.search(asked(TEXTS, Reranking.OFF))
    best = here.search(asked(TEXTS, Reranking.AUTO, k=1))
    assert len(best.hits) == 1
    assert best.hits[0].retrieval_rank == len(everything.hits)


def test_in_a_mixed_list_what_can_not_be_read_keeps_its_place(scene: Scene) -> None:
    here = service(scene, Judge(backwards))
    first, second = here.search(asked(MIXED, Reranking.OFF)), here.search(asked(MIXED, Reranking.ON))
    kinds = [hit.document.modality for hit in first.hits]
    assert [hit.document.modality is Modality.IMAGE for hit in second.hits] == [kind is Modality.IMAGE for kind in kinds]
    readable = [one for one, kind in zip(ids(first), kinds, strict=True) if kind is not Modality.IMAGE]
    assert [one for one in ids(second) if one in readable] == readable[::-1]
    assert second.rerank.count == len(readable)


def test_equals_keep_their_order(scene: Scene) -> None:
    here = service(scene, Judge(lambda candidates: np.full(len(candidates), 0.5, np.float32)))
    assert ids(here.search(TEXTS)) == ids(here.search(asked(TEXTS, Reranking.OFF)))


def test_where_there_is_nothing_to_read_it_is_off_and_says_why(scene: Scene) -> None:
    query = Query(image=scene.question("red"), rerank=Reranking.ON)
    result = service(scene, Judge(backwards)).search(query)
    assert result.rerank.state is RerankState.OFF
    assert "texts only" in (result.rerank.reason or "")


def unavailable(candidates: Sequence[Document]) -> NDArray[np.float32]:
    raise ModelUnavailable("The weights are missing.", "Install them.")


def broken(candidates: Sequence[Document]) -> NDArray[np.float32]:
    raise RuntimeError("cuda")


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (unavailable, "weights are missing"),
        (broken, "failed"),
        (lambda candidates: np.full(len(candidates), np.nan, np.float32), "no probability"),
        (lambda candidates: np.full(len(candidates), 1.5, np.float32), "no probability"),
        (lambda candidates: np.ones(len(candidates) + 1, np.float32), "hits"),
        (lambda candidates: np.ones((len(candidates), 2), np.float32), "shape"),
    ],
)
def test_a_reranker_that_fails_leaves_the_first_order_and_says_so(scene: Scene, score: Score, word: str) -> None:
    here = service(scene, Judge(score))
    result = here.search(TEXTS)
    assert ids(result) == ids(here.search(asked(TEXTS, Reranking.OFF)))
    assert (result.rerank.state, result.rerank.count) == (RerankState.FAILED, 0)
    assert word in (result.rerank.reason or "")
    assert any("first order stands" in note for note in result.notes)
    assert all(hit.relevance is None for hit in result.hits)


def test_a_reranker_that_is_late_is_not_waited_for(scene: Scene) -> None:
    release = threading.Event()

    def slow(candidates: Sequence[Document]) -> NDArray[np.float32]:
        release.wait(60)
        return backwards(candidates)

    here = service(scene, Judge(slow), seconds=0.1)
    start = time.perf_counter()
    for _ in range(6):  # late ones still run: they must not pile up, and later searches are answered all the same
        result = here.search(TEXTS)
        assert result.rerank.state is RerankState.FAILED
        assert result.rerank.reason == "The reranker took longer than 0.1 s."
        assert result.hits
    assert time.perf_counter() - start < 30
    assert sum(thread.name == "rerank" for thread in threading.enumerate()) <= 4
    release.set()


SCORES = BandCuts(0.7, 0.3)


def test_bands_tell_scores_in_words_and_never_rise_downwards(scene: Scene) -> None:
    here = service(scene, Judge(backwards), bands=lambda query, target: SCORES if target is Modality.TEXT else None)
    hits = here.search(asked(TEXTS, Reranking.OFF)).hits
    assert [hit.band for hit in hits] == [SCORES.of(hit.score) for hit in hits]
    assert all(hit.band is None for hit in here.search(MIXED).hits)


def test_probabilities_have_words_of_their_own(scene: Scene) -> None:
    hits = service(scene, Judge(backwards), bands=lambda query, target: SCORES).search(TEXTS).hits
    assert Judge.cuts is not None
    assert [hit.band for hit in hits] == [Judge.cuts.of(hit.relevance or 0) for hit in hits]
    assert {Band.STRONG, Band.WEAK} <= {hit.band for hit in hits}


@pytest.mark.parametrize("top", [2, 3, 20])
@pytest.mark.parametrize("query", [TEXTS, MIXED])
def test_no_list_gets_better_downwards(scene: Scene, query: Query, top: int) -> None:
    order = [Band.STRONG, Band.GOOD, Band.WEAK]
    result = service(scene, Judge(backwards), top=top, bands=lambda query, target: SCORES).search(asked(query, Reranking.ON))
    places = [order.index(hit.band) for hit in result.hits if hit.band is not None]
    assert places == sorted(places)
    assert len(places) == len(result.hits)


def test_the_first_order_comes_at_once_and_then_what_a_search_answers(scene: Scene) -> None:
    release = threading.Event()

    def slow(candidates: Sequence[Document]) -> NDArray[np.float32]:
        release.wait(60)
        return backwards(candidates)

    searched = service(scene, Judge(slow))
    steps = searched.search_in_steps(TEXTS)
    first = next(steps)
    release.set()
    (last,) = steps
    assert first.rerank.state is RerankState.PENDING
    assert "rerank" not in first.timings_ms
    assert "rerank" in last.timings_ms
    assert first.rerank.count == len(first.hits)
    assert not any(hit.relevance for hit in first.hits)
    assert last.rerank.state is RerankState.DONE
    assert ids(last) == ids(searched.search(TEXTS))
    assert ids(last) == ids(first)[::-1]


def test_a_step_that_is_late_says_so_after_the_first_order(scene: Scene) -> None:
    release = threading.Event()
    searched = service(scene, Judge(lambda candidates: backwards(candidates) if release.wait(60) else backwards([])), seconds=0.3)
    first, last = searched.search_in_steps(TEXTS)
    release.set()
    assert (first.rerank.state, last.rerank.state) == (RerankState.PENDING, RerankState.FAILED)
    assert ids(first) == ids(last)
    assert any("first order stands" in note for note in last.notes)


def test_what_came_while_nobody_asked_is_taken_though_it_is_late_by_then(scene: Scene) -> None:
    release = threading.Event()
    judge = Judge(lambda candidates: backwards(candidates) if release.wait(60) else backwards([]))
    steps = service(scene, judge, seconds=0.3).search_in_steps(TEXTS)
    next(steps)
    release.set()
    for reading in [thread for thread in threading.enumerate() if thread.name == "rerank"]:
        reading.join(60)
    time.sleep(0.4)
    assert next(steps).rerank.state is RerankState.DONE


def test_an_order_that_is_replaced_at_once_is_not_made(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.reranking._MOMENT", 60)  # however busy the machine is
    (only,) = service(scene, Judge(backwards)).search_in_steps(TEXTS)
    assert only.rerank.state is RerankState.DONE


def test_there_is_one_step_where_nothing_is_read_again(scene: Scene) -> None:
    (only,) = service(scene, Judge(backwards)).search_in_steps(asked(TEXTS, Reranking.OFF))
    assert only.rerank.state is RerankState.OFF


def test_a_probability_can_count_beside_the_first_score(scene: Scene) -> None:
    world = scene.world

    def order(weight: float | None) -> list[int]:
        stage = RerankStage(Judge(backwards), texts_help, 20, 5, weight)
        return ids(
            SearchService(world.encoder, world.store, world.library, world.images, load_instructions(), no_remarks, reranking=stage).search(
                TEXTS
            )
        )

    first = ids(service(scene, Judge(backwards)).search(asked(TEXTS, Reranking.OFF)))
    assert order(0.0) == first
    assert order(1000.0) == order(None) == first[::-1]


def test_nothing_that_looks_relevant_is_said(scene: Scene) -> None:
    doubtful = service(scene, Judge(lambda candidates: np.full(len(candidates), 0.1, np.float32))).search(TEXTS)
    assert any(note.startswith("Nothing here looks relevant") and "10%" in note for note in doubtful.notes)
    sure = service(scene, Judge(backwards)).search(TEXTS)
    assert not any("relevant" in note for note in sure.notes)


def calibrated(scene: Scene, calibration: Calibration) -> SearchService:
    world = scene.world
    stage = RerankStage(Judge(backwards), texts_help, 20, 5)
    return SearchService(
        world.encoder,
        world.store,
        world.library,
        world.images,
        load_instructions(),
        no_remarks,
        reranking=stage,
        calibration=lambda: calibration,
    )


def test_what_values_mean_here_changes_words_and_probabilities_and_no_order(scene: Scene) -> None:
    plain = service(scene, Judge(backwards)).search(TEXTS)
    halved = Calibration(Method.ISOTONIC, BandCuts(0.4, 0.2), knots=((0.0, 0.0), (0.5, 0.25), (1.0, 0.25)))
    here = calibrated(scene, halved).search(TEXTS)
    assert ids(here) == ids(plain)
    assert [hit.relevance for hit in here.hits] == pytest.approx([min((hit.relevance or 0) / 2, 0.25) for hit in plain.hits], abs=1e-5)
    assert {hit.band for hit in here.hits} == {Band.GOOD, Band.WEAK}


def test_where_nothing_beats_chance_that_is_said(scene: Scene) -> None:
    strict = Calibration(Method.RANDOM, BandCuts(0.99, 0.97))
    result = calibrated(scene, strict).search(TEXTS)
    assert {hit.band for hit in result.hits} == {Band.WEAK}
    assert any("Nothing here looks relevant" in note for note in result.notes)
