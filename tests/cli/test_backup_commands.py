"""uniir backup and restore from the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import Cli
from tests.folders import lay, picture


def test_a_collection_is_backed_up_deleted_and_restored(uniir: Cli, tmp_path: Path) -> None:
    corpus, backup = lay(tmp_path / "corpus", {"cat.jpg": picture(1), "boat.txt": "a boat at sunset"}), tmp_path / "backup"
    uniir("ingest", corpus)
    before = uniir("search", "a boat", "--json").json["hits"]
    would = uniir("backup", backup, "--dry-run")
    assert "2 documents, 1 space, 2 vectors, 2 thumbnails, 0 judgments would be written to" in would.out
    assert not backup.exists()
    assert uniir("backup", backup).code == 0
    assert uniir("restore", backup).code == 2
    assert uniir("delete", "--all", "--yes").code == 0
    assert "would be restored from" in uniir("restore", backup, "--dry-run").out
    assert uniir("restore", backup, "--json").json["documents"] == 2
    assert uniir("search", "a boat", "--json").json["hits"] == before
    assert uniir("doctor").code == 0
    damaged = backup / "rows" / "documents.jsonl"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    refused = uniir("restore", backup, "--collection", "other")
    assert refused.code == 2
    assert str(damaged) in refused.err


def test_a_restore_is_tried_without_making_the_directory_that_it_would_fill(uniir: Cli, tmp_path: Path) -> None:
    corpus, backup, elsewhere = lay(tmp_path / "corpus", {"boat.txt": "a boat at sunset"}), tmp_path / "backup", tmp_path / "elsewhere"
    uniir("ingest", corpus)
    uniir("backup", backup)
    would = uniir("restore", backup, "--collection", "harbour", "--dry-run", "--data-dir", elsewhere)
    assert "harbour: 1 document, 1 space, 1 vector, 0 thumbnails, 0 judgments would be restored from" in would.out
    uniir("delete", "--all", "--yes")
    assert uniir("restore", backup, "--collection", "harbour", "--dry-run").out == would.out
    assert uniir("restore", backup, "--collection", "a/b", "--dry-run", "--data-dir", elsewhere).code == 2
    (backup / "rows" / "documents.jsonl").write_bytes(b"")
    assert uniir("restore", backup, "--dry-run", "--data-dir", elsewhere).code == 2
    assert not elsewhere.exists()


def test_a_backup_takes_the_place_of_no_other_collection_s(uniir: Cli, tmp_path: Path) -> None:
    corpus, backup = lay(tmp_path / "corpus", {"boat.txt": "a boat at sunset"}), tmp_path / "backup"
    uniir("ingest", corpus)
    uniir("ingest", corpus, "--collection", "other")
    assert uniir("backup", backup).code == 0
    refused = uniir("backup", backup, "--collection", "other")
    assert refused.code == 2
    assert "the backup of another collection, default" in refused.err
    assert uniir("backup", backup).code == 0
    assert json.loads((backup / "backup.json").read_text())["collection"] == "default"
