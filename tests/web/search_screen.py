"""The Search screen as a person uses it: by what stands there, never by how it is built."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.web.browsing import Visitor

PLACE = re.compile(r"^Place (\d+), (picture|text|pair), (.+)")
PASTE = """async ([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, {type: 'image/png'}));
  document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
}"""
DROP = """async ([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, {type: 'image/png'}));
  for (const kind of ['dragenter', 'dragover', 'drop'])
    document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
}"""
SENT = "() => new Promise((done) => setTimeout(() => setTimeout(done, 0), 0))"  # timers fire in their order


class SearchScreen:
    """What stands on the screen, and what can be done there."""

    def __init__(self, visitor: Visitor, path: str | None = "/") -> None:
        self.visitor = visitor
        self.page: Page = visitor.page if path is None else visitor.go(path)

    @classmethod
    def on(cls, visitor: Visitor) -> SearchScreen:
        """The screen as it stands, without going anywhere."""
        return cls(visitor, None)

    # --- the bar

    @property
    def field(self) -> Locator:
        return self.page.get_by_label("What you are looking for")

    @property
    def picture(self) -> Locator:
        """The query picture in the bar."""
        return self.page.get_by_alt_text("Your query picture")

    @property
    def picker(self) -> Locator:
        """What opens the instructions."""
        return self.page.locator(".st-key-pick button").first

    @property
    def instructions(self) -> Locator:
        """What can be chosen in the open picker."""
        return self.page.locator(".st-key-groups button")

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name, exact=isinstance(name, str))

    def search(self, text: str) -> SearchScreen:
        """Types and presses Enter once the page is ready, and waits for the results."""
        self.settle()
        self.enter(text)
        return self.wait_for_results(text)

    def enter(self, text: str) -> None:
        """Types and presses Enter."""
        self.listen()
        self.field.fill(text)
        self.field.press("Enter")

    def add_picture(self, file: Path) -> SearchScreen:
        self.button("Picture").click()
        self.page.locator("input[type=file]").set_input_files(file)
        expect(self.picture).to_be_visible()
        self.settle()
        return self

    def paste(self, file: Path) -> SearchScreen:
        self.listen()
        self.page.evaluate(PASTE, [file.name, base64.b64encode(file.read_bytes()).decode()])
        return self

    def drop(self, file: Path) -> SearchScreen:
        self.listen()
        self.page.evaluate(DROP, [file.name, base64.b64encode(file.read_bytes()).decode()])
        return self

    def choose_kind(self, kind: str) -> None:
        self.page.get_by_role("combobox", name=re.compile("Kind of result")).click()
        self.page.get_by_role("option", name=kind, exact=True).click()

    @contextmanager
    def options(self) -> Iterator[None]:
        """Inside, the options are open."""
        self.button(re.compile("^Options")).click()
        expect(self.page.get_by_label("Number of results")).to_be_visible()
        yield
        self.page.keyboard.press("Escape")

    def slide(self, label: str, key: str) -> None:
        """Moves a slider with a key of the keyboard."""
        self.page.get_by_role("slider", name=label).press(key)

    # --- results

    @property
    def tiles(self) -> Locator:
        return self.page.get_by_role("listitem", name=re.compile("^Place"))

    def tile(self, words: str) -> Locator:
        """The first tile whose name has these words."""
        return self.page.get_by_role("listitem", name=re.compile(rf"^Place .*{re.escape(words)}", re.IGNORECASE)).first

    @property
    def names(self) -> Sequence[str]:
        return [tile.get_attribute("aria-label") or "" for tile in self.opening.all()]

    @property
    def opening(self) -> Locator:
        """What opens a tile; its name says what the tile is."""
        return self.tiles.get_by_role("button", name=re.compile("^Place"))

    @property
    def count_line(self) -> Locator:
        return self.page.get_by_text(re.compile(r"^[\d,]+ results? in \d")).first

    def wait_for_results(self, text: str | None = None) -> SearchScreen:
        """Waits until the results of this text are there: the address has it, and nothing is at work any more."""
        if text is not None:
            self.page.wait_for_function("(text) => new URLSearchParams(location.search).get('text') === text", arg=text)
        self.settle()
        expect(self.tiles.first).to_be_visible()
        expect(self.count_line).to_be_visible()
        return self

    def listen(self) -> None:
        """Waits until the page hears keys, paste and drop: its script comes a moment after the first things to be seen."""
        expect(self.page.locator("#uniir-said")).to_be_attached()

    def settle(self) -> None:
        """Waits until the page has sent what was done last, which it does a moment later, and no script is seen to run.

        Where the server is slow to begin that is too early: what is to come has to be expected, not read.
        """
        self.page.evaluate(SENT)
        expect(self.page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")

    def expect_only(self, kind: str) -> None:
        """Waits until results are there, all of this kind: picture, text or pair."""
        expect(self.tiles.get_by_role("button", name=re.compile(rf"^Place \d+, (?!{kind},)"))).to_have_count(0)
        expect(self.opening.first).to_be_visible()

    def expect_another_kind_than(self, kind: str) -> None:
        """Waits until there is a result that is not of this kind."""
        expect(self.tiles.get_by_role("button", name=re.compile(rf"^Place \d+, (?!{kind},)")).first).to_be_visible()

    # --- a result

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def open(self, number: int) -> None:
        """Opens a tile, counted from 0, with a click."""
        self.opening.nth(number).click()
        expect(self.dialog).to_contain_text("Why this result")

    def focus_tile(self, number: int) -> None:
        self.opening.nth(number).focus()

    def expect_focus_on_place(self, place: int) -> None:
        expect(self.page.locator(":focus")).to_have_attribute("aria-label", re.compile(rf"^Place {place},"))

    def script(self, expression: str) -> Any:
        return self.page.evaluate(expression)
