"""A real Milvus server that dies, stands still, is not there, or lets in only who brings what it wants."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from storage.milvus.collections import Collections
from storage.milvus.connection import Patience, Server, open_server
from storage.milvus.store import MilvusVectors
from tests.contracts.far import Far
from tests.contracts.vector_store_contract import DIMENSION, fill, found, held, unit_rows
from tests.servers.catalogs import REQUIRED
from tests.servers.milvus import MilvusServer
from tests.servers.tls import certificate, tls_door
from uniir.documents import Modality
from uniir.errors import StoreUnavailable
from uniir.filters import EVERYTHING

pytestmark = pytest.mark.slow


def test_a_server_that_is_killed_in_the_middle_of_writes_loses_no_row_that_it_took(milvus_server: MilvusServer, far: Far) -> None:
    store = far.open()
    rows = unit_rows(6000)
    taken: list[int] = []

    def write() -> None:
        for start in range(0, 6000, 100):
            store.upsert(range(start, start + 100), rows[start : start + 100], [Modality.TEXT] * 100)
            taken.extend(range(start, start + 100))

    writer = threading.Thread(target=write)
    writer.start()
    while len(taken) < 1500:
        time.sleep(0.01)
    milvus_server.order("kill")
    before = len(taken)
    time.sleep(1)
    milvus_server.start()
    writer.join(120)
    assert before < 6000
    assert len(taken) == 6000
    assert held(store) == list(range(6000))
    assert found(store.search(rows[5:6], 1, EVERYTHING)) == [5]
    store.finish()
    assert held(far.open()) == list(range(6000))


def test_a_server_that_is_away_or_stands_still_is_said_to_be_so_in_time(milvus_server: MilvusServer, far: Far) -> None:
    ids = fill(far.open(), unit_rows(20))
    store = far.open(Patience(search=2, write=8))
    milvus_server.order("stall")
    try:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=milvus_server.address) as refusal:
            store.search(unit_rows(1), 5, EVERYTHING)
        assert time.monotonic() - began < 8
        assert "milvus_uri" in refusal.value.way_out
        assert refusal.value.exit_code == 4
        with pytest.raises(StoreUnavailable):
            store.upsert([1], unit_rows(1), [Modality.TEXT])
    finally:
        milvus_server.order("resume")
        milvus_server.order("kill")  # what stood still for longer than its lease ends by itself, sooner or later
        milvus_server.start()
    deadline = time.monotonic() + 60
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
    assert time.monotonic() - began < 20


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
            f"https://127.0.0.1:{port}", "root:Milvus", server_name="milvus.test", ca_file=signed, patience=Patience(search=5, write=20)
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
