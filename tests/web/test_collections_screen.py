"""Collections: what they hold, how they are, and what can be done with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.web.browsing import Visitor
from tests.web.conftest import visitors
from tests.web.serving import Library, Served, served

pytestmark = pytest.mark.slow
Visit = Callable[..., Visitor]


def card(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-card-{name}")


def test_a_card_says_what_a_collection_holds_and_is_made_of(visitor: Visit) -> None:
    someone = visitor()
    page = someone.go("/collections")
    default = card(page, "default")
    expect(default).to_contain_text("In use")
    expect(default).to_contain_text("Pictures")
    expect(default).to_contain_text("13")
    expect(default).to_contain_text("starter · ")
    expect(default).to_contain_text("Milvus Lite")
    expect(default).to_contain_text(re.compile("(today|yesterday), "))
    expect(default).to_contain_text("catalog ")
    expect(default).to_contain_text("Catalog and index agree on all 42 documents. Checked ")
    someone.shot("collections", whole=True)


def test_a_new_collection_is_made_and_can_be_filled(visitor: Visit) -> None:
    page = visitor().go("/collections")
    page.get_by_role("button", name="New collection").click()
    page.get_by_label("Name", exact=True).fill("garden")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_role("button", name="Create", exact=True).click()
    garden = card(page, "garden")
    expect(garden).to_contain_text("There is nothing in it yet.")
    garden.get_by_role("button", name="Ingest").click()
    expect(page.get_by_role("heading", name="Ingest")).to_be_visible()
    expect(page.get_by_role("combobox").first).to_have_value("garden")


@pytest.fixture
def damaged(library: Library, tmp_path: Path) -> Iterator[Served]:
    """A page in front of a collection whose previews are gone."""
    data = library.copy(tmp_path / "data")
    for thumbnail in list((data / "thumbnails").rglob("*.jpg"))[:3]:
        thumbnail.unlink()
    with served(data, library.corpus) as running:
        yield running


def test_what_is_damaged_is_told_and_repaired(browser: Browser, damaged: Served) -> None:
    with visitors(browser, damaged.address) as visit:
        someone = visit()
        page = someone.go("/collections")
        expect(page.get_by_text("Needs a repair")).to_be_visible()
        someone.shot("collections-needs-a-repair")
        page.get_by_role("button", name="Repair").click()
        expect(page.get_by_text("Healthy")).to_be_visible()
        expect(page.get_by_text("Catalog and index agree on all")).to_be_visible()
