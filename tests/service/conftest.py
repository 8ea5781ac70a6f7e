"""One full house for tests that only look, a new one for those that change something."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from ingest.encoding import DocumentEncoder, Encoded
from tests.service.houses import TREE, House, house
from uniir.documents import Document
from uniir.protocols import Prepared


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose corpus is ingested."""
    with house(tmp_path_factory.mktemp("house"), TREE) as one:
        one.ingest()
        yield one


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """`fresh(tree, setting=value)` opens a house of this test's own."""
    with ExitStack() as open_houses:
        make: Callable[..., AbstractContextManager[House]] = partial(house, tmp_path)
        yield lambda *tree, **settings: open_houses.enter_context(make(*tree, **settings))


@dataclass(frozen=True, slots=True)
class Gate:
    """Where an ingest stands still, so that a test meets it at work however busy the machine is."""

    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Batches of documents after the first one wait until the gate is opened."""
    gate, batches, encode = Gate(), itertools.count(), DocumentEncoder.encode

    def held(self: DocumentEncoder, documents: Sequence[Document], prepared: Prepared) -> Encoded:
        if next(batches):
            gate.reached.set()
            gate.opened.wait(120)
        return encode(self, documents, prepared)

    monkeypatch.setattr(DocumentEncoder, "encode", held)
    yield gate
    gate.opened.set()
