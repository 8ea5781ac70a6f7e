"""Tests of somebody's own servers: only for who asks for them by `-m live`."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "live: on servers of one's own, named in UNIIR_LIVE_... (docs/stores.md)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "live" in (config.option.markexpr or ""):
        return
    here = Path(__file__).parent
    unasked = [one for one in items if here in one.path.parents]
    config.hook.pytest_deselected(items=unasked)
    items[:] = [one for one in items if one not in unasked]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Loud, since who asked for these wants to know."""
    skipped = [one for one in terminalreporter.stats.get("skipped", ()) if one.nodeid.startswith("tests/live/")]
    if skipped:
        terminalreporter.write_line(f"\n{len(skipped)} TESTS OF YOUR OWN SERVERS DID NOT RUN:", red=True)
        for reason in sorted({str(one.longrepr[2]) for one in skipped if isinstance(one.longrepr, tuple)}):
            terminalreporter.write_line(f"  {reason.removeprefix('Skipped: ')}", red=True)
