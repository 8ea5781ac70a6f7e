"""Light, dark, wide, narrow; and what those need who do not see the screen or have no mouse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.web.browsing import PHONE, Visitor
from tests.web.search_screen import SearchScreen

pytestmark = pytest.mark.slow
Visit = Callable[..., Visitor]
NAMELESS = """() => [...document.querySelectorAll('button, a[href], input, [role=button], [role=switch], [role=combobox]')]
  .filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.closest('[aria-hidden=true]') && one.type !== 'file')
  .filter((one) => !(one.ariaLabel || one.innerText?.trim() || one.title || one.labels?.length || one.getAttribute('aria-labelledby')
                     || one.querySelector('img[alt]:not([alt=""]), [aria-label]')))
  .map((one) => one.outerHTML.slice(0, 200))"""
NO_ALT = "() => [...document.images].filter((one) => !one.hasAttribute('alt')).map((one) => one.outerHTML.slice(0, 200))"
SMALL = """() => [...document.querySelectorAll('main *, [data-testid=stMain] *')]
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) && one.checkVisibility())
  .filter((one) => parseFloat(getComputedStyle(one).fontSize) < 12.9 && one.getBoundingClientRect().width > 1)
  .map((one) => one.outerHTML.slice(0, 200))"""
RING = """async () => {
  const one = document.activeElement, around = [one, one.parentElement, one.parentElement.parentElement, ...one.querySelectorAll('*')];
  const looks = () => JSON.stringify(around.map((box) => { const look = getComputedStyle(box);
    return look.outlineStyle === 'none' ? [look.boxShadow, look.borderColor] : [look.outlineColor, look.outlineWidth, look.boxShadow]; }));
  const settled = () => new Promise((done) => setTimeout(done, 300));
  await settled();
  const focused = looks();
  one.blur();
  await settled();
  const left = looks();
  one.focus();
  return focused !== left || one.outerHTML.slice(0, 200); }"""


def accessible(page: Page) -> None:
    """Every picture has a text, everything that can be pressed a name, nothing is smaller than 13 pixels."""
    assert page.evaluate(NO_ALT) == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(SMALL) == []


@pytest.mark.parametrize("path", ["/", "/ingest", "/collections"])
@pytest.mark.parametrize(("look", "options"), [("light", {}), ("dark", {"dark": True}), ("phone", {"size": PHONE})])
def test_every_screen_fits_its_window(visitor: Visit, path: str, look: str, options: dict[str, object]) -> None:
    someone = visitor(**options)
    page = someone.go(path)
    expect(page.get_by_role("heading").first).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    assert someone.overflow() <= 0
    accessible(page)
    someone.shot(f"{path.strip('/') or 'first-visit'}-{look}", whole=True)


@pytest.mark.parametrize(
    ("look", "options"), [("dark", {"dark": True}), ("phone", {"size": PHONE}), ("phone-dark", {"size": PHONE, "dark": True})]
)
def test_results_fit_their_window(visitor: Visit, look: str, options: dict[str, object]) -> None:
    someone = visitor(**options)
    screen = SearchScreen(someone).search("a tabby cat")
    assert someone.overflow() <= 0
    accessible(screen.page)
    someone.shot(f"results-{look}")
    screen.open(0)
    assert someone.overflow() <= 0
    accessible(screen.page)
    someone.shot(f"document-dialog-{look}")


def test_a_page_in_double_size_still_fits(visitor: Visit) -> None:
    someone = visitor(size=(320, 640))
    SearchScreen(someone).search("a tabby cat")
    assert someone.overflow() <= 0


def test_the_dark_page_is_dark(visitor: Visit) -> None:
    page = visitor(dark=True).go()
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", "rgb(16, 21, 23)")


def test_the_focus_is_seen_and_goes_in_reading_order(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("a tabby cat")
    screen.picker.focus()
    order = []
    for _ in range(12):
        order.append(
            screen.script("document.activeElement.innerText || document.activeElement.ariaLabel || document.activeElement.placeholder")
        )
        assert screen.script(RING) is True
        screen.page.keyboard.press("Tab")
    seen = " | ".join(str(one) for one in order)
    assert seen.index("Options") < seen.index("Picture") < seen.index("Search")


def test_results_are_announced(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("a tabby cat")
    expect(screen.page.locator("[aria-live=polite]").filter(has_text="results, ")).to_have_count(1)
