"""What SQL finds is what the words of a filter mean, in both databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from storage.sql.collections import SqlCollections
from storage.sql.databases.engines import Engines, open_catalog
from storage.sql.library import SqlLibrary
from storage.sql.schema import EmbeddingState, documents, embeddings, sources
from tests.filters.oracle import Chance, holds
from uniir.documents import Document, Json, Modality, Source
from uniir.filter_language import read_filter
from uniir.spaces import VectorSpace

SPACE = VectorSpace("arithmetic", "1", "none", "float32", 8)


class Shelf:
    """A catalog with documents put in by hand."""

    def __init__(self, catalog: str) -> None:
        self.engines: Engines = open_catalog(catalog)
        self.record = SqlCollections(self.engines).get_or_create("default", SPACE)
        self.library = SqlLibrary(self.engines, self.record)
        self.held: list[int] = []

    def put(self, *metadata: dict[str, Json], path: str | None = None, modality: Modality = Modality.TEXT) -> None:
        self.put_rows([(one, path or f"{place}.md", modality, "/c") for place, one in enumerate(metadata)])

    def put_rows(self, rows: Sequence[tuple[dict[str, Json], str, Modality, str]]) -> None:
        """Metadata, path, modality and root of each document."""
        now, collection = datetime.now(UTC), self.record.id
        with self.engines.writing() as connection:
            for number, (metadata, path, modality, root) in enumerate(rows, start=len(self.held) + 1):
                source = {"root": root, "path": path, "locator": str(number), "kind": "text", "signature": "", "sha256": "0" * 64}
                connection.execute(insert(sources).values(id=number, collection_id=collection, **source))
                document = {"position": 0, "modality": modality, "metadata": metadata, "fingerprint": "0" * 64}
                document |= {"created_at": now, "updated_at": now}
                connection.execute(insert(documents).values(id=number, collection_id=collection, source_id=number, **document))
                connection.execute(
                    insert(embeddings).values(document_id=number, space_id=self.record.space_id, state=EmbeddingState.INDEXED)
                )
                self.held.append(number)

    def found(self, words: str, modality: Modality | None = None) -> list[int]:
        condition = read_filter(words)
        assert condition is not None
        return sorted(self.library.ids_matching(condition, modality))


@pytest.fixture
def shelf(catalog: str) -> Iterator[Shelf]:
    one = Shelf(catalog)
    yield one
    one.engines.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_random_filters_find_in_both_databases_what_they_mean(shelf: Shelf, seed: int) -> None:
    chance = Chance(seed)
    shelf.put_rows([(chance.metadata(), chance.path(), chance.modality(), ("/c", "/")[seed % 2]) for _ in range(60)])
    kept = shelf.library.documents(shelf.held)
    found = 0
    for _ in range(100):
        condition = chance.condition()
        expected = {number for number, document in kept.items() if holds(condition, document)}
        assert shelf.library.ids_matching(condition, None) == expected, condition
        found += 0 < len(expected) < len(kept)
    assert found > 30


def test_the_words_of_the_manual_mean_what_it_says(shelf: Shelf) -> None:
    shelf.put(
        {"tag": "shoes", "year": 2021, "taken": "2024-05-31"},
        {"tag": ["shoes", "boots"], "year": 2019, "draft": True},
        {"tag": "Shoes", "year": "2022", "draft": False, "camera": {"model": "X1"}},
        {"tags": ["draft"], "price": 12.5},
        {},
    )
    assert shelf.found("tag=shoes") == [1, 2]
    assert shelf.found("tag=shoes year>=2020") == [1]
    assert shelf.found("year>=2020") == [1, 3]
    assert shelf.found("tag in (boots, Shoes)") == [2, 3]
    assert shelf.found("draft") == [2, 4]
    assert shelf.found("-draft") == [1, 3, 5]
    assert shelf.found("tag!=shoes") == [3]
    assert shelf.found("-tag=shoes") == [3, 4, 5]
    assert shelf.found("taken<=2024-05 or price>12") == [1, 4]
    assert shelf.found("taken<2024-05") == []
    assert shelf.found("has:camera.model") == [3]
    assert shelf.found("camera.model:X*") == [3]
    assert shelf.found('year="2022"') == [3]
    assert shelf.found("tag:*oe*") == [1, 2, 3]


@pytest.mark.parametrize("number", ["1e300", "-1e16", "9007199254740994", "2.5e-7", "-0.0"])
def test_a_number_is_found_however_it_is_spelled(shelf: Shelf, number: str) -> None:
    shelf.put({"n": float(number)}, {"n": [float(number)]})
    assert shelf.found(f"n={number}") == shelf.found(f"n<={number}") == shelf.found(f"n>={number}") == [1, 2]
    assert shelf.found(f"n<{number}") == shelf.found(f"n!={number}") == []


def test_paths_and_modalities_are_the_documents_own(shelf: Shelf) -> None:
    shelf.put({"path": "own"}, path="slides/a.md")
    shelf.put({}, path="Slides/b.png", modality=Modality.IMAGE)
    assert shelf.found('path:"slides/*"') == shelf.found('path:"/c/slides/*"') == shelf.found("path=slides/a.md") == [1]
    assert shelf.found('"path"=own') == [1]
    assert shelf.found("modality:image") == shelf.found("-modality:text") == shelf.found("modality!=text") == [2]
    assert shelf.found("path:*", Modality.IMAGE) == [2]


def test_what_is_on_its_way_out_or_elsewhere_is_not_found(shelf: Shelf) -> None:
    shelf.put({"a": 1}, {"a": 1})
    with shelf.engines.writing() as connection:
        connection.execute(embeddings.update().where(embeddings.c.document_id == 1).values(state=EmbeddingState.DELETING))
    other = SqlLibrary(shelf.engines, SqlCollections(shelf.engines).get_or_create("other", SPACE))
    condition = read_filter("a=1")
    assert condition is not None
    assert (shelf.found("a=1"), other.ids_matching(condition, None)) == ([2], frozenset())


@pytest.mark.parametrize("words", ["*a" * 500, "*" * 900])
def test_a_pattern_of_many_stars_does_not_hang(shelf: Shelf, words: str) -> None:
    shelf.put({"text": "a" * 3000 + "b"})
    assert shelf.found(f'text:"{words}"') == ([] if words.endswith("a") else [1])


@pytest.mark.slow
def test_a_long_filter_is_still_one_statement(shelf: Shelf) -> None:
    shelf.put({"n": 7}, {"n": 8})
    assert shelf.found(f"n in ({', '.join(map(str, range(700)))})") == [1, 2]
    assert shelf.found(" ".join(["-n=7"] * 100)) == [2]
    assert shelf.found("(" * 10 + " or ".join(["x"] * 99) + " or n>7" + ")" * 10) == [2]
    assert shelf.found("-" * 9 + "n=8") == [1]
    assert shelf.found("(x or " * 4 + "(n=8 and " * 5 + "-a.b.c.d<2020" + ")" * 9) == [2]
    assert shelf.found("-(x or " * 4 + "n=8 -a.b.c.d<2020" + ")" * 4) == [2]


def test_the_oracle_itself_knows_a_document_when_it_sees_one() -> None:
    document = Document(id=1, modality=Modality.TEXT, text="x", source=Source("/c", "a.md"), metadata={"tag": ["a"]})
    told = [holds(one, document) for words in ("tag=a", "tag=b", "a", "path:*.md") if (one := read_filter(words)) is not None]
    assert told == [True, False, True, True]
