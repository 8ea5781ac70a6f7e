"""A real Milvus server that dies, stands still, is not there, or lets in only who brings what it wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from storage.milvus.collections import Collections
from storage.milvus.connection import Patience, Server, open_server
from storage.milvus.store import MilvusVectors
from tests.contracts.far import Far
from tests.contracts.vector_store_contract import DIMENSION, bare, fill, found, held, unit_rows
from tests.servers.catalogs import REQUIRED
from tests.servers.milvus import MilvusServer
from tests.servers.tls import certificate, tls_door
from uniir.documents import Modality
from uniir.errors import StoreUnavailable
from uniir.filters import EVERYTHING

pytestmark = pytest.mark.slow


def test_a_server_that_is_killed_in_the_middle_of_writes_loses_no_row_that_it_took(milvus_server: MilvusServer, far: Far) -> None:
    store = far.open(Patience(search=60, write=300))
    rows = unit_rows(100)
    taken: list[int] = []
    enough = threading.Event()

    def write() -> None:
        while not enough.is_set():
            ids = range(len(taken), len(taken) + 100)
            store.upsert(bare(ids, rows, [Modality.TEXT] * 100))
            taken.extend(ids)

    with ThreadPoolExecutor(1) as hand:
        writer = hand.submit(write)
        try:
            _wait_for(taken, 1500, writer)
            milvus_server.order("kill")
            before = len(taken)
            time.sleep(1)
            milvus_server.start()
            _wait_for(taken, before + 1500, writer)
        finally:
            enough.set()
    writer.result()
    assert held(store) == taken
    assert found(store.search(rows[5:6], 1, EVERYTHING))[0] % 100 == 5
    store.finish()
    assert held(far.open()) == taken


def _wait_for(taken: Sequence[int], count: int, writer: Future[None]) -> None:
    while len(taken) < count and not writer.done():
        time.sleep(0.01)


def test_a_server_that_is_away_or_stands_still_is_said_to_be_so_in_time(milvus_server: MilvusServer, far: Far) -> None:
    ids = fill(far.open(), unit_rows(20))
    store = far.open(Patience(search=5, write=10))
    milvus_server.order("stall")
    try:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=milvus_server.address) as refusal:
            store.search(unit_rows(1), 5, EVERYTHING)
        assert time.monotonic() - began < 25
        assert "milvus_uri" in refusal.value.way_out
        assert refusal.value.exit_code == 4
        with pytest.raises(StoreUnavailable):
            store.upsert(bare([1], unit_rows(1), [Modality.TEXT]))
    finally:
        milvus_server.order("resume")
        milvus_server.order("kill")  # what stood still for longer than its lease ends by itself, sooner or later
        milvus_server.start()
    deadline = time.monotonic() + 180
    while True:
        try:
            assert set(ids) <= set(found(store.search(unit_rows(1), 30, EVERYTHING)))
            break
        except StoreUnavailable:
            assert time.monotonic() < deadline


def test_nobody_at_the_address_is_said_so_in_time() -> None:
    nobody = Collections(open_server(Server("http://127.0.0.1:9", patience=Patience(search=1, write=60))))
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"http://127\.0\.0\.1:9: it can't be reached"):
        MilvusVectors(nobody, "points", DIMENSION)
    assert time.monotonic() - began < 40


def test_a_server_behind_tls_lets_in_who_trusts_it_and_brings_the_token(tmp_path: Path) -> None:
    try:
        guarded = MilvusServer(tmp_path / "guarded", token="root:Milvus", authorization_enabled=True)
        guarded.start()
    except OSError as error:
        (pytest.fail if REQUIRED else pytest.skip)(f"no Milvus server can be started here: {error}")
    signed, key = certificate(tmp_path / "door", "milvus.test")
    stranger, _ = certificate(tmp_path / "stranger", "milvus.test")
    with tls_door(int(guarded.address.rsplit(":", 1)[1]), signed, key) as port:
        right = Server(
            f"https://127.0.0.1:{port}", "root:Milvus", server_name="milvus.test", ca_file=signed, patience=Patience(search=30, write=60)
        )
        collections = Collections(open_server(right))
        assert len(fill(MilvusVectors(collections, "points", DIMENSION), unit_rows(5))) == 5
        collections.milvus.close()
        for wrong, way_out in (
            (replace(right, token="root:wrong"), "milvus_token"),
            (replace(right, ca_file=stranger, patience=Patience(write=1)), "milvus_uri"),
        ):
            collections = Collections(open_server(wrong))
            with pytest.raises(StoreUnavailable) as refusal:
                collections.names()
            assert way_out in refusal.value.way_out
            assert "Milvus:wrong" not in str(refusal.value)
            collections.milvus.close()
    guarded.close()
