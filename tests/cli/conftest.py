"""The command line with a data directory of the test's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine

from storage.sql.databases import sqlite
from tests.cli.running import Cli
from tests.worlds import migrated_catalog


@pytest.fixture
def uniir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    engines, ready_made = sqlite.writer_and_reader, migrated_catalog()

    def migrated_already(url: URL) -> tuple[Engine, Engine]:
        """A new catalog is a copy of one; the steps to it are tested in tests/storage, and by every command in a process of its own."""
        file = Path(str(url.database))
        if file.parent.is_dir() and not file.exists():
            shutil.copyfile(ready_made, file)
        return engines(url)

    monkeypatch.setattr(sqlite, "writer_and_reader", migrated_already)
    return Cli(tmp_path, monkeypatch, capsys)
