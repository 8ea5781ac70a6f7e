"""The commands over a real Milvus server: as with the embedded one, and when it goes away in the middle."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.arithmetic import ArithmeticEncoder
from tests.cli.running import Cli
from tests.folders import lay
from tests.servers.milvus import MilvusServer
from uniir.protocols import Prepared

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


def test_a_run_over_a_server_that_dies_says_so_and_goes_on_when_it_is_back(
    far: Cli, milvus_server: MilvusServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.set("milvus_write_seconds", "3")
    corpus = lay(tmp_path / "corpus", {f"{number}.txt": f"note number {number}" for number in range(1500)})
    with monkeypatch.context() as patched:
        patched.setattr(ArithmeticEncoder, "encode", _killing_after(4, milvus_server))
        done = far("ingest", corpus)
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


def _killing_after(batches: int, server: MilvusServer) -> Callable[[ArithmeticEncoder, Prepared], NDArray[np.float32]]:
    """An encoder's `encode` that kills the server when so many batches are done: in the middle of the run, however fast that is."""
    encode, counted = ArithmeticEncoder.encode, itertools.count()

    def encode_and_kill(self: ArithmeticEncoder, batch: Prepared) -> NDArray[np.float32]:
        if next(counted) == batches:
            server.order("kill")
        return encode(self, batch)

    return encode_and_kill
