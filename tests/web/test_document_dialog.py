"""A result opened over the grid, and the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.web.browsing import Visitor
from tests.web.search_screen import SearchScreen

pytestmark = pytest.mark.slow
Visit = Callable[..., Visitor]


@pytest.fixture
def screen(visitor: Visit) -> SearchScreen:
    return SearchScreen(visitor()).search("a tabby cat")


def test_a_result_opens_over_the_grid_and_closes_again(screen: SearchScreen) -> None:
    screen.open(0)
    expect(screen.dialog).to_contain_text("Details")
    expect(screen.dialog).to_contain_text("Why this result")
    expect(screen.page).to_have_url(re.compile("document=[0-9A-Z]{13}"))
    screen.visitor.shot("document-dialog")
    screen.page.keyboard.press("Escape")
    expect(screen.dialog).to_be_hidden()
    expect(screen.page).not_to_have_url(re.compile("document="))
    screen.expect_focus_on_place(1)


def test_arrows_go_through_the_results(screen: SearchScreen) -> None:
    screen.open(0)
    first = screen.dialog.inner_text()
    screen.settle()
    screen.page.keyboard.press("ArrowRight")
    expect(screen.dialog).not_to_have_text(first)
    expect(screen.dialog).to_contain_text(re.compile("place 2", re.IGNORECASE))
    screen.settle()  # the button is there before it hears its key
    screen.page.keyboard.press("ArrowLeft")
    expect(screen.dialog).to_contain_text(re.compile("place 1", re.IGNORECASE))


def test_the_picture_in_the_dialog_is_no_thumbnail(screen: SearchScreen) -> None:
    screen.open(0)
    width = screen.dialog.locator("img").first.evaluate("async (one) => { await one.decode(); return one.naturalWidth; }")
    assert width > 256


def test_a_link_to_a_result_opens_it(screen: SearchScreen, visitor: Visit) -> None:
    screen.open(1)
    expect(screen.page).to_have_url(re.compile("document="))
    other = SearchScreen(visitor(), screen.page.url.removeprefix(screen.visitor.address))
    expect(other.dialog).to_contain_text("Why this result")


def test_a_link_to_a_document_and_no_search_opens_it_over_the_first_page(screen: SearchScreen, visitor: Visit) -> None:
    screen.open(1)
    expect(screen.page).to_have_url(re.compile("document="))
    document = parse_qs(urlsplit(screen.page.url).query)["document"][0]
    other = SearchScreen(visitor(), f"/?document={document}")
    expect(other.dialog).to_contain_text("Details")
    other.page.keyboard.press("Escape")
    expect(other.dialog).to_be_hidden()
    expect(other.page).not_to_have_url(re.compile("document="))


@pytest.mark.parametrize("document", ["0000000000000", "AAAAAAAAAAAAA"])
def test_a_link_to_what_is_gone_says_so(visitor: Visit, document: str) -> None:
    screen = SearchScreen(visitor(), f"/?text=cat&document={document}")
    expect(screen.page.get_by_text("This document is no longer in the collection.")).to_be_visible()


def test_everything_can_be_reached_with_keys(screen: SearchScreen) -> None:
    page = screen.page
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    expect(screen.field).to_be_focused()
    page.keyboard.press("Escape")
    screen.focus_tile(0)
    page.keyboard.press("ArrowRight")
    screen.expect_focus_on_place(2)
    page.keyboard.press("End")
    screen.expect_focus_on_place(screen.tiles.count())
    page.keyboard.press("Home")
    screen.expect_focus_on_place(1)
    page.keyboard.press("Enter")
    expect(screen.dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(screen.dialog).to_be_hidden()
    screen.expect_focus_on_place(1)
    page.keyboard.press("m")
    expect(page).to_have_url(re.compile("like="))


def test_no_single_key_acts_while_one_types(screen: SearchScreen) -> None:
    screen.field.fill("")
    screen.field.press_sequentially("a/m")
    expect(screen.field).to_have_value("a/m")
    expect(screen.page).not_to_have_url(re.compile("like="))
