"""A narrowed search finds the best that fit, wherever they lie, and knows all that fit only where it must."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from search.retrieval import Retrieval
from tests.conftest import Worlds
from tests.worlds import World
from uniir.filter_language import read_filter
from uniir.filters import Filter
from uniir.protocols import Library, Neighbours
from uniir.queries import Query

COUNT = 700


class Counted:
    """A library that says how often everything that fits was looked up."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.lookups = 0

    def __getattr__(self, name: str) -> object:
        self.lookups += name in ("ids_matching", "ids_below")
        return getattr(self._library, name)


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    lines = [{"txt": f"note {n} of word{n % 7} word{n % 31}", "did": str(n), "n": n} for n in range(COUNT)]
    place = tmp_path_factory.mktemp("notes")
    with World(place, {"a/first.jsonl": _manifest(lines[: COUNT // 2]), "b/rest.jsonl": _manifest(lines[COUNT // 2 :])}) as world:
        world.ingest()
        yield world


def _manifest(lines: list[dict[str, object]]) -> str:
    return "\n".join(map(json.dumps, lines))


def vector(seed: int, dimension: int) -> NDArray[np.float32]:
    row = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return row / np.linalg.norm(row)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [1, 10, 130])
@pytest.mark.parametrize("share", [0.0, 0.002, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("lying", ["anywhere", "far off"])
def test_the_best_that_fit_are_found_wherever_they_lie(notes: World, seed: int, count: int, share: float, lying: str) -> None:
    question = vector(seed, notes.encoder.space.dimension)
    order = [int(one) for one in notes.store.search(question[None], COUNT, Filter()).ids[0]]
    numbers = {one: int(document.metadata["n"]) for one, document in notes.library.documents(order).items()}  # type: ignore[call-overload]
    ranked = order[::-1] if lying == "far off" else np.random.default_rng(seed).permutation(order).tolist()
    chosen = set(ranked[: int(COUNT * share)])
    where = read_filter(f"n in ({', '.join(str(numbers[one]) for one in chosen)})") if chosen else read_filter("n=-1")
    retrieved = Retrieval(notes.store, notes.library).nearest(question, Query(text="x", where=where), count)
    assert [one for one, _ in retrieved.found] == [one for one in order if one in chosen][:count]
    assert set(retrieved.documents) >= {one for one, _ in retrieved.found}


@pytest.mark.parametrize(
    ("words", "path", "lookups"),
    [("n>=70", None, 0), ("n>=70", "a/", 0), (None, "b/", 0), ("n=3", None, 1), ("n=3", "a/", 2), (None, "c/", 1), (None, None, 0)],
)
def test_what_fits_is_looked_up_only_where_too_little_of_it_lies_near(
    notes: World, words: str | None, path: str | None, lookups: int
) -> None:
    counted = Counted(notes.library)
    query = Query(text="x", where=read_filter(words or ""), path=path)
    Retrieval(notes.store, counted).nearest(vector(9, notes.encoder.space.dimension), query, 10)  # type: ignore[arg-type]
    assert counted.lookups == lookups


def test_no_more_is_asked_of_a_store_than_it_can_give(world: Worlds) -> None:
    one = world({f"{n}.txt": f"note {n}" for n in range(30)})
    one.ingest()

    class Small:
        """A store on a card that gives few results."""

        most_results = 12

        def __getattr__(self, name: str) -> object:
            return getattr(one.store, name)

        def search(self, vectors: NDArray[np.float32], k: int, where: Filter) -> Neighbours:
            assert k <= self.most_results
            return one.store.search(vectors, k, where)

    question = vector(1, one.encoder.space.dimension)
    one.ledger.retire_documents(one.store.search(question[None], 4, Filter()).ids[0].tolist())
    retrieval = Retrieval(Small(), one.library)  # type: ignore[arg-type]
    assert len(retrieval.nearest(question, Query(text="x"), 10).found) == 8
    assert len(retrieval.nearest(question, Query(text="x", path="1"), 10).found) <= 10
