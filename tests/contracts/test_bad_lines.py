"""Servers that answer slowly, break off in the middle, or have no room left: all is told or tried again, and nothing is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from storage.exact import ExactVectors
from storage.milvus.collections import Collections
from storage.milvus.connection import Patience, Server, open_server
from storage.milvus.store import MilvusVectors
from tests.contracts.vector_store_contract import DIMENSION, bare, held, modality_of, unit_rows
from tests.folders import lay, picture
from tests.local.places import ingested, local_service
from tests.servers.catalogs import REQUIRED
from tests.servers.disks import make_room, mounted
from tests.servers.doors import Line, door
from tests.servers.milvus import MilvusServer
from tests.servers.postgres import PostgresServer
from uniir.documents import Modality
from uniir.errors import StoreUnavailable
from uniir.filters import EVERYTHING
from uniir.wire import DoctorRequest, JobAnswer, JobState, SearchRequest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("line", [Line(pause=0.03), Line(breaks_after=(4_000, 40_000))], ids=["slow", "breaking"])
def test_vectors_are_written_and_found_over_a_bad_line(milvus_server: MilvusServer, line: Line) -> None:
    port = int(milvus_server.address.rsplit(":", 1)[1])
    exact, rows = ExactVectors(DIMENSION), unit_rows(3000)
    with door(lambda: asyncio.open_connection("127.0.0.1", port), line) as bad:
        collections = Collections(open_server(Server(f"http://127.0.0.1:{bad}", patience=Patience(search=60, write=120))), owner="tests")
        far = MilvusVectors(collections, "bad_line", DIMENSION)
        for store in (far, exact):
            for start in range(0, 3000, 150):
                ids = list(range(start, start + 150))
                store.upsert(bare(ids, rows[start : start + 150], [modality_of(one) for one in ids]))
                store.delete(ids[:20])
            store.finish()
        assert held(far) == held(exact)
        for question in unit_rows(20, seed=3):
            ours, theirs = (store.search(question[None], 30, EVERYTHING) for store in (far, exact))
            assert ours.ids.tolist() == theirs.ids.tolist()
            np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-5)
        collections.drop("bad_line")
        collections.milvus.close()
    assert line.pause or line.broken > 3


def test_a_server_that_takes_no_more_is_told_as_full_and_still_searched(tmp_path: Path) -> None:
    limits = "quotaAndLimits.limitWriting.diskProtection"
    quota = {"quotaAndLimits.enabled": True, "quotaAndLimits.quotaCenterCollectInterval": 1, f"{limits}.enabled": True}
    try:
        full = MilvusServer(tmp_path / "full", **quota, **{f"{limits}.diskQuota": 1})
        full.start()
    except OSError as error:
        (pytest.fail if REQUIRED else pytest.skip)(f"no Milvus server can be started here: {error}")
    collections = Collections(open_server(Server(full.address, patience=Patience(search=20, write=20))))
    store, rows = MilvusVectors(collections, "full", 256), unit_rows(1000, 256)
    taken: list[int] = []

    def write_until_it_refuses() -> None:
        for start in range(0, 20_000, 1000):
            store.upsert(bare(range(start, start + 1000), rows, [Modality.TEXT] * 1000))
            store.finish()
            taken.extend(range(start, start + 1000))

    with pytest.raises(StoreUnavailable, match="quota exceeded") as refused:
        write_until_it_refuses()
    assert "give it memory or disk" in refused.value.way_out
    assert taken
    assert held(store) == taken
    assert store.search(rows[:1], 1, EVERYTHING).ids[0, 0] == 0
    collections.milvus.close()
    full.close()


def _corpus(place: Path, count: int) -> Path:
    return lay(place / "corpus", {**{f"{n}.jpg": picture(n) for n in range(count)}, "boat.txt": "a blue boat"})


def _until_done(place: Path, url: str, corpus: Path, meanwhile: Callable[[JobAnswer | StoreUnavailable], None]) -> int:
    """Runs the same again until it is done; how often."""
    for times in range(1, 60):
        try:
            with local_service(place, catalog_url=url) as service:
                ended = ingested(service, corpus)
                if ended.state is JobState.DONE:
                    return times
                assert ended.problem is not None
                assert ended.problem.code == "store-unavailable", ended.problem
                meanwhile(ended)
        except StoreUnavailable as error:
            meanwhile(error)
    raise AssertionError("it never came to its end")


def _is_whole(place: Path, url: str, count: int) -> None:
    with local_service(place, catalog_url=url) as service:
        assert service.doctor(DoctorRequest()).findings == []
        assert sum(service.collections().collections[0].documents.indexed.values()) == count
        assert service.search(SearchRequest(text="a blue boat", k=1)).hits[0].text == "a blue boat"


@pytest.mark.parametrize("line", [Line(pause=0.005), Line(breaks_after=(30_000, 250_000))], ids=["slow", "breaking"])
def test_an_ingest_comes_to_its_end_over_a_bad_line_to_the_catalog(
    tmp_path: Path, postgres: str, postgres_server: PostgresServer, line: Line
) -> None:
    corpus = _corpus(tmp_path, 120)
    with door(lambda: asyncio.open_unix_connection(postgres_server.socket), line) as bad:
        times = _until_done(tmp_path, postgres_server.through(postgres, bad), corpus, lambda _: None)
    assert (times == 1) == (line.breaks_after is None)
    _is_whole(tmp_path, postgres, 121)


def test_an_ingest_into_a_database_whose_disk_is_full_goes_on_when_there_is_room(
    tmp_path: Path, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    corpus = _corpus(tmp_path, 300)
    told: list[str] = []

    def told_so(told_of: JobAnswer | StoreUnavailable) -> None:
        told.append(str(told_of.problem) if isinstance(told_of, JobAnswer) else str(told_of))
        make_room(disk)

    with mounted(Path(postgres_server.socket.parent) / f"disk-{tmp_path.name}", 9_000) as disk:
        url = postgres_server.fresh_on(disk)
        try:
            times = _until_done(tmp_path, url, corpus, told_so)
            assert times > 1
            assert "Make room on the server's disk" in told[0]
            _is_whole(tmp_path, url, 301)
        finally:
            postgres_server.drop_with_its_place(url)
