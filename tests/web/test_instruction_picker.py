"""Choosing what to do: the picker, what it is narrowed to, and the one that is chosen for the user."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.web.browsing import Visitor
from tests.web.search_screen import SearchScreen

pytestmark = pytest.mark.slow
Visit = Callable[..., Visitor]


def opened(screen: SearchScreen) -> Locator:
    """The picker, open and whole: what explains the chosen one is drawn last. Its search field."""
    screen.picker.click()
    expect(screen.page.locator(".st-key-explained h3")).to_be_visible()
    return screen.page.get_by_label("Search instructions")


def test_the_one_chosen_for_the_user_is_shown(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("a cat")
    expect(screen.page.get_by_text("Chosen for you")).to_be_visible()


def test_the_open_picker_can_be_typed_into_at_once(visitor: Visit) -> None:
    screen = SearchScreen(visitor())
    screen.settle()
    field = opened(screen)
    expect(field).to_be_focused()
    screen.page.keyboard.type("caption", delay=20)
    expect(field).to_have_value("caption")
    expect(screen.instructions.filter(has_not_text=re.compile("caption", re.IGNORECASE))).to_have_count(0)
    screen.page.keyboard.press("Escape")
    screen.page.keyboard.press("Escape")  # a search field is emptied first
    expect(field).to_be_hidden()


def test_typing_narrows_at_each_key(visitor: Visit) -> None:
    someone = visitor()
    screen = SearchScreen(someone)
    field = opened(screen)
    before = screen.instructions.count()
    someone.shot("instruction-picker")
    field.press_sequentially("caption", delay=20)
    expect(screen.instructions).not_to_have_count(before)
    expect(screen.instructions.filter(has_not_text=re.compile("caption", re.IGNORECASE))).to_have_count(0)
    expect(screen.instructions.first).to_be_visible()
    field.fill("no instruction has this word xyzzy")
    expect(screen.page.get_by_text(re.compile(r"No instruction has these words\. Clear the search to see all \d+\."))).to_be_visible()


def test_a_chosen_instruction_searches_again_and_is_in_the_link(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("a cat")
    field = opened(screen)
    field.press_sequentially("caption", delay=20)
    expect(screen.instructions.filter(has_not_text=re.compile("caption", re.IGNORECASE))).to_have_count(0)
    chosen = screen.instructions.first
    name = chosen.inner_text().strip()
    chosen.click()
    screen.page.keyboard.press("Escape")
    expect(screen.page).to_have_url(re.compile("instruction="))
    expect(screen.picker).to_contain_text(name)
    expect(screen.page.get_by_text("Chosen for you")).to_be_hidden()
    screen.wait_for_results()


def test_the_picker_is_narrowed_to_what_is_given(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("a cat")
    opened(screen)
    expect(screen.page.get_by_text("Fits a text")).to_be_visible()
    narrowed = screen.instructions.count()
    screen.button(re.compile(r"^Show all \d+$")).click()
    expect(screen.instructions).not_to_have_count(narrowed)
    assert screen.instructions.count() > narrowed
