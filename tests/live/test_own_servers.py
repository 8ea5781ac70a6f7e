"""Somebody's own Milvus and Postgres: every index type that this Milvus builds, its limits, and an installation on both.

    UNIIR_LIVE_MILVUS_URI=http://HOST:19530 [UNIIR_LIVE_MILVUS_TOKEN=USER:PASSWORD] [UNIIR_LIVE_MILVUS_GPU=auto|yes|no|try]
    UNIIR_LIVE_POSTGRES_URL=postgresql://USER:PASSWORD@HOST/postgres     a role that may create databases
    UNIIR_LIVE_ROWS=20000

What is made there carries a name that begins with `uniir_live_`, and is removed at the end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import create_engine, make_url, text

from storage.exact import ExactVectors
from storage.milvus.choosing import Wanted
from storage.milvus.collections import Collections
from storage.milvus.connection import Gpu, Milvus, Patience, Server, open_server
from storage.milvus.indexes import IndexType
from storage.milvus.store import MilvusVectors
from tests.contracts.vector_store_contract import fill, found, held
from tests.folders import lay, picture
from tests.local.places import ingested, local_service
from uniir.errors import SettingsError, UsageError
from uniir.filters import EVERYTHING, Filter
from uniir.wire import DeleteRequest, DoctorRequest, JobState, RebuildRequest, SearchRequest

pytestmark = pytest.mark.live

# read now, since no test sees such variables
_MILVUS = os.environ.get("UNIIR_LIVE_MILVUS_URI")
_TOKEN = os.environ.get("UNIIR_LIVE_MILVUS_TOKEN", "")
_GPU: dict[str, Gpu] = {"auto": None, "yes": True, "no": False, "try": "try"}
_WITH_GPU = os.environ.get("UNIIR_LIVE_MILVUS_GPU", "auto")
_POSTGRES = os.environ.get("UNIIR_LIVE_POSTGRES_URL")
_ROWS = int(os.environ.get("UNIIR_LIVE_ROWS", "20000"))
_DIMENSION = 64
_LEAST_RECALL = 0.97

needs_milvus = pytest.mark.skipif(not _MILVUS, reason="UNIIR_LIVE_MILVUS_URI names no Milvus server")
needs_postgres = pytest.mark.skipif(not _POSTGRES, reason="UNIIR_LIVE_POSTGRES_URL names no Postgres")


@pytest.fixture(scope="module")
def milvus() -> Iterator[Milvus]:
    one = open_server(Server(_MILVUS or "", _TOKEN, patience=Patience(search=60, write=300, build=3600), gpu=_GPU[_WITH_GPU]))
    yield one
    one.close()


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """In clusters, as embeddings lie; the last hundred are questions."""
    random = np.random.default_rng(5)
    centres = random.normal(size=(200, _DIMENSION))
    made = (centres[random.integers(0, 200, _ROWS + 100)] + 0.5 * random.normal(size=(_ROWS + 100, _DIMENSION))).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def exact(rows: np.ndarray) -> ExactVectors:
    one = ExactVectors(_DIMENSION)
    fill(one, rows[:_ROWS], first_id=0)
    return one


@needs_milvus
@pytest.mark.parametrize("index", list(IndexType))
def test_an_index_of_each_type_finds_what_it_should_within_its_limits(
    milvus: Milvus, rows: np.ndarray, exact: ExactVectors, index: IndexType
) -> None:
    collections = Collections(milvus, Wanted(index), owner="live tests")
    name = f"uniir_live_{uuid4().hex}"
    if index not in milvus.engine.builds:
        with pytest.raises(SettingsError, match="builds no index of type"):
            MilvusVectors(collections, name, _DIMENSION)
        pytest.skip(f"{milvus.engine.name} builds no {index}")
    try:
        store = MilvusVectors(collections, name, _DIMENSION)
        fill(store, rows[:_ROWS], first_id=0)
        assert store.report.kind == index
        questions = rows[_ROWS:]
        pairs = zip(store.search(questions, 10, EVERYTHING).ids, exact.search(questions, 10, EVERYTHING).ids, strict=True)
        recall = float(np.mean([len(set(ours.tolist()) & set(theirs.tolist())) / 10 for ours, theirs in pairs]))
        print(f"{milvus.engine.name}: {index} finds {recall:.1%} of the ten nearest of {_ROWS:,}; it says of itself {store.report}")
        assert recall >= _LEAST_RECALL
        scores = store.search(rows[:5], 1, EVERYTHING).scores[:, 0]
        np.testing.assert_allclose(scores, 1, atol=1e-3)
        assert len(found(store.search(questions[:1], 200, EVERYTHING))) >= 190
        most = store.most_results
        assert found(store.search(questions[:1], most, EVERYTHING))
        with pytest.raises(UsageError):
            store.search(questions[:1], most + 1, EVERYTHING)
        some = frozenset(range(100, 140))
        assert sorted(found(store.search(questions[:1], 60, Filter(only=some, without=frozenset({100}))))) == list(range(101, 140))
        store.delete(list(range(50)))
        store.finish()
        assert held(store) == list(range(50, _ROWS))
        assert held(MilvusVectors(collections, name, _DIMENSION)) == list(range(50, _ROWS))
    finally:
        collections.drop(name)


@pytest.fixture
def catalog_url() -> Iterator[str]:
    """An empty database, which goes at the end."""
    place = make_url((_POSTGRES or "").replace("postgres://", "postgresql://")).set(drivername="postgresql+psycopg")
    name = f"uniir_live_{uuid4().hex}"
    engine = create_engine(place, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"))
    yield place.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@needs_postgres
@pytest.mark.parametrize("vectors", ["exact", pytest.param("milvus", marks=needs_milvus)])
def test_an_installation_with_its_catalog_there_is_filled_searched_and_made_anew(tmp_path: Path, catalog_url: str, vectors: str) -> None:
    corpus = lay(
        tmp_path / "corpus", {"boat.txt": "a blue boat", "7.json": '{"tag": "seven"}', **{f"{n}.jpg": picture(n) for n in range(50)}}
    )
    settings: dict[str, object] = {
        "vector_store": vectors,
        "catalog_url": catalog_url,
        "wait_seconds": 30,
        "metadata_fields": {"tag": "text"},
    }
    if vectors == "milvus":
        settings |= {"milvus_uri": _MILVUS, "milvus_gpu": _WITH_GPU} | ({"milvus_token": _TOKEN} if _TOKEN else {})
    with local_service(tmp_path, **settings) as service:
        try:
            assert ingested(service, corpus).state is JobState.DONE
            assert service.search(SearchRequest(text="a blue boat", k=1)).hits[0].text == "a blue boat"
            assert [hit.metadata for hit in service.search(SearchRequest(text="a boat", where="tag=seven")).hits] == [{"tag": "seven"}]
            assert service.doctor(DoctorRequest()).findings == []
            assert service.rebuild(RebuildRequest()).collections[0].written == 51
            (corpus / "0.jpg").unlink()
            assert ingested(service, corpus, prune=True).state is JobState.DONE
            assert service.doctor(DoctorRequest()).findings == []
        finally:
            service.delete(DeleteRequest(whole=True))
