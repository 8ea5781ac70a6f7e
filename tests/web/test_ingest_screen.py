"""Ingesting from the page: a folder, one's own files, what could not be read, and stopping."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cli.running import held_command
from tests.folders import lay, picture
from tests.web.browsing import Visitor
from tests.web.conftest import visitors
from tests.web.search_screen import SearchScreen
from tests.web.serving import Library, served

pytestmark = pytest.mark.slow
Visit = Callable[..., Visitor]


def ingest_screen(someone: Visitor, collection: str) -> Page:
    """The screen with a collection chosen that is new."""
    page = someone.go(f"/ingest?collection={collection}")
    expect(page.get_by_role("heading", name="Ingest")).to_be_visible()
    expect(page.get_by_label("Folder", exact=True)).to_be_visible()
    return page


def start(page: Page, folder: str) -> None:
    page.get_by_label("Folder", exact=True).fill(folder)
    page.get_by_label("Folder", exact=True).press("Enter")
    page.get_by_role("button", name="Start", exact=True).click()


def test_a_folder_with_a_bad_file_is_read_and_the_file_tried_again(visitor: Visit, library: Library) -> None:
    lay(library.corpus, {"autumn": {"leaf.jpg": picture("orange"), "leaf.txt": "an orange leaf", "broken.jpg": picture("red")[:200]}})
    someone = visitor()
    page = ingest_screen(someone, "autumn")
    start(page, "autumn")
    expect(page.get_by_text("Done, 1 failed").first).to_be_visible()
    unread = page.locator(".st-key-rows-failures")
    expect(unread).to_contain_text("autumn/broken.jpg")
    expect(unread).to_contain_text("The picture is damaged or cut off")
    someone.shot("ingest-with-a-failure", whole=True)

    (library.corpus / "autumn" / "broken.jpg").write_bytes(picture("red"))
    page.get_by_role("button", name="Try again", exact=True).click()
    expect(unread).to_be_hidden()
    expect(page.get_by_text("Could not be read")).to_be_hidden()
    expect(page.get_by_text("All of it can be searched now.")).to_be_visible()

    screen = SearchScreen(someone, "/?text=an+orange+leaf&collection=autumn").wait_for_results()
    expect(screen.tiles.first).to_contain_text("an orange leaf")
    expect(screen.tiles).to_have_count(2)


def test_files_of_ones_own_are_added(visitor: Visit, tmp_path: Path) -> None:
    files = lay(tmp_path / "mine", {"dog.jpg": picture(3), "dog.txt": "my dog on the beach"})
    someone = visitor()
    page = ingest_screen(someone, "mine")
    page.get_by_text("My files").click()
    page.locator("input[type=file]").set_input_files([files / "dog.jpg", files / "dog.txt"])
    expect(page.get_by_text("dog.txt")).to_be_visible()
    someone.shot("ingest-my-files")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Uploaded files").first).to_be_visible()
    expect(page.get_by_text("All of it can be searched now.")).to_be_visible()
    screen = SearchScreen(someone, "/?text=my+dog&collection=mine").wait_for_results()
    expect(screen.tiles.first).to_contain_text("my dog on the beach")


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A file: while it is there, ingests of the page of this test stand still after four batches, some of which are told by then."""
    return tmp_path / "gate"


@pytest.fixture
def held_visitor(browser: Browser, library: Library, tmp_path: Path, gate: Path) -> Iterator[Visit]:
    held = partial(held_command, gate, 4, "encoders.starter.encoder:StarterEncoder")
    with served(library.copy(tmp_path / "data"), library.corpus, line=held) as running, visitors(browser, running.address) as visit:
        yield visit
        gate.unlink(missing_ok=True)  # the last cancel may not have reached the service yet, which could not end then


def test_a_running_ingest_is_stopped_and_goes_on(held_visitor: Visit, library: Library, gate: Path) -> None:
    lay(library.corpus, {"many": {f"{number:04}.jpg": picture(number) for number in range(600)}})
    someone = held_visitor()
    page = ingest_screen(someone, "many")
    start(page, "many")
    expect(page.get_by_text(re.compile(r"\d+ of 600 files"))).to_be_visible()
    expect(page.get_by_text("what is done can already be searched")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^[1-9]\d* of 600 files"))).to_be_visible()
    someone.shot("ingest", whole=True)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_text("What is done stays. Go on later from here.")).to_be_visible()
    page.get_by_role("button", name="Cancel the ingest").click()
    expect(page.get_by_text("Cancelled").first).to_be_visible()
    gate.touch()  # who cancels opens it
    page.get_by_role("button", name="Go on").first.click()
    expect(page.get_by_text("Running").first).to_be_visible()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the ingest").click()
    expect(page.get_by_role("button", name="Go on").first).to_be_visible()


@pytest.mark.parametrize(
    ("typed", "said"), [("/etc", "may not be read from here"), ("../..", "leaves its folder"), ("not-there", "not-there")]
)
def test_a_folder_that_can_not_be_read_is_refused_in_place(visitor: Visit, typed: str, said: str) -> None:
    page = ingest_screen(visitor(), "nothing")
    start(page, typed)
    expect(page.get_by_text(re.compile(said)).first).to_be_visible()
