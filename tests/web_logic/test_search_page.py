"""The search screen without a browser, in front of a real service: what it asks, says and remembers."""

from __future__ import annotations

import html
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.page.streamlit_app import SCRIPT
from app.page.surroundings import KEY, SERVICE
from tests.folders import lay, picture
from tests.service.houses import SECRET, TREE, House, house
from uniir.queries import WordSearch

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house"), TREE) as one:
        one.ingest()
        yield one


@pytest.fixture
def page(full: House, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    return visit(full, monkeypatch)


def visit(house: House, monkeypatch: pytest.MonkeyPatch, **address: str) -> AppTest:
    monkeypatch.setenv(SERVICE, house.address)
    monkeypatch.setenv(KEY, SECRET)
    page = AppTest.from_file(str(SCRIPT), default_timeout=30)
    for name, value in address.items():
        page.query_params[name] = value
    return page.run()


def words(page: AppTest) -> str:
    """Everything the page says in HTML of its own."""
    return " ".join(str(one.proto.body) for one in page.get("html"))


def search(page: AppTest, text: str) -> AppTest:
    page.text_input(key="ask_text").set_value(text)
    return page.button(key="go").click().run()


def test_a_first_visit_says_what_can_be_done_and_what_is_there(page: AppTest) -> None:
    assert not page.exception
    assert "Search pictures and texts together" in words(page)
    assert "In this collection" in words(page)


def test_a_search_goes_into_the_address_and_says_how_much_was_found(page: AppTest) -> None:
    search(page, "a cat")
    assert not page.exception
    assert page.query_params["text"] == "a cat"
    assert "results </i>in" in words(page)


def test_a_link_brings_the_whole_search_back(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit(full, monkeypatch, text="a dog", kind="text", path="d", results="3")
    assert page.text_input(key="ask_text").value == "a dog"
    assert page.selectbox(key="ask_kind").value == "text"
    assert page.text_input(key="ask_path").value == "d"
    assert page.number_input(key="ask_results").value == 3


def test_a_collection_that_was_made_a_moment_ago_is_the_one_that_is_searched(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    visit(full, monkeypatch, text="a cat")
    full.ingest(paths=[str(lay(full.corpus / "new", {"cat.md": "my own cat"}) / "cat.md")], collection="mine")
    page = visit(full, monkeypatch, text="a cat", collection="mine")
    assert page.selectbox(key="ask_collection").value == "mine"
    assert "1 <i>result </i>in" in words(page)


def test_a_collection_that_is_nowhere_is_said_to_be_with_the_way_out(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit(full, monkeypatch, text="a cat", collection="nowhere")
    assert not page.exception
    assert "There is no collection “nowhere”" in words(page)
    assert "result" not in words(page)
    page.selectbox(key="ask_collection").set_value("default").run()
    assert "results </i>in" in words(page)


def test_nothing_given_says_what_to_do(page: AppTest) -> None:
    page.button(key="go").click().run()
    assert [one.value for one in page.warning] == ["Type something or add a picture."]


def test_nothing_found_names_the_limits_and_lifts_them(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit(full, monkeypatch, text="a cat", kind="picture", path="nowhere/")
    assert "Nothing found for “a cat”" in words(page)
    assert "Two limits are on." in words(page)
    page.button(key="lift_all").click().run()
    assert "kind" not in page.query_params
    assert "path" not in page.query_params
    assert "Nothing found" not in words(page)


def test_nothing_found_says_what_an_ingest_has_not_brought_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with house(tmp_path, {"cat.md": "a cat sleeps"}) as one:
        one.ingest()
        with closing(sqlite3.connect(one.settings.catalog_file)) as catalog, catalog:
            catalog.execute("UPDATE embeddings SET state = 'pending'")  # as a run leaves them that did not come to their vectors
        page = visit(one, monkeypatch, text="a cat")
    assert not page.exception
    assert "1 document can't be found yet: an ingest is at work or was not finished." in html.unescape(words(page))


def test_options_say_how_many_are_not_as_they_normally_are_and_go_back(page: AppTest) -> None:
    search(page, "a cat")
    page.slider(key="ask_text_weight").set_value(0.5)
    page.run()
    page.text_input(key="ask_not").set_value("dog, boat").run()
    assert page.query_params["not"] == ["dog", "boat"]
    assert page.query_params["text_weight"] == "0.5"
    page.button_group(key="ask_words").set_value(WordSearch.OFF).run()
    assert page.query_params["words"] == "off"
    page.button(key="normal").click().run()
    assert set(page.query_params) == {"text"}
    assert page.text_input(key="ask_not").value == ""


def test_an_uploaded_picture_is_searched_with_and_can_be_removed(page: AppTest) -> None:
    page.file_uploader(key="upload_0").set_value(("red.png", picture("red", kind="PNG"), "image/png")).run()
    assert not page.exception
    assert len(page.query_params["picture"]) == 64
    assert page.query_params["picture"] in words(page)
    page.button(key="remove_chip").click().run()
    assert "picture" not in page.query_params


def test_a_file_that_is_no_picture_is_refused_with_the_way_out_and_details(page: AppTest) -> None:
    page.file_uploader(key="upload_0").set_value(("red.png", b"no picture", "image/png")).run()
    assert "This picture could not be used." in page.error[0].value
    assert "query-error" in page.code[0].value


def test_the_picture_of_an_old_link_is_told_to_be_gone(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit(full, monkeypatch, picture="0" * 64)
    assert [one.value for one in page.error] == ["The picture of this link is no longer kept. Add it again."]


def test_an_instruction_stays_chosen_and_is_searched_with(page: AppTest) -> None:
    search(page, "a cat")
    page.session_state["pick_popover"] = True  # open
    page.run()
    page.button(key="instruction_find-texts").click().run()
    assert page.query_params["instruction"] == "find-texts"
    assert not page.exception


def test_a_service_that_is_away_keeps_the_query_and_comes_back(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit(full, monkeypatch, text="a cat")
    monkeypatch.setenv(SERVICE, "http://127.0.0.1:9")
    search(page, "a dog")
    assert "The search service does not answer." in page.error[0].value
    assert page.query_params["text"] == "a dog"
    monkeypatch.setenv(SERVICE, full.address)
    page.button(key="away_try").click().run()
    assert not page.error
    assert page.text_input(key="ask_text").value == "a dog"


def test_a_link_to_what_resembles_a_text_names_it_and_shows_no_picture(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    text = next(hit["id"] for hit in full.search(text="a dog barks")["hits"] if hit["text"] == "a dog barks")
    page = visit(full, monkeypatch, like=text)
    assert not page.exception
    assert "Like “a dog barks”" in words(page)
    assert f"/document/{text}/256" not in words(page)
    assert "Find anything like this result" in [one.proto.popover.label for one in page.get("popover")]


def test_an_instruction_for_other_things_is_told_in_words(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit(full, monkeypatch, text="a cat", instruction="describe-picture")
    assert "This instruction is meant for a picture, and this is a text." in words(page)
