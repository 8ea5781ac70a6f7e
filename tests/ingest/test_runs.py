"""A run after another: what is new, changed, moved, unchanged, gone."""

from __future__ import annotations

import builtins
import io
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from ingest.events import Advanced
from tests.conftest import Worlds
from tests.folders import picture, rewrite, snapshot, touch
from uniir.documents import Modality

SMALL = {"cat.jpg": picture(1), "dog.jpg": picture(2), "dog.txt": "a dog", "notes": {"a.md": "first note", "b.txt": "second note"}}


def test_a_folder_becomes_documents_of_every_kind(world: Worlds) -> None:
    here = world(SMALL)
    counts = here.ingest()
    assert (counts.added, counts.documents, counts.failed) == (4, 4, [])
    assert {place: document.modality for place, document in here.documents().items()} == {
        "cat.jpg": Modality.IMAGE,
        "dog.jpg": Modality.IMAGE_TEXT,
        "notes/a.md": Modality.TEXT,
        "notes/b.txt": Modality.TEXT,
    }
    assert here.checks() == []


def test_a_second_run_opens_no_file(world: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(SMALL)
    here.ingest()
    opened: list[str] = []
    real = io.open

    def watching(file: Any, *args: Any, **kwargs: Any) -> Any:
        opened.append(str(file))
        return real(file, *args, **kwargs)

    monkeypatch.setattr(io, "open", watching)
    monkeypatch.setattr(builtins, "open", watching)
    counts = here.ingest()
    assert (counts.added, counts.changed, counts.unchanged, counts.documents) == (0, 0, 4, 0)
    assert [file for file in opened if file.startswith(str(here.corpus)) and not file.endswith(".uniirignore")] == []


def test_no_run_changes_a_file_of_the_corpus(world: Worlds) -> None:
    here = world({**SMALL, "bad.png": b"no"})
    before = snapshot(here.corpus)
    for prune in (False, True):
        here.ingest(prune=prune)
        here.findings()
    assert snapshot(here.corpus) == before


def test_a_touched_file_is_read_and_counts_as_unchanged(world: Worlds) -> None:
    here = world(SMALL)
    here.ingest()
    before = here.ids()
    touch(here.corpus / "cat.jpg")
    counts = here.ingest()
    assert (counts.added, counts.changed, counts.unchanged, counts.documents) == (0, 0, 4, 0)
    assert here.ids() == before
    assert here.checks() == []


def test_a_changed_file_keeps_its_document_and_gets_another_vector(world: Worlds) -> None:
    here = world(SMALL)
    here.ingest()
    number = here.ids()["cat.jpg"]
    before = here.library.vectors([number])[number]
    rewrite(here.corpus / "cat.jpg", picture(9))
    counts = here.ingest()
    assert (counts.changed, counts.documents) == (1, 1)
    assert here.ids()["cat.jpg"] == number
    assert not (here.library.vectors([number])[number] == before).all()
    assert here.checks() == []


def test_a_moved_file_keeps_its_document(world: Worlds) -> None:
    here = world(SMALL)
    here.ingest()
    before = here.ids()
    (here.corpus / "deep").mkdir()
    (here.corpus / "cat.jpg").rename(here.corpus / "deep" / "renamed.png")
    (here.corpus / "notes").rename(here.corpus / "words")
    counts = here.ingest()
    assert (counts.added, counts.changed, counts.moved, counts.unchanged, counts.documents) == (0, 0, 3, 1, 0)
    assert here.ids() == {
        "deep/renamed.png": before["cat.jpg"],
        "dog.jpg": before["dog.jpg"],
        "words/a.md": before["notes/a.md"],
        "words/b.txt": before["notes/b.txt"],
    }
    assert here.checks() == []


def test_of_two_copies_of_a_file_that_is_gone_one_is_the_move_and_one_is_new(world: Worlds) -> None:
    here = world({"cat.jpg": picture(1), "stays.txt": "stays"})
    here.ingest()
    number = here.ids()["cat.jpg"]
    shutil.copy(here.corpus / "cat.jpg", here.corpus / "one.jpg")
    (here.corpus / "cat.jpg").rename(here.corpus / "two.jpg")
    counts = here.ingest(prune=True)
    assert (counts.moved, counts.added, counts.deleted) == (1, 1, 0)
    ids = here.ids()
    assert number in {ids["one.jpg"], ids["two.jpg"]}
    assert ids["one.jpg"] != ids["two.jpg"]


def test_a_copy_is_a_document_of_its_own_with_the_same_vector(world: Worlds) -> None:
    here = world({"a.txt": "the same words", "b.txt": "the same words"})
    counts = here.ingest()
    first, second = here.ids().values()
    assert (counts.added, first != second) == (2, True)
    vectors = here.library.vectors([first, second])
    assert (vectors[first] == vectors[second]).all()


def test_two_files_that_change_places_keep_the_documents_of_their_paths(world: Worlds) -> None:
    here = world({"a.txt": "alpha", "b.txt": "beta and more"})
    here.ingest()
    before = here.ids()
    (here.corpus / "a.txt").rename(here.corpus / "c.txt")
    (here.corpus / "b.txt").rename(here.corpus / "a.txt")
    (here.corpus / "c.txt").rename(here.corpus / "b.txt")
    assert here.ingest().changed == 2
    assert here.ids() == before
    assert here.documents()["a.txt"].text == "beta and more"
    assert here.checks() == []


def test_what_is_gone_stays_until_it_is_pruned(world: Worlds) -> None:
    here = world(SMALL)
    here.ingest()
    shutil.rmtree(here.corpus / "notes")
    counts = here.ingest()
    assert (counts.gone, counts.deleted) == (2, 0)
    assert here.checks() == ["files-gone"]
    counts = here.ingest(prune=True)
    assert (counts.gone, counts.deleted) == (0, 2)
    assert here.documents().keys() == {"cat.jpg", "dog.jpg"}
    assert here.checks() == []


def test_pruning_never_empties_a_collection_whose_folder_is_empty(world: Worlds) -> None:
    here = world(SMALL)
    here.ingest()
    shutil.rmtree(here.corpus)
    here.corpus.mkdir()
    assert here.ingest(prune=True).deleted == 0
    assert len(here.documents()) == 4


def test_pruning_a_subfolder_that_is_empty_takes_nothing_out(world: Worlds) -> None:
    """It may be a disk that is not mounted, and the command line says that nothing below it was taken out."""
    here = world(SMALL)
    here.ingest()
    for file in (here.corpus / "notes").iterdir():
        file.unlink()
    assert here.ingest("notes", prune=True).deleted == 0
    assert len(here.documents()) == 4


def test_pruning_after_a_folder_was_ingested_from_above_still_spares_an_empty_disk(world: Worlds) -> None:
    here = world({"disk": {"a.txt": "on the disk"}, "b.txt": "beside it"})
    here.ingest("disk")
    here.ingest()
    (here.corpus / "disk" / "a.txt").unlink()
    here.ingest(prune=True)
    assert "disk/a.txt" in here.documents()


def test_pruning_one_folder_leaves_the_others(world: Worlds) -> None:
    here = world({"one": {"a.txt": "a", "b.txt": "b"}, "two": {"c.txt": "c", "d.txt": "d"}})
    here.ingest()
    for name in ("one/a.txt", "two/c.txt"):
        (here.corpus / name).unlink()
    assert here.ingest("one", prune=True).deleted == 1
    assert here.documents().keys() == {"one/b.txt", "two/c.txt", "two/d.txt"}


def test_what_is_excluded_is_not_pruned(world: Worlds) -> None:
    here = world(SMALL)
    here.ingest()
    here.lay({".uniirignore": "notes/\n"})
    assert here.ingest(prune=True, exclude=("cat.jpg",)).deleted == 0
    assert len(here.documents()) == 4


def test_single_files_can_be_ingested(world: Worlds) -> None:
    here = world(SMALL)
    assert here.ingest("notes/a.md", "cat.jpg").added == 2
    assert here.documents().keys() == {"cat.jpg", "notes/a.md"}
    counts = here.ingest()
    assert (counts.added, counts.unchanged) == (2, 2)


def test_a_stopped_run_keeps_what_it_has_and_the_next_one_goes_on(world: Worlds) -> None:
    here = world({f"{number:03}.txt": f"note number {number}" for number in range(900)})
    stop = threading.Event()
    here.sink = lambda event: stop.set() if isinstance(event, Advanced) else None
    counts = here.ingest(stop=stop)
    done = counts.added
    assert counts.interrupted
    assert 0 < done < 900
    assert here.stored().tolist() == here.indexed().tolist()
    before = here.ids()
    here.sink = lambda event: None
    counts = here.ingest()
    assert (counts.added, counts.unchanged) == (900 - done, done)
    assert before.items() <= here.ids().items()
    assert here.checks() == []


def test_a_thumbnail_goes_with_the_last_picture_that_needs_it(world: Worlds) -> None:
    here = world({"a.jpg": picture(1), "b.jpg": picture(1), "c.jpg": picture(2)})
    here.ingest()
    assert len(list(here.thumbnails.hashes())) == 2
    (here.corpus / "a.jpg").unlink()
    here.ingest(prune=True)
    assert len(list(here.thumbnails.hashes())) == 2
    (here.corpus / "b.jpg").unlink()
    here.ingest(prune=True)
    assert len(list(here.thumbnails.hashes())) == 1


def test_many_copies_of_one_picture_are_ingested_side_by_side(world: Worlds) -> None:
    same = picture(1, size=(90, 70))
    here = world({f"copy-{number:03}.jpg": same for number in range(150)})
    counts = here.ingest()
    assert (counts.added, counts.failed) == (150, [])
    assert here.checks() == []


def test_unchanged_content_is_not_encoded_again_when_vectors_are_not_kept(world: Worlds) -> None:
    here = world(SMALL, keep_vectors=False)
    here.ingest()
    (here.corpus / "cat.jpg").rename(here.corpus / "cat2.jpg")
    counts = here.ingest()
    assert (counts.moved, counts.documents) == (1, 0)
    assert here.checks() == []


def test_a_corpus_can_be_reached_through_a_link(world: Worlds, tmp_path: Path) -> None:
    here = world(SMALL)
    here.ingest()
    (tmp_path / "alias").symlink_to(here.corpus)
    counts = here.ingest(tmp_path / "alias")
    assert (counts.added, counts.unchanged) == (0, 4)


def test_pictures_that_change_places_keep_their_thumbnails(world: Worlds) -> None:
    """Renumbering: every file gets the picture of another, which another batch deals with."""
    pictures = [picture(number, size=(20 + 2 * number, 20), kind="PNG") for number in range(60)]
    here = world({f"{number:02}.jpg": data for number, data in enumerate(pictures)})
    here.ingest()
    for number, data in enumerate([*pictures[30:], *pictures[:30]]):
        rewrite(here.corpus / f"{number:02}.jpg", data)
    assert here.ingest().changed == 60
    assert here.checks() == []
