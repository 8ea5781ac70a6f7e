"""A second space beside the one that is searched: filled from the catalog, kept free of what is stale, whole after any death."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.arithmetic import ArithmeticEncoder
from storage.sql.spaces import Coverage
from tests.conftest import Worlds
from tests.folders import Tree, lay, picture, rewrite
from tests.ingest.faults import dies_after
from tests.ingest.spaces import Second
from tests.worlds import World
from uniir.documents import Modality
from uniir.errors import UsageError
from uniir.images import FileImages
from uniir.protocols import Prepared
from uniir.spaces import SpaceState, VectorSpace

OTHER = ArithmeticEncoder(words=32)
SMALL: Tree = {"cat.jpg": picture(1), "dog.jpg": picture(2), "dog.txt": "a dog", "notes": {"a.md": "first note", "b.txt": "second note"}}


class TextsOnly(ArithmeticEncoder):
    """Takes no pictures."""

    @property
    def accepts(self) -> frozenset[Modality]:
        return frozenset({Modality.TEXT})

    @property
    def space(self) -> VectorSpace:
        return VectorSpace("texts-only", "1", "none", "float32", super().space.dimension)


def assert_whole(second: Second) -> None:
    """Catalog and store agree on both sides of the collection, and every vector is what the encoder makes of its document."""
    world = second.world
    assert world.stored().tolist() == world.indexed().tolist()
    assert second.stored().tolist() == second.indexed().tolist()
    assert world.checks() == []
    documents = list(world.library.documents(second.indexed().tolist()).values())
    prepared = second.encoder.prepare(documents, FileImages())
    vectors = second.encoder.encode(prepared).astype(np.float16)
    kept = second.library.vectors([document.id for document in documents])
    for document, vector in zip(documents, vectors, strict=True):
        assert np.array_equal(kept[document.id], vector), document.source


def test_known_documents_are_encoded_for_another_space_without_their_manifest(world: Worlds) -> None:
    lines = [{"did": "1", "txt": "first line"}, {"did": "2", "img_path": "in.jpg", "txt": "a pair"}]
    here = world({**SMALL, "in.jpg": picture(3), "list.jsonl": "".join(json.dumps(line) + "\n" for line in lines)})
    here.ingest()
    (here.corpus / "list.jsonl").unlink()
    second = Second(here, OTHER)
    assert second.coverage == Coverage(6, 0, 0)
    filled = second.fill()
    assert (filled.indexed, filled.refused, filled.interrupted) == (6, [], False)
    assert second.coverage == Coverage(6, 6, 0)
    assert second.indexed().tolist() == here.indexed().tolist()
    assert second.fill().indexed == 0
    assert second.stored().tolist() == second.indexed().tolist()


def test_what_an_encoder_does_not_take_is_named_and_not_read(world: Worlds) -> None:
    here = world(SMALL)
    here.ingest()
    (here.corpus / "cat.jpg").unlink()
    second = Second(here, TextsOnly())
    filled = second.fill()
    assert sorted((one.document.source.path, one.code) for one in filled.refused) == [
        ("cat.jpg", "not-accepted"),
        ("dog.jpg", "not-accepted"),
    ]
    assert second.coverage == Coverage(4, 2, 2)


def test_a_picture_that_is_gone_or_another_one_is_refused_until_it_is_back(world: Worlds) -> None:
    here = world(SMALL)
    here.ingest()
    kept = (here.corpus / "cat.jpg").read_bytes()
    (here.corpus / "cat.jpg").unlink()
    rewrite(here.corpus / "dog.jpg", picture(9))
    second = Second(here, OTHER)
    assert {one.document.source.path: one.code for one in second.fill().refused} == {
        "cat.jpg": "picture-gone",
        "dog.jpg": "picture-changed",
    }
    assert (second.coverage.refused, second.coverage.missing) == (2, 0)
    (here.corpus / "cat.jpg").write_bytes(kept)
    assert second.fill().indexed == 1
    here.ingest()
    assert second.fill().indexed == 1
    assert second.coverage == Coverage(4, 4, 0)
    assert_whole(second)


def test_equal_content_is_encoded_once(world: Worlds) -> None:
    here = world({"a.txt": "the same", "b.txt": "the same"})
    here.ingest()
    second = Second(here, OTHER)
    second.fill()
    (here.corpus / "c.txt").write_text("the same")
    here.ingest()

    class Spent(ArithmeticEncoder):
        def encode(self, batch: Prepared) -> NDArray[np.float32]:
            raise AssertionError

    second.encoder = Spent(words=32)
    assert second.fill().indexed == 1
    assert second.coverage == Coverage(3, 3, 0)


def test_a_run_that_is_stopped_goes_on_where_it_was(world: Worlds) -> None:
    here = world({f"{number}.jpg": picture(number) for number in range(200)})
    here.ingest()
    second = Second(here, OTHER)
    stop = threading.Event()
    here.sink = lambda event: stop.set()
    first = second.fill(stop)
    here.sink = lambda event: None
    assert first.interrupted
    assert first.indexed < 200
    assert second.fill().indexed == 200 - first.indexed
    assert_whole(second)


def change_everything(root: Path) -> None:
    rewrite(root / "cat.jpg", picture(11))
    (root / "dog.txt").unlink()
    (root / "notes" / "a.md").unlink()
    (root / "notes" / "b.txt").rename(root / "notes" / "c.txt")
    lay(root, {"words.txt": "a new text", "new.jpg": picture(12)})


def test_an_ingest_leaves_nothing_stale_in_a_space_beside(world: Worlds) -> None:
    here = world(SMALL)
    here.ingest()
    second = Second(here, OTHER)
    second.fill()
    before = here.ids()
    change_everything(here.corpus)
    here.ingest(prune=True)
    assert second.indexed().tolist() == [before["notes/b.txt"]]  # what only moved is as it was
    assert_whole(second)
    assert second.coverage == Coverage(5, 1, 0)
    assert second.fill().indexed == 4
    assert second.coverage == Coverage(5, 5, 0)
    assert_whole(second)


def test_a_deleted_document_goes_from_every_space(world: Worlds) -> None:
    here = world(SMALL)
    here.ingest()
    second = Second(here, OTHER)
    second.fill()
    writer = here.writer()
    writer.remove_documents([here.ids()["cat.jpg"]])
    writer.finish()
    assert second.coverage == Coverage(3, 3, 0)
    assert second.stored().tolist() == second.indexed().tolist() == here.indexed().tolist()


@pytest.mark.slow
@pytest.mark.parametrize("volatile", [False, True])
def test_a_filling_that_dies_at_any_call_is_finished_by_the_next(tmp_path: Path, volatile: bool) -> None:
    calls = 0
    died = True
    while died:
        with World(tmp_path / str(calls), SMALL, volatile=volatile) as here:
            here.ingest()
            second = Second(here, OTHER)
            died = second.fill_dies_after(calls).blown
            assert not set(second.stored().tolist()) - set(here.indexed().tolist())
            second.fill()
            assert second.coverage == Coverage(4, 4, 0)
            assert_whole(second)
        calls += 1
    assert calls > 8


@pytest.mark.slow
@pytest.mark.parametrize("volatile", [False, True])
def test_an_ingest_that_dies_at_any_call_leaves_nothing_stale_beside(tmp_path: Path, volatile: bool) -> None:
    calls, died = 0, True
    while died:
        with World(tmp_path / str(calls), SMALL, volatile=volatile) as here:
            here.ingest()
            second = Second(here, OTHER)
            second.fill()
            change_everything(here.corpus)
            died = second.ingest_dies_after(calls)
            second.fill()  # whatever comes next: the second space is whole at once, and the ingest finishes its own
            assert second.stored().tolist() == second.indexed().tolist()
            here.ingest(prune=True)
            second.fill()
            assert second.coverage == Coverage(5, 5, 0)
            assert_whole(second)
        calls += 3
    assert calls > 30


def test_an_ingest_into_a_space_that_is_not_searched_any_more_is_refused(world: Worlds) -> None:
    here = world(SMALL)
    here.ingest()
    second = Second(here, OTHER)
    second.fill()
    second.spaces.switch(here.record, second.record, second.coverage)
    (here.corpus / "new.txt").write_text("a new text")
    with pytest.raises(UsageError, match="another space"):
        here.ingest()


def test_what_never_stood_in_the_searched_space_can_be_deleted_too(world: Worlds) -> None:
    """After a promotion that left documents out."""
    here = world({**SMALL, "long.md": "\n\n".join(f"Paragraph {number}. " + "words " * 100 for number in range(4))})
    here.ingest()
    second = Second(here, TextsOnly())
    second.fill()
    second.promote()
    (here.corpus / "cat.jpg").unlink()
    rewrite(here.corpus / "long.md", "short")
    dies_after(here, 12)
    here.ingest(prune=True)
    assert here.checks() == []
    assert "cat.jpg" not in {document.source.path for document in second.all_documents()}


def test_every_catalog_keeps_spaces_apart(tmp_path: Path, catalog: str) -> None:
    with World(tmp_path, SMALL, catalog=catalog) as here:
        here.ingest()
        second = Second(here, OTHER)
        second.fill()
        before = second.coverage
        change_everything(here.corpus)
        here.ingest(prune=True)
        with pytest.raises(UsageError, match="changed meanwhile"):
            second.spaces.switch(here.record, second.record, before)
        assert_whole(second)
        second.fill()
        first = here.record.space_id
        second.promote()
        states = {one.id: one.state for one in second.spaces.of(here.record)}
        assert states == {first: SpaceState.RETIRED, second.record.id: SpaceState.ACTIVE}
        retired = next(one for one in second.spaces.of(here.record) if one.id == first)
        with pytest.raises(UsageError, match="the one that is searched"):
            second.spaces.begin_removal(second.record)
        second.spaces.begin_removal(retired)
        second.spaces.forget(retired)
        assert [one.id for one in second.spaces.of(here.record)] == [second.record.id]
        here.others.clear()
        rewrite(here.corpus / "words.txt", "more text")
        here.ingest()
        assert here.checks() == []
