"""Milvus leaves out only what does not fit: random metadata and filters, hostile ones among them, on both engines."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from storage.milvus.choosing import Wanted
from storage.milvus.collections import Collections
from storage.milvus.connection import Server, open_server
from storage.milvus.declared import Column, column_of
from storage.milvus.indexes import IndexType
from storage.milvus.lite import open_lite
from storage.milvus.store import MilvusVectors
from tests.contracts.far import PATIENT
from tests.contracts.vector_store_contract import DIMENSION, found, unit_rows
from tests.filters.oracle import KEYS, WORDS, Chance, holds
from tests.servers.milvus import MilvusServer
from uniir.documents import Document, Json, Modality, Source
from uniir.filter_language import Key, read_filter
from uniir.filters import Filter
from uniir.protocols import Points, StoredVector
from uniir.settings import FieldKind

Open = Callable[[Mapping[str, FieldKind]], MilvusVectors]
"""Opens the one collection of a test as settings with these declared keys do."""
SPELLED = [key for key in KEYS if all(key.split("."))]  # a key that is empty, or has a dot of its own, is no declared one
TAG, YEAR, LABELS = {"tag": FieldKind.TEXT}, {"year": FieldKind.NUMBER}, {"labels": FieldKind.TEXTS}


@pytest.fixture(params=["lite", pytest.param("server", marks=pytest.mark.slow)])
def open_declaring(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    opened: list[Collections] = []
    server: MilvusServer | None = request.getfixturevalue("milvus_server") if request.param == "server" else None

    def open_declaring(fields: Mapping[str, FieldKind]) -> MilvusVectors:
        while opened:
            opened.pop().milvus.close()
        milvus = open_lite(tmp_path) if server is None else open_server(Server(server.address, patience=PATIENT))
        opened.append(Collections(milvus, declared=[Column(Key.spelled(key), kind) for key, kind in fields.items()]))
        return MilvusVectors(opened[-1], "declared", DIMENSION)

    yield open_declaring
    opened[-1].drop("declared")
    opened[-1].milvus.close()


def documents(metadata: Sequence[dict[str, Json]]) -> list[Document]:
    """With ids from 1 on, modalities taking turns."""
    kinds = tuple(Modality)
    return [
        Document(id=number, modality=kinds[number % 3], text="x", source=Source("/c", f"{number}.md"), metadata=one)
        for number, one in enumerate(metadata, start=1)
    ]


def put(store: MilvusVectors, held: Sequence[Document]) -> None:
    store.upsert(Points.of(held, unit_rows(len(held)).astype("float16")))
    store.finish()


def let_through(store: MilvusVectors, words: str) -> list[int]:
    condition = read_filter(words)
    assert condition is not None
    return sorted(found(store.search(unit_rows(1), 50, Filter(where=condition))))


def test_random_filters_lose_nothing_that_fits(open_declaring: Open) -> None:
    chance, kinds = Chance(7), random.Random(7)
    store = open_declaring({key: kinds.choice(list(FieldKind)) for key in SPELLED})
    held = documents([chance.metadata() for _ in range(90)])
    put(store, held)
    narrowed = 0
    for _ in range(150):
        condition = chance.condition()
        passing = set(found(store.search(unit_rows(1), len(held), Filter(where=condition))))
        assert passing >= {one.id for one in held if holds(condition, one)}, condition
        narrowed += len(passing) < len(held)
    assert narrowed > 50


def test_regular_metadata_is_narrowed_to_what_fits_exactly(open_declaring: Open) -> None:
    store = open_declaring({**TAG, **YEAR, **LABELS, "camera.model": FieldKind.TEXT, "taken": FieldKind.TEXT})
    put(
        store,
        documents(
            [
                {"tag": "shoes", "year": 2021, "labels": ["red", "new"], "taken": "2024-05-31"},
                {"tag": "Shoes", "year": 2019.5, "labels": "red", "camera": {"model": "X1"}},
                {"tag": 'a"b', "year": -3, "labels": [], "taken": "2024-06-01T10:00"},
                {"tag": None, "labels": None},
                {},
            ]
        ),
    )
    assert let_through(store, "tag=shoes") == [1]
    assert let_through(store, "tag in (shoes, Shoes)") == [1, 2]
    assert let_through(store, 'tag="a\\"b"') == [3]
    assert let_through(store, "tag!=shoes") == [2, 3]
    assert let_through(store, "-tag=shoes") == [2, 3, 4, 5]
    assert let_through(store, "has:tag") == [1, 2, 3]
    assert let_through(store, "tag:s*") == [1]
    assert let_through(store, "tag>=T") == [1, 3]
    assert let_through(store, "tag<T") == [2]
    assert let_through(store, "year>=2020") == [1]
    assert let_through(store, "year<=2019.5") == [2, 3]
    assert let_through(store, "year=-3 or year=2021") == [1, 3]
    assert let_through(store, "-has:year") == [4, 5]
    assert let_through(store, "labels=red") == [1, 2]
    assert let_through(store, "labels in (new, old)") == [1]
    assert let_through(store, "labels!=new") == [2, 3]
    assert let_through(store, "taken<=2024-05") == [1]
    assert let_through(store, "taken>2024-05") == [3]
    assert let_through(store, "camera.model=X1 modality:image,text") == [2]
    assert let_through(store, "tag=shoes path:nowhere/*") == [1]
    assert let_through(store, "tag=shoes -draft") == [1]


def test_values_that_a_column_cannot_hold_are_let_through(open_declaring: Open) -> None:
    store = open_declaring({**TAG, **YEAR, **LABELS})
    put(
        store,
        documents(
            [
                {"tag": ["shoes"], "year": "2021", "labels": [1, "red"]},
                {"tag": 7, "year": True, "labels": {"a": 1}},
                {"tag": "x" * 501, "year": 2**53 + 1, "labels": [str(number) for number in range(300)]},
                {"tag": "other", "year": 1, "labels": ["other"]},
            ]
        ),
    )
    assert let_through(store, "tag=shoes") == [1, 2, 3]
    assert let_through(store, "year=2021") == [1, 2, 3]
    assert let_through(store, "labels=red") == [1, 2, 3]
    assert let_through(store, "-labels=red") == [2, 3, 4]  # of the first it is known


def test_what_no_declared_key_can_tell_narrows_nothing(open_declaring: Open) -> None:
    store = open_declaring(TAG)
    told = {
        words: store.narrows(condition)
        for words in ("tag=a", "year=1", "draft", "path:a/*", "tag=a or year=1", "tag=a year=1")
        if (condition := read_filter(words)) is not None
    }
    assert told == {"tag=a": True, "year=1": False, "draft": False, "path:a/*": False, "tag=a or year=1": False, "tag=a year=1": True}


def test_a_key_that_was_not_declared_for_a_while_is_trusted_no_more(open_declaring: Open) -> None:
    held = documents([{"tag": "a", "year": 1}, {"tag": "b", "year": 2}])
    put(open_declaring({**TAG, **YEAR}), held)
    store = open_declaring(TAG)
    assert (store.declared, let_through(store, "tag=a"), let_through(store, "year=1")) == ([Key(("tag",))], [1], [1, 2])
    put(store, held)  # the column is there still, and every row fills it
    store = open_declaring({**TAG, **YEAR})
    assert (store.declared, let_through(store, "year=1")) == ([Key(("tag",))], [1, 2])


def test_a_key_that_is_declared_later_is_not_there(open_declaring: Open) -> None:
    put(open_declaring({}), documents([{"tag": "a"}, {"tag": "b"}]))
    store = open_declaring(TAG)
    assert (store.declared, let_through(store, "tag=a")) == ([], [1, 2])


def test_other_metadata_than_the_catalogs_is_told(open_declaring: Open) -> None:
    store = open_declaring({**TAG, **LABELS})
    held = documents([{"tag": "a", "labels": ["x"]}, {"tag": "b"}, {"tag": "c", "else": 1}])
    put(store, held)
    rows = [
        StoredVector(one.id, one.modality, metadata, None)
        for one, metadata in zip(held, ({"tag": "a", "labels": ["x"]}, {"tag": "new"}, {"tag": "c", "else": 2}), strict=True)
    ]
    assert store.otherwise(rows) == [2]


@pytest.mark.parametrize(("index", "narrows"), [(IndexType.FLAT, True), (IndexType.HNSW, False), (IndexType.IVF_FLAT, False)])
def test_lite_narrows_only_where_it_looks_at_every_vector(tmp_path: Path, index: IndexType, narrows: bool) -> None:
    collections = Collections(open_lite(tmp_path), Wanted(index), declared=[Column(Key(("tag",)), FieldKind.TEXT)])
    store = MilvusVectors(collections, "declared", DIMENSION)
    put(store, documents([{"tag": "ab"[number % 2]} for number in range(40)]))
    condition = read_filter("tag=a")
    assert condition is not None
    assert (store.index_kind, store.narrows(condition)) == (index, narrows)
    collections.milvus.close()


@pytest.mark.parametrize("kind", FieldKind)
def test_a_column_is_read_again_from_its_name(kind: FieldKind) -> None:
    from pymilvus import MilvusClient

    for key in [*SPELLED, "a_b", "a.b.c", "_61_", *(word for word in WORDS if all(word.split(".")) and len(word) < 40)]:
        column, schema = Column(Key.spelled(key), kind), MilvusClient.create_schema()
        column.declare_in(schema)
        assert column.name.isascii()
        assert column.name.replace("_", "").isalnum()
        assert column_of(column.name, schema.fields[-1].dtype) == column
