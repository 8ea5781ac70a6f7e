"""Real browsers in front of a real `uniir ui`. Without a Chromium these tests are skipped, and the summary says so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.web.browsing import Visitor, find_chromium, launch
from tests.web.serving import Library, Served, make_library, served

REQUIRED = os.environ.get("UNIIR_REQUIRE_BROWSER") == "1"
NO_BROWSER = "no Chromium: install the package `chromium`, or run `playwright install chromium`"

expect.set_options(timeout=60_000)  # of a busy machine: nothing here takes as many seconds on a quiet one

# One event loop runs while Playwright does; these end with this folder, so that other tests can have loops of their own.


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    chromium = find_chromium(playwright)
    if chromium is None:
        (pytest.fail if REQUIRED else pytest.skip)(NO_BROWSER)
    browser = launch(playwright, chromium)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def library(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make_library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="package")
def page_server(library: Library) -> Iterator[Served]:
    """The page that most tests share; what they leave behind is their own collection."""
    with served(library.data, library.corpus) as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, page_server: Served) -> Iterator[Callable[..., Visitor]]:
    """`visitor()` is a person with a browser in front of the shared page."""
    with visitors(browser, page_server.address) as visit:
        yield visit


@contextmanager
def visitors(browser: Browser, address: str) -> Iterator[Callable[..., Visitor]]:
    """Makes people with browsers; afterwards no browser may have complained."""
    known: list[Visitor] = []

    def visit(**options: object) -> Visitor:
        known.append(Visitor(browser, address, **options))  # type: ignore[arg-type]
        return known[-1]

    yield visit
    complaints = [complaint for one in known for complaint in one.complaints]
    for one in known:
        one.close()
    assert complaints == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", ()) if NO_BROWSER in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"WARNING: {len(skipped)} browser tests did not run: {NO_BROWSER}.", yellow=True, bold=True)
