"""Thumbs on results: by mouse and by keys, kept with the search, taken back in the dialog."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.web.browsing import Visitor
from tests.web.search_screen import SearchScreen
from tests.web.serving import Library, uniir

pytestmark = pytest.mark.slow
Visit = Callable[..., Visitor]


def pressed(screen: SearchScreen, number: int, thumb: str) -> Locator:
    return screen.tiles.nth(number).get_by_role("button", name=thumb, exact=True, pressed=True)


def test_a_thumb_stays_with_its_search_until_it_is_taken_back(visitor: Visit) -> None:
    someone = visitor()
    screen = SearchScreen(someone).search("something to judge by its looks")
    screen.tiles.nth(0).get_by_role("button", name="Fits", exact=True).click()
    expect(pressed(screen, 0, "Fits")).to_be_visible()
    screen.focus_tile(1)
    screen.page.keyboard.press("-")
    expect(pressed(screen, 1, "Does not fit")).to_be_visible()
    expect(screen.tiles.nth(0).get_by_role("button", name=re.compile("judged to fit"))).to_be_attached()
    expect(screen.tiles.nth(1).get_by_role("button", name=re.compile("judged not to fit"))).to_be_attached()
    someone.shot("results-judged")
    screen.page.reload()
    screen.wait_for_results()
    expect(pressed(screen, 0, "Fits")).to_be_visible()
    expect(pressed(screen, 1, "Does not fit")).to_be_visible()
    screen.focus_tile(1)
    screen.page.keyboard.press("-")
    expect(pressed(screen, 1, "Does not fit")).to_be_hidden()
    screen.open(0)
    screen.dialog.get_by_role("button", name="Fits", exact=True).click()
    screen.settle()
    screen.page.keyboard.press("Escape")
    expect(screen.dialog).to_be_hidden()
    expect(pressed(screen, 0, "Fits")).to_be_hidden()


def test_thumbs_in_quick_succession_are_all_kept(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("things to judge in a hurry")
    screen.focus_tile(0)
    for number in range(6):  # faster than the page can keep them, so that the server hears several at once
        screen.page.keyboard.press("+")
        screen.page.keyboard.press("ArrowRight")
        expect(pressed(screen, number, "Fits")).to_be_attached()
    for number in range(6):
        expect(screen.tiles.nth(number).get_by_role("button", name=re.compile("judged to fit"))).to_be_attached()
    screen.page.reload()
    screen.wait_for_results()
    expect(screen.tiles.get_by_role("button", name="Fits", exact=True, pressed=True)).to_have_count(6)


def test_missing_halves_stand_beside_their_results(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("old silver coins")
    with screen.options():
        screen.page.get_by_text("Add missing halves").click()
        screen.settle()
    expect(screen.page).to_have_url(re.compile("halves=on"))
    expect(screen.tiles.get_by_text(re.compile("Nearest (text|picture)")).first).to_be_visible()
    expect(screen.page.get_by_text("Guess first")).to_have_count(0)


def test_a_thumb_that_can_not_be_kept_is_not_shown_as_kept(visitor: Visit, library: Library) -> None:
    uniir(library.data.parent, "ingest", library.corpus / "photos", "--collection", "passing", "--data-dir", library.data)
    screen = SearchScreen(visitor(), "/?text=a+tabby+cat&collection=passing").wait_for_results()
    uniir(library.data.parent, "delete", "--collection", "passing", "--all", "--yes", "--data-dir", library.data)
    screen.tiles.nth(0).get_by_role("button", name="Fits", exact=True).click()
    expect(screen.page.get_by_text("That could not be kept")).to_be_visible()
    expect(pressed(screen, 0, "Fits")).to_be_hidden()
    screen.enter("a dog")
    expect(screen.page.get_by_text("There is no collection “passing”")).to_be_visible()
