"""The page in Chromium: from `uniir ui` to a page that can be used, and from Enter to the first results.

A collection of the demo's photographs, captions and notes. The service's own time of each search is read from its /metrics, so what is
left is what the page and the browser add. Needs the package `chromium` or Playwright's own.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from bench.inputs import sentence
from bench.report import PLACE, ROOT, Number, command, options, progress, report
from demo.corpus import build
from encoders.starter.encoder import StarterEncoder
from models.devices import Device

READY_SECONDS = 3.0
ADDED_MS = 150.0
_FIELD = "What you are looking for"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"]
# The page itself keeps when Enter was pressed and which results stood there; then the first frame with others, for this text, counts.
_WATCH = """() => {
  window.standing = () => [...document.querySelectorAll('.ug-tile')].map((tile) => tile.dataset.id).join();
  addEventListener('keydown', (event) => {
    if (event.key === 'Enter') { window.pressed = performance.now(); window.before = window.standing(); }
  }, true); }"""
_SHOWN = """(text) => {
  const asked = new URLSearchParams(location.search).get('text'), now = window.standing();
  return asked === text && now && now !== window.before ? performance.now() - window.pressed : false; }"""


def main() -> None:
    given = options(__doc__)
    space = StarterEncoder.load(Device()).space
    data, corpus = PLACE / f"page-{space.fingerprint}", PLACE / "page-corpus"
    build(corpus, PLACE / "page-questions")
    subprocess.run(command("ingest", str(corpus), "--data-dir", str(data)), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(playwright.chromium.executable_path), args=_ARGUMENTS)
        starts = [_start(browser, str(data)) for _ in range(3 if given.quick else 7)]
        with _served(str(data)) as address:
            searches = _searches(browser, address, 10 if given.quick else 30)
        browser.close()
    report("page", given, [_readiness(starts), searches])


def _chromium(downloaded: str) -> str:
    """The system's, else Playwright's own."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or downloaded


def _start(browser: Browser, data: str) -> tuple[float, float, float]:
    """Seconds from the command to an answering port, to a field one can type into, and to the first example's picture."""
    begun = time.perf_counter()
    with _served(data) as address:
        answering = time.perf_counter() - begun
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(address)
            page.get_by_label(_FIELD).wait_for()
            usable = time.perf_counter() - begun
            page.get_by_text("Try one of these").wait_for()
            return answering, usable, time.perf_counter() - begun


def _readiness(starts: Sequence[tuple[float, float, float]]) -> Number:
    answering, usable, filled = (statistics.median(values) for values in zip(*starts, strict=True))
    figures = {
        "port answers, median s": round(answering, 2),
        "examples shown, median s": round(filled, 2),
        "slowest usable page, s": round(max(start[1] for start in starts), 2),
        "starts": len(starts),
    }
    return Number("`uniir ui` to a page one can type into, median s", usable, f"< {READY_SECONDS:g} s", usable < READY_SECONDS, figures)


def _searches(browser: Browser, address: str, count: int) -> Number:
    whole, own = [], []
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_label(_FIELD).wait_for()
        page.evaluate(_WATCH)
        for number in range(-3, count):  # the first few load what is loaded once
            text = sentence(10**9 + number, words=6)
            before = _service_ms(address)
            took = _enter(page, text)
            if number >= 0:
                whole.append(took)
                own.append(_service_ms(address) - before)
    added = [one - other for one, other in zip(whole, own, strict=True)]
    figures = {
        "Enter to results p50, ms": _quantile(whole, 50),
        "Enter to results p95, ms": _quantile(whole, 95),
        "the service's own answer p50, ms": _quantile(own, 50),
        "added p95, ms": _quantile(added, 95),
        "searches": count,
    }
    value = float(np.median(added))
    return Number("what the page adds to a search, p50 ms", value, f"<= {ADDED_MS:g} ms", value <= ADDED_MS, figures)


def _enter(page: Page, text: str) -> float:
    field = page.get_by_label(_FIELD)
    field.fill(text)
    field.press("Enter")
    return float(page.wait_for_function(_SHOWN, arg=text, polling="raf").json_value())


def _service_ms(address: str) -> float:
    """All milliseconds that the service has spent on searches so far."""
    told = httpx.get(f"{address}/metrics", trust_env=False).text
    found = re.search(r'uniir_search_stage_seconds_sum\{stage="total"\} (\S+)', told)
    return float(found[1]) * 1000 if found else 0.0


@contextmanager
def _served(data: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    words = command("ui", "--port", str(port), "--data-dir", data)
    process = subprocess.Popen(words, cwd=ROOT, env=os.environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        begun = time.monotonic()
        while not _answers(address):
            if process.poll() is not None:
                raise SystemExit(f"`uniir ui` ended with {process.returncode}.")
            if time.monotonic() > begun + 60:
                raise SystemExit(f"`uniir ui` does not answer; does somebody else own {data}?")
            time.sleep(0.01)
        yield address
    finally:
        process.terminate()
        process.wait(30)
        progress(f"stopped {address}")


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", timeout=1, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _quantile(values: Sequence[float], percent: int) -> float:
    return round(float(np.percentile(values, percent)), 1)


if __name__ == "__main__":
    main()
