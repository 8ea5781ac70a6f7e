"""Queries encoded together: the same vectors as alone, and nobody suffers from his neighbours."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.arithmetic import ArithmeticEncoder
from encoders.starter.encoder import StarterEncoder
from models.devices import Device
from search.batching import AT_MOST, BatchedEncoding
from search.embedding import EncodeAtOnce, Row
from tests.folders import lay, picture
from uniir.documents import Document, ImageReference
from uniir.errors import ItemFailure
from uniir.images import FileImages
from uniir.protocols import Encoder, ImageLoader, Prepared
from uniir.queries import Query


@dataclass
class Gate:
    """An arithmetic encoder that waits to be let through, and fails for one word. It remembers its batches."""

    inner: ArithmeticEncoder = field(default_factory=ArithmeticEncoder)
    open: threading.Event = field(default_factory=threading.Event)
    busy: threading.Event = field(default_factory=threading.Event)
    batches: list[list[str | None]] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        self.batches.append([item.text for item in items])
        self.busy.set()
        self.open.wait(60)
        if "poison" in self.batches[-1]:
            raise RuntimeError("this encoder does not like poison")
        return self.inner.prepare(items, images)

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        return self.inner.encode(batch)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def batched(gate: Gate) -> Iterator[BatchedEncoding]:
    yield BatchedEncoding(gate, FileImages())  # type: ignore[arg-type]
    gate.open.set()


def ask_while_busy(pool: ThreadPoolExecutor, batched: BatchedEncoding, gate: Gate, texts: Sequence[str]) -> list[object]:
    """Asks for the first text, and for all the others while the encoder is still busy with it. Errors are results."""

    def ask(text: str) -> object:
        try:
            return batched([Query(text=text)])[0]
        except RuntimeError as error:
            return error

    first = pool.submit(ask, texts[0])
    assert gate.busy.wait(60)
    others = [pool.submit(ask, text) for text in texts[1:]]
    while len(batched._queue) < len(texts) - 1:
        time.sleep(0.001)
    gate.open.set()
    return [one.result(60) for one in (first, *others)]


def test_what_comes_while_a_batch_is_encoded_is_the_next_batch(batched: BatchedEncoding, gate: Gate) -> None:
    texts = [f"word{number}" for number in range(AT_MOST + 6)]
    with ThreadPoolExecutor(len(texts)) as pool:
        rows = ask_while_busy(pool, batched, gate, texts)
    assert [len(batch) for batch in gate.batches] == [1, AT_MOST, 5]
    for text, row in zip(texts, rows, strict=True):
        np.testing.assert_array_equal(row, EncodeAtOnce(gate.inner, FileImages())([Query(text=text)])[0])


def test_an_item_that_breaks_the_encoder_harms_no_neighbour(batched: BatchedEncoding, gate: Gate) -> None:
    with ThreadPoolExecutor(5) as pool:
        results = ask_while_busy(pool, batched, gate, ["first", "a", "poison", "b", " "])
    assert sorted(map(len, gate.batches[:2])) == [1, 4]
    assert isinstance(results[2], RuntimeError)
    assert isinstance(results[4], ItemFailure)
    assert results[4].code == "text-empty"
    assert all(isinstance(results[place], np.ndarray) for place in (0, 1, 3))


def test_a_bad_picture_is_told_at_its_own_place(tmp_path: Path, batched: BatchedEncoding, gate: Gate) -> None:
    lay(tmp_path / "in", {"good.png": picture("red", kind="PNG"), "bad.png": b"no picture"})
    gate.open.set()
    items = [Query(text="a"), Query(image=ImageReference(tmp_path / "in/bad.png")), Query(image=ImageReference(tmp_path / "in/good.png"))]
    text, bad, good = batched(items)
    assert isinstance(bad, ItemFailure)
    assert (bad.position, bad.code) == (1, "image-unknown")
    np.testing.assert_array_equal([text, good], EncodeAtOnce(gate.inner, FileImages())([items[0], items[2]]))


def test_the_sizes_of_the_batches_are_told() -> None:
    sizes: list[int] = []
    encoding = BatchedEncoding(ArithmeticEncoder(), FileImages(), sizes.append)
    encoding([Query(text="a"), Query(text="b"), Query(text="c")])
    assert sizes == [3]


@pytest.mark.slow
def test_the_starter_encoder_gives_the_same_vectors_in_company(tmp_path: Path) -> None:
    expected, found = alone_and_in_company(StarterEncoder.load(Device()), tmp_path)
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-7)  # a product of matrices adds up in another order than one of vectors


def test_the_arithmetic_encoder_gives_the_same_bits_in_company(tmp_path: Path) -> None:
    expected, found = alone_and_in_company(ArithmeticEncoder(), tmp_path)
    np.testing.assert_array_equal(found, expected)


def alone_and_in_company(encoder: Encoder, place: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The vectors of texts and pictures asked for one after the other, and by as many threads at once."""
    lay(place / "in", {f"{number}.png": picture(number, (64, 48), kind="PNG") for number in range(8)})
    texts = [Query(text=" ".join(f"word{number}" for number in range(length))) for length in range(1, 17)]
    items = [*texts, *(Query(image=ImageReference(place / "in" / f"{number}.png")) for number in range(8))]
    alone, together = EncodeAtOnce(encoder, FileImages()), BatchedEncoding(encoder, FileImages())

    def ask(item: Query) -> Row:
        row = together([item])[0]
        assert not isinstance(row, ItemFailure)
        return row

    with ThreadPoolExecutor(len(items)) as pool:
        found = np.stack(list(pool.map(ask, items)))
    return np.stack([row for item in items for row in alone([item]) if not isinstance(row, ItemFailure)]), found
