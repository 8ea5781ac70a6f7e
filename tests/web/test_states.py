"""First visit, nothing there yet, service away, hostile words: what the page says and does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.web.browsing import Visitor
from tests.web.conftest import visitors
from tests.web.search_screen import SearchScreen
from tests.web.serving import HOSTILE, Library, Served, served

pytestmark = pytest.mark.slow
Visit = Callable[..., Visitor]


@pytest.fixture
def own_server(library: Library, tmp_path: Path) -> Iterator[Served]:
    """A page that this test alone uses, and may kill."""
    with served(library.copy(tmp_path / "data"), library.corpus) as running:
        yield running


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[Served]:
    """A page in front of a data directory in which nothing is."""
    (tmp_path / "corpus").mkdir()
    with served(tmp_path / "data", tmp_path / "corpus") as running:
        yield running


def test_a_first_visit_offers_searches_that_find_something(visitor: Visit) -> None:
    someone = visitor()
    page = someone.go()
    expect(page.get_by_text("Search pictures and texts together")).to_be_visible()
    examples = page.get_by_role("list", name="Try one of these").get_by_role("button")
    expect(examples.first).to_be_visible()
    someone.shot("first-visit")
    examples.first.click()
    SearchScreen.on(someone).wait_for_results()


def test_who_is_faster_than_the_first_page_is_answered_too(browser: Browser, own_server: Served) -> None:
    with visitors(browser, own_server.address) as visit:
        screen = SearchScreen(visit())
        screen.enter("old silver coins")
        screen.wait_for_results("old silver coins")
        expect(screen.tiles.first).to_contain_text("coins")


def test_an_empty_collection_says_how_to_fill_it(browser: Browser, empty_server: Served) -> None:
    with visitors(browser, empty_server.address) as visit:
        someone = visit()
        page = someone.go()
        expect(page.get_by_text("Nothing in “default” yet")).to_be_visible()
        expect(page.get_by_text("uniir ingest ./corpus")).to_be_visible()
        someone.shot("empty-collection")
        page.get_by_role("button", name="Ingest files").click()
        expect(page.get_by_role("heading", name="Ingest")).to_be_visible()


def test_a_killed_service_is_missed_and_the_query_kept(browser: Browser, library: Library, tmp_path: Path) -> None:
    data = library.copy(tmp_path / "data")
    with served(data, library.corpus, "serve") as service, served(data, library.corpus) as page, visitors(browser, page.address) as visit:
        someone = visit()
        someone.expects("503|net::ERR_")  # pictures that are on their way
        screen = SearchScreen(someone).search("old silver coins")
        service.kill()
        screen.enter("a tabby cat")
        expect(screen.page.get_by_text("The search service does not answer.").first).to_be_visible()
        expect(screen.page.get_by_text(re.compile(r"Trying again in \d s\. Your query is kept\.")).first).to_be_visible()
        expect(screen.page.get_by_text("uniir serve", exact=True)).to_be_visible()
        someone.shot("service-away")
        service.start()
        expect(screen.page.get_by_text("The search service does not answer.").first).to_be_hidden()
        expect(screen.field).to_have_value("a tabby cat")
        screen.wait_for_results("a tabby cat")
        expect(screen.tiles.first).to_contain_text("cat")


def test_a_page_that_was_killed_comes_back_with_its_query(browser: Browser, own_server: Served) -> None:
    with visitors(browser, own_server.address) as visit:
        someone = visit()
        someone.expects("net::ERR_|WebSocket|Failed to fetch|status of 5|Client Error|Streamlit server is not responding")
        screen = SearchScreen(someone).search("old silver coins")
        own_server.kill()
        expect(screen.page.get_by_text(re.compile("does not answer|[Cc]onnecting|Connection error")).first).to_be_visible()
        someone.shot("page-away")
        own_server.start()
        expect(screen.page.get_by_text(re.compile("does not answer|[Cc]onnecting|Connection error"))).to_have_count(0)
        expect(screen.field).to_have_value("old silver coins")
        screen.search("a tabby cat")
        expect(screen.tiles.first).to_contain_text("cat")


def test_words_of_a_document_are_never_markup(visitor: Visit) -> None:
    someone = visitor()
    screen = SearchScreen(someone).search("poster with script and bold red link head")
    tile = screen.tile("<script>")
    expect(tile).to_be_visible()
    tile.get_by_role("button", name=re.compile("^Place")).click()
    expect(screen.dialog).to_contain_text(HOSTILE)
    assert screen.script("window.broken") is None
    assert screen.page.locator("a[href^='javascript']").count() == 0
    someone.shot("hostile-caption")


def test_words_of_a_query_are_never_markup(visitor: Visit) -> None:
    screen = SearchScreen(visitor(), "/?text=%3Cimg+src%3Dx+onerror%3D%22window.broken%3D1%22%3E+**x**&path=%3Cb%3Enowhere")
    expect(screen.page.get_by_text('Nothing found for “<img src=x onerror="window.broken=1"> **x**”')).to_be_visible()
    assert screen.script("window.broken") is None
