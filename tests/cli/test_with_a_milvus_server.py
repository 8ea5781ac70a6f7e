"""The commands over a real Milvus server: as with the embedded one, and when it goes away in the middle."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.running import Cli
from tests.folders import lay
from tests.servers.milvus import MilvusServer

pytestmark = pytest.mark.slow


@pytest.fixture
def far(uniir: Cli, milvus_server: MilvusServer) -> Cli:
    """Each with a database of its own on the server."""
    uniir.set("vector_store", "milvus")
    uniir.set("milvus_uri", milvus_server.address)
    uniir.set("milvus_database", f"test_{time.time_ns()}")
    return uniir


def test_commands_do_the_same_over_a_server(far: Cli, tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", {"dog.txt": "a dog", "cat.txt": "a cat"})
    done = far("ingest", corpus, "--json").json
    assert done["added"] == 2
    assert any("Index FLAT: Milvus 2.3.5" in note for note in done["notes"])
    assert far("search", "a dog", "--json").json["hits"][0]["text"] == "a dog"
    assert far("doctor").code == 0
    (corpus / "cat.txt").unlink()
    assert far("ingest", corpus, "--prune", "--json").json["deleted"] == 1
    assert far("rebuild").code == 0
    assert "finds 100.0% of the ten nearest" in far("doctor").out
    assert not (far.data / "vectors").exists()


def test_a_run_over_a_server_that_dies_says_so_and_goes_on_when_it_is_back(far: Cli, milvus_server: MilvusServer, tmp_path: Path) -> None:
    far.set("milvus_write_seconds", "3")
    corpus = lay(tmp_path / "corpus", {f"{number}.txt": f"note number {number}" for number in range(1500)})
    assassin = threading.Thread(target=_kill_when_some_are_indexed, args=(far.data / "catalog.sqlite", milvus_server))
    assassin.start()
    done = far("ingest", corpus)
    assassin.join()
    assert done.code == 4
    assert milvus_server.address in done.err
    assert "takes up where this one ended" in done.err
    done = far("search", "note number 7")
    assert (done.code, milvus_server.address in done.err) == (4, True)
    milvus_server.start()
    far.set("milvus_write_seconds", "120")
    assert far("ingest", corpus).code == 0
    assert far("doctor").code == 0
    assert len(far("search", "note number 7", "--json").json["hits"]) == 10
    assert far("status", "--json").json["collections"][0]["documents"]["indexed"]["text"] == 1500


def _kill_when_some_are_indexed(catalog: Path, server: MilvusServer) -> None:
    while True:
        time.sleep(0.02)
        if catalog.exists():
            try:
                with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as connection:
                    if connection.execute("select count(*) from embeddings where state = 'indexed'").fetchone()[0] > 100:
                        server.order("kill")
                        return
            except sqlite3.OperationalError:
                continue  # not made yet
