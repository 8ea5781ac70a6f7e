"""Narrowing results down by what documents have in common, and lifting it again."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.web.browsing import PHONE, Visitor
from tests.web.search_screen import SearchScreen

pytestmark = pytest.mark.slow
Visit = Callable[..., Visitor]


def narrow(screen: SearchScreen) -> Locator:
    """Opens what results can be narrowed by."""
    screen.button("Narrow down").click()
    choices = screen.page.locator(".st-key-narrow")
    expect(choices.get_by_text(re.compile("^Folder$"))).to_be_visible()
    return choices


def limit(screen: SearchScreen, condition: str) -> Locator:
    """The chip of a condition that holds."""
    return screen.page.locator(".st-key-limits").get_by_role("button").filter(has_text=condition)


@pytest.mark.parametrize("options", [{}, {"size": PHONE}], ids=["desk", "phone"])
def test_a_folder_is_chosen_and_lifted_again(visitor: Visit, options: dict[str, object]) -> None:
    screen = SearchScreen(visitor(**options)).search("something orange")
    choices = narrow(screen)
    choices.get_by_text(re.compile(r"^notes/")).click()
    expect(screen.page).to_have_url(re.compile("where=path"))
    screen.settle()
    expect(screen.page.get_by_text(re.compile("^[0-9,]+ documents of “default” within the filter$"))).to_be_visible()
    assert screen.visitor.overflow() <= 0
    screen.visitor.shot(f"narrowed-{'phone' if options else 'light'}")
    screen.page.keyboard.press("Escape")
    screen.expect_only("text")
    limit(screen, 'path:"notes/').click()
    expect(screen.page).not_to_have_url(re.compile("where="))
    screen.expect_another_kind_than("text")


def test_narrowing_goes_by_keyboard_alone(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("something orange")
    screen.button("Narrow down").focus()
    screen.page.keyboard.press("Enter")
    choice = screen.page.locator(".st-key-narrow").get_by_role("radio", name=re.compile("^Texts"))
    expect(choice).to_be_visible()
    choice.focus()
    screen.page.keyboard.press("Enter")
    expect(limit(screen, "modality:text")).to_be_visible()
    screen.page.keyboard.press("Escape")
    limit(screen, "modality:text").focus()
    screen.page.keyboard.press("Enter")
    expect(limit(screen, "modality:text")).to_be_hidden()


def test_a_filter_that_nothing_fits_says_so_and_is_lifted(visitor: Visit) -> None:
    screen = SearchScreen(visitor(), "/?text=something+orange&where=colour%3Dred+year%3D2020")
    expect(screen.page.get_by_text("No document fits the filter. Lift a part of it, or ask in another way.")).to_be_visible()
    expect(limit(screen, "colour=red")).to_be_visible()
    screen.visitor.shot("no-document-fits")
    screen.button("Lift both").click()
    screen.wait_for_results("something orange")


def test_a_filter_that_can_not_be_read_is_lifted_where_it_is_told(visitor: Visit) -> None:
    screen = SearchScreen(visitor(), "/?text=something+orange&where=tag%3D%28")
    limit(screen, "tag=(").click()
    screen.wait_for_results("something orange")
