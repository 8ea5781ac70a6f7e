"""The missing half of a hit: the nearest text for a picture, the nearest picture for a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageColor

from search.service import SearchService
from tests.conftest import Worlds
from tests.folders import Tree, picture
from tests.search.scenes import no_remarks
from tests.worlds import World
from uniir.documents import Document, ImageReference, Modality
from uniir.errors import InputFailure, ItemFailure, StoreUnavailable
from uniir.filters import Filter
from uniir.hits import SearchResult
from uniir.instructions import load_instructions
from uniir.protocols import ImageLoader, Neighbours, Prepared, Steering, VectorStore
from uniir.queries import Query
from uniir.spaces import VectorSpace

TREE: Tree = {
    "red.png": picture("red", kind="PNG"),
    "crimson.png": picture("crimson", kind="PNG"),
    "green.png": picture("green", kind="PNG"),
    "blue.png": picture("blue", kind="PNG"),
    "on-red.txt": "something red",
    "on-green.txt": "something green",
    "on-blue.txt": "something blue",
    "both.png": picture("yellow", kind="PNG"),
    "both.json": '{"txt": "something yellow"}',
}


class Colours:
    """An encoder to which the word and the picture of a colour are the same."""

    accepts = frozenset(Modality)
    space = VectorSpace("colours", "none", "mean colour", "float32", 3)

    def __init__(self) -> None:
        self.asked: list[Query] = []

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        self.asked += [item for item in items if isinstance(item, Query)]
        rows, failures, positions = [], [], []
        for position, item in enumerate(items):
            try:
                rows.append(self._vector(item, images))
                positions.append(position)
            except InputFailure as failure:
                failures.append(ItemFailure(position, failure.code, failure.reason))
        return Prepared(tuple(positions), tuple(failures), tuple(rows))

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        rows: tuple[NDArray[np.float32], ...] = batch.inputs  # type: ignore[assignment]
        return np.stack(rows) if rows else np.empty((0, 3), np.float32)

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        return np.array(vectors, np.float32)

    def _vector(self, item: Document | Query, images: ImageLoader) -> NDArray[np.float32]:
        if item.image is not None:
            colour = np.asarray(images.upright(item.image), np.float32).mean((0, 1))
        else:
            colour = np.asarray(ImageColor.getrgb((item.text or "").split()[-1]), np.float32)
        return np.asarray(colour / np.linalg.norm(colour), np.float32)


class Instructed(Colours):
    """The same, told by an instruction what is wanted."""

    @property
    def reads_instructions(self) -> Literal[True]:
        return True


class Watched:
    """A store that counts its searches, and can fail from one of them on."""

    def __init__(self, store: VectorStore, fails_from: int = 1000, error: Exception | None = None) -> None:
        self._store = store
        self._fails_from = fails_from
        self._error = error or StoreUnavailable("The store has gone.")
        self.rows: list[int] = []
        self.most_results = store.most_results

    def search(self, vectors: NDArray[np.float32], k: int, where: Filter) -> Neighbours:
        if len(self.rows) >= self._fails_from:
            raise self._error
        self.rows.append(len(vectors))
        return self._store.search(vectors, k, where)


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("colours"), TREE, encoder=Colours()) as world:
        world.ingest()
        yield world


def service(world: World, watched: Watched | None = None, encoder: Colours | None = None) -> SearchService:
    store: VectorStore = watched or world.store  # type: ignore[assignment]
    return SearchService(encoder or world.encoder, store, world.library, world.images, load_instructions(), no_remarks)


def halves(world: World, result: SearchResult) -> dict[str, str]:
    named = {number: place for place, number in world.ids().items()}
    return {named[hit.document.id]: named[hit.complement.document.id] for hit in result.hits if hit.complement is not None}


RED = Query(text="red", complement=True)


def test_a_picture_gets_the_nearest_text_and_a_text_the_nearest_picture(colours: World) -> None:
    result = service(colours).search(RED)
    assert halves(colours, result) == {
        "red.png": "on-red.txt",
        "crimson.png": "on-red.txt",
        "green.png": "on-green.txt",
        "blue.png": "on-blue.txt",
        "on-red.txt": "red.png",
        "on-green.txt": "green.png",
        "on-blue.txt": "blue.png",
    }
    assert "complement" in result.timings_ms
    exact = {hit.document.source.path: hit.complement.score for hit in result.hits if hit.complement is not None}
    assert exact["blue.png"] == pytest.approx(1, abs=1e-3)
    assert exact["crimson.png"] == pytest.approx(220 / np.linalg.norm((220, 20, 60)), abs=1e-3)


def test_it_is_done_only_when_asked_for_and_changes_no_hit(colours: World) -> None:
    without, beside = service(colours).search(replace(RED, complement=False)), service(colours).search(RED)
    assert all(hit.complement is None for hit in without.hits)
    assert "complement" not in without.timings_ms
    assert [replace(hit, complement=None) for hit in beside.hits] == list(without.hits)


def test_the_store_is_asked_once_for_each_kind_of_half(colours: World) -> None:
    watched = Watched(colours.store)
    service(colours, watched).search(RED)
    assert watched.rows == [1, 3, 4]  # the query, three texts, four pictures


def test_what_the_query_brought_completes_nothing(colours: World) -> None:
    words = service(colours).search(replace(RED, text="something red"))
    assert halves(colours, words)["red.png"] in {"on-green.txt", "on-blue.txt"}
    asked = ImageReference(colours.corpus / "red.png")
    shown = service(colours).search(Query(image=asked, complement=True))
    assert halves(colours, shown)["on-red.txt"] == "crimson.png"


def test_the_same_picture_at_another_place_is_the_querys_picture_too(colours: World, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes((colours.corpus / "red.png").read_bytes())
    shown = service(colours).search(Query(image=ImageReference(tmp_path / "copy"), complement=True))
    assert halves(colours, shown)["on-red.txt"] == "crimson.png"


def test_liked_documents_complete_nothing(colours: World) -> None:
    result = service(colours).search(Query(like=(colours.ids()["red.png"],), complement=True))
    assert halves(colours, result)["on-red.txt"] == "crimson.png"


@pytest.mark.parametrize(
    ("error", "word"),
    [(StoreUnavailable("The store has gone."), "The store has gone"), (RuntimeError("what is this"), "failed")],
)
def test_a_failure_leaves_the_hits_as_they_are_and_says_so(colours: World, error: Exception, word: str) -> None:
    result = service(colours, Watched(colours.store, 1, error)).search(RED)
    assert result.hits == service(colours).search(replace(RED, complement=False)).hits
    assert any(word in note and "hits stand" in note for note in result.notes)


def test_where_no_vectors_are_kept_the_hits_are_read_again(world: Worlds) -> None:
    here = world({**TREE, "gone.png": picture("blue", kind="PNG")}, encoder=Colours(), keep_vectors=False)
    here.ingest()
    (here.corpus / "gone.png").unlink()
    result = service(here).search(RED)
    found = halves(here, result)
    assert found["green.png"] == "on-green.txt"
    assert found["on-red.txt"] == "red.png"
    assert "gone.png" not in found
    assert any("can't be read again" in note for note in result.notes)


def test_an_encoder_that_reads_instructions_is_asked_with_one_for_captions(colours: World) -> None:
    encoder = Instructed()
    result = service(colours, encoder=encoder).search(RED)
    assert halves(colours, result)["on-blue.txt"] == "blue.png"
    told = {(one.instruction.query, one.instruction.target) for one in encoder.asked if one.instruction and one.instruction.dataset}
    assert told == {(Modality.TEXT, Modality.IMAGE), (Modality.IMAGE, Modality.TEXT)}


def test_a_collection_of_pictures_alone_has_nothing_to_add(world: Worlds) -> None:
    here = world({"red.png": picture("red", kind="PNG")}, encoder=Colours())
    here.ingest()
    result = service(here).search(RED)
    assert [hit.complement for hit in result.hits] == [None]
    assert not any("half" in note for note in result.notes)
