"""What the Ingest and Collections screens ask of the service, without a browser."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from tests.web.told_service import ToldService, failure, job
from uniir.wire import FindingAnswer, JobState


def _ingest() -> None:
    import streamlit

    from app.web.ingest import page as ingest_page

    ingest_page.show(streamlit.session_state["service"])


def _collections() -> None:
    import streamlit

    from app.web.collections import page as collections_page

    collections_page.show(streamlit.session_state["service"])


def drawn(screen: Any, service: ToldService) -> AppTest:
    """The screen after its first run, without an exception."""
    app = AppTest.from_function(screen, default_timeout=20)
    app.session_state["service"] = service
    return settled(app.run())


def settled(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def pressed(app: AppTest, key: str) -> AppTest:
    return settled(app.button(key=key).click().run())


def words(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def test_a_folder_is_started_where_it_may_be_read_and_held_to_it() -> None:
    service = ToldService()
    app = drawn(_ingest, service)
    app.text_input(key="ingest_folder").set_value("autumn").run()
    app.checkbox(key="ingest_prune").check().run()
    pressed(app, "start")
    assert [(one.paths, one.collection, one.prune, one.within_roots) for one in service.started] == [
        (["/srv/corpus/autumn"], "pantry", True, True)
    ]


def test_a_folder_elsewhere_is_refused_with_the_way_out() -> None:
    service = ToldService()
    app = drawn(_ingest, service)
    app.text_input(key="ingest_folder").set_value("/etc").run()
    pressed(app, "start")
    assert service.started == []
    assert "may not be read from here" in app.error[0].value.replace("\\", "")


def test_without_an_allowed_folder_the_setting_is_named() -> None:
    app = drawn(_ingest, ToldService(roots=[]))
    assert app.button(key="start").disabled
    assert "corpus_roots" in words(app)


def test_a_collection_that_is_being_filled_can_not_be_started_again() -> None:
    app = drawn(_ingest, ToldService(known=[job("one", JobState.RUNNING)]))
    assert app.button(key="start").disabled


def test_cancel_asks_once() -> None:
    service = ToldService(known=[job("one", JobState.RUNNING)])
    app = drawn(_ingest, service)
    pressed(app, "cancel-one")
    assert service.cancelled == []
    assert "What is done stays. Go on later from here." in words(app)
    pressed(app, "keep-one")
    assert "What is done stays. Go on later from here." not in words(app)
    pressed(app, "cancel-one")
    pressed(app, "stop-one")
    assert service.cancelled == ["one"]


def test_a_cancel_is_not_lost_to_a_file_that_fails_at_the_same_moment() -> None:
    service = ToldService(known=[job("one", JobState.RUNNING)])
    app = drawn(_ingest, service)
    pressed(app, "cancel-one")
    service.soon = [job("one", JobState.RUNNING, failed=1)]
    pressed(app, "stop-one")
    assert service.cancelled == ["one"]


def test_failures_are_listed_twenty_at_a_time_and_tried_again_by_file() -> None:
    service = ToldService(quarantine=[*(failure(number) for number in range(45)), failure(0, "line=12")])
    app = drawn(_ingest, service)
    assert len([one for one in app.button if one.label == "Try again"]) == 20
    pressed(app, "more-failures")
    assert len([one for one in app.button if one.label == "Try again"]) == 40
    pressed(app, "try-1")
    pressed(app, "try-all")
    assert [(one.paths[:2], len(one.paths), one.retry) for one in service.started] == [
        (["/srv/corpus/autumn/01.jpg"], 1, True),
        (["/srv/corpus/autumn/00.jpg", "/srv/corpus/autumn/01.jpg"], 45, True),
    ]


def test_a_cancelled_job_goes_on() -> None:
    service = ToldService(known=[job("old", JobState.CANCELLED)])
    pressed(drawn(_ingest, service), "go-on-old")
    assert service.retried == ["old"]


def test_names_of_files_are_escaped() -> None:
    broken = failure(1).model_copy(update={"file": "/srv/corpus/<img src=x onerror=alert(1)>.jpg"})
    app = drawn(_ingest, ToldService(quarantine=[broken]))
    assert "<img" not in words(app)
    assert "&lt;img src=x" in words(app)


def missing(count: int) -> FindingAnswer:
    return FindingAnswer(
        collection="pantry", check="vectors-missing", count=count, message="are missing", examples=[], way_out="x", mended=False
    )


def test_a_small_collection_is_checked_unasked_and_a_large_one_when_asked() -> None:
    small, large = ToldService(), ToldService(documents=20_000)
    drawn(_collections, small)
    app = drawn(_collections, large)
    assert [request.collection for request in small.examined] == ["pantry"]
    assert large.examined == []
    pressed(app, "check-pantry")
    assert [request.repair for request in large.examined] == [False]


def test_repair_is_offered_where_it_helps_and_looks_again_afterwards() -> None:
    service = ToldService(findings=[missing(12)])
    app = drawn(_collections, service)
    assert "12 documents are in the catalog but not in the index" in words(app)
    pressed(app, "repair-pantry")
    assert [request.repair for request in service.examined] == [False, True, False]
    assert "Catalog and index agree on all 8 documents." in words(app)
