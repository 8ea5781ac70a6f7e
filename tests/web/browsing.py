"""A visitor's browser: what they see, and what the browser complains about."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request

from tests.cli.running import ROOT

SCREENSHOTS = Path(os.environ.get("UNIIR_SCREENSHOTS", ROOT / ".screenshots"))
SLOWER = float(os.environ.get("UNIIR_TEST_SLOWER", "1"))  # times, for the browser's processor: it shows what is asked of a page too early
DESK, PHONE = (1440, 900), (390, 844)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def find_chromium(playwright: Playwright) -> Path | None:
    """The system's Chromium, else the one that Playwright has downloaded, else none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is not None:
        return Path(found)
    downloaded = Path(playwright.chromium.executable_path)
    return downloaded if downloaded.exists() else None


def launch(playwright: Playwright, chromium: Path) -> Browser:
    return playwright.chromium.launch(executable_path=chromium, headless=True, args=list(ARGUMENTS))


class Visitor:
    """One person with a browser of their own: cookies, clipboard and session are nobody else's."""

    def __init__(self, browser: Browser, address: str, *, size: tuple[int, int] = DESK, dark: bool = False) -> None:
        self.address = address
        self.complaints: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        width, height = size
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            has_touch=size == PHONE,
        )
        self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        self.context.set_default_timeout(60_000)
        self.page: Page = self.context.new_page()
        if SLOWER > 1:
            self.context.new_cdp_session(self.page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self._complain(f"error in a script: {error}"))
        self.context.on("request", self._request)

    def close(self) -> None:
        self.context.close()

    def go(self, path: str = "/") -> Page:
        self.page.goto(f"{self.address}{path}")
        return self.page

    def shot(self, name: str, *, whole: bool = False) -> None:
        """Keeps what is seen now, for people to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)

    def overflow(self) -> int:
        """How many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def expects(self, pattern: str) -> None:
        """What the browser may complain about from now on, as when the service is gone."""
        self._expected.append(re.compile(pattern))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._complain(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            self._complain(f"a request left this machine: {request.url}")

    def _complain(self, text: str) -> None:
        if not any(pattern.search(text) for pattern in self._expected):
            self.complaints.append(text)
