"""Embeddings on disk, and going on after an end that nobody wanted."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.arithmetic import ArithmeticEncoder
from evaluation.embedding import Embedded, Entry, embedded, listed
from uniir.documents import Document, Modality, Source
from uniir.errors import UsageError
from uniir.images import FileImages
from uniir.protocols import Encoder, ImageLoader, Prepared, Steering
from uniir.queries import Query
from uniir.spaces import VectorSpace

COUNT = 1000
SOURCE = Source("/", "somewhere")


def entries() -> Iterator[Entry]:
    for number in range(COUNT):
        text = "" if number == 400 else f"word {number}"
        item = None if number == 7 else Document(id=number, modality=Modality.TEXT, text=text, source=SOURCE)
        yield Entry(f"9:{number}", Modality.TEXT, item)


class PowerCut(BaseException):
    pass


@dataclass
class Fading:
    """An encoder that stands still after some batches, and counts them."""

    batches: int
    space: VectorSpace = field(default_factory=lambda: ArithmeticEncoder().space)
    accepts: frozenset[Modality] = frozenset(Modality)
    done: int = 0

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        return ArithmeticEncoder().prepare(items, images)

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        if self.done == self.batches:
            raise PowerCut
        self.done += 1
        return ArithmeticEncoder().encode(batch)

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        return vectors


def run(place: Path, encoder: Encoder) -> Embedded:
    return embedded(entries, encoder, FileImages(), place, lambda done, whole: None)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system can't take room in advance")
def test_room_is_taken_before_anything_is_computed(tmp_path: Path) -> None:
    with pytest.raises(PowerCut):
        run(tmp_path / "cut", Fading(0))
    taken = (tmp_path / "cut" / "vectors.npy").stat()
    assert taken.st_blocks * 512 >= taken.st_size > COUNT


def test_a_run_that_was_cut_off_goes_on_and_ends_with_the_same_vectors(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", ArithmeticEncoder())
    with pytest.raises(PowerCut):
        run(tmp_path / "cut", Fading(5))
    rest = Fading(100)
    again = run(tmp_path / "cut", rest)
    assert rest.done == 3  # of eight batches
    assert np.array_equal(again.vectors, whole.vectors)
    assert again.failures == whole.failures
    assert again.vectors.dtype == np.float16


def test_what_is_finished_is_not_encoded_again(tmp_path: Path) -> None:
    run(tmp_path, ArithmeticEncoder())
    again = run(tmp_path, Fading(0))
    assert [again.id_of(0), again.id_of(COUNT - 1)] == ["9:0", "9:999"]


def test_what_can_not_be_encoded_is_a_row_of_zeros_with_its_reason(tmp_path: Path) -> None:
    found = run(tmp_path, ArithmeticEncoder())
    assert {(one.row, one.id, one.code) for one in found.failures} == {(7, "9:7", "empty"), (400, "9:400", "text-empty")}
    assert np.flatnonzero(~found.vectors.any(axis=1)).tolist() == [7, 400]


def test_two_who_list_the_same_at_once_do_it_once(tmp_path: Path) -> None:
    begun: list[int] = []

    def slowly() -> Iterator[Entry]:
        begun.append(1)
        time.sleep(0.2)
        yield from entries()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: listed(slowly, tmp_path / "list"), range(4)))
    assert [len(one.ids) for one in found] == [COUNT] * 4
    assert len(begun) == 1


def test_an_id_that_occurs_twice_is_named(tmp_path: Path) -> None:
    twice = [Entry("9:1", Modality.TEXT, None), Entry("9:2", Modality.TEXT, None), Entry("9:1", Modality.TEXT, None)]
    with pytest.raises(UsageError, match="9:1 occurs twice"):
        embedded(lambda: twice, ArithmeticEncoder(), FileImages(), tmp_path, lambda done, whole: None)
