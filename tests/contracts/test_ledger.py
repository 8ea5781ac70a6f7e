"""The ledger against a model made of dictionaries, whatever is done in whatever order."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from numpy.typing import NDArray

from encoders.arithmetic import ArithmeticEncoder
from storage.sql.collections import SqlCollections
from storage.sql.databases.engines import Engines, open_catalog
from storage.sql.ledger import SqlLedger
from storage.sql.library import SqlLibrary
from tests.servers.postgres import PostgresServer
from tests.worlds import open_fresh_catalog
from uniir.documents import Document, Modality, Source
from uniir.ids import new_id
from uniir.ledger import Failure, SourceDraft, SourceKey, SourceKind

Catalogs: TypeAlias = Callable[[], AbstractContextManager[Engines]]
"""Makes an empty catalog, which is gone when it is left."""

_ROOTS = ("/corpus/in", "/corpus/in-other")
_PATHS = ("a.txt", "b.txt", "b/c.txt", "\u00e4 %_.txt", "B.txt")
_TEXTS = ("one", "two", "three", "four", "five")
_keys = st.builds(SourceKey, st.sampled_from(_ROOTS), st.sampled_from(_PATHS))
_texts = st.lists(st.sampled_from(_TEXTS), min_size=1, max_size=4)
_some = st.integers(0, 10**6)


@dataclass
class Row:
    """A document as the model knows it."""

    source: int
    text: str
    state: str = "pending"


@dataclass
class Place:
    """A source as the model knows it."""

    key: SourceKey
    signature: str
    sha256: str


def vector_of(text: str) -> NDArray[np.float16]:
    return np.full(4, _TEXTS.index(text) / 8, np.float16)


class LedgerModel(RuleBasedStateMachine):
    def __init__(self, catalogs: Catalogs) -> None:
        super().__init__()
        self.opened = catalogs()
        self.engines = self.opened.__enter__()
        collections = SqlCollections(self.engines)
        self.other = SqlLedger(self.engines, collections.get_or_create("other", ArithmeticEncoder().space))
        record = collections.get_or_create("default", ArithmeticEncoder().space)
        self.ledger, self.library = SqlLedger(self.engines, record), SqlLibrary(self.engines, record)
        self.sources: dict[int, Place] = {}
        self.documents: dict[int, Row] = {}
        self.failures: dict[SourceKey, Failure] = {}
        self.turn = 0

    def teardown(self) -> None:
        self.opened.__exit__(None, None, None)

    # what an ingest does

    @rule(key=_keys, texts=_texts)
    def record(self, key: SourceKey, texts: list[str]) -> None:
        """Something new, or something changed in place."""
        known = next((number for number, one in self.sources.items() if one.key == key), None)
        self._record(key, texts, known)

    @precondition(lambda self: self.sources)
    @rule(which=_some, key=_keys, texts=st.none() | _texts)
    def move(self, which: int, key: SourceKey, texts: list[str] | None) -> None:
        number = sorted(self.sources)[which % len(self.sources)]
        if all(one.key != key for one in self.sources.values()):
            self._record(key, texts or self._texts_of(number) or ["one"], number)

    @precondition(lambda self: self.documents)
    @rule(share=st.floats(0, 1))
    def index(self, share: float) -> None:
        pending = sorted(number for number, row in self.documents.items() if row.state == "pending")
        chosen = pending[: round(len(pending) * share)]
        self.ledger.mark_indexed({number: vector_of(self.documents[number].text) for number in chosen})
        for number in chosen:
            self.documents[number].state = "indexed"

    @precondition(lambda self: self.sources)
    @rule(which=_some)
    def retire(self, which: int) -> None:
        number = sorted(self.sources)[which % len(self.sources)]
        mine = {one for one, row in self.documents.items() if row.source == number}
        assert set(self.ledger.retire([number])) == mine
        for one in mine:
            self.documents[one].state = "deleting"
        if not mine:
            del self.sources[number]

    @precondition(lambda self: self.documents)
    @rule(which=_some)
    def retire_one_document(self, which: int) -> None:
        number = sorted(self.documents)[which % len(self.documents)]
        self.ledger.retire_documents([number])
        self.documents[number].state = "deleting"

    @rule(share=st.floats(0, 1))
    def forget(self, share: float) -> None:
        deleting = sorted(self._in("deleting"))
        chosen = deleting[: round(len(deleting) * share)]
        assert list(self.ledger.forget(chosen)) == []
        emptied = {self.documents.pop(number).source for number in chosen}
        for number in emptied - {row.source for row in self.documents.values()}:
            del self.sources[number]

    @rule()
    def reopen(self) -> None:
        owners = {row.source for row in self.documents.values() if row.state == "pending"}
        assert self.ledger.reopen_unfinished() == len(owners)
        for number in owners:
            self.sources[number].signature = ""

    @rule(keys=st.sets(_keys, max_size=3), ignored=st.booleans())
    def quarantine(self, keys: set[SourceKey], ignored: bool) -> None:
        self.turn += 1
        found = [Failure(key, "text-empty", f"empty {self.turn}", f"signature {self.turn}", ignored) for key in sorted(keys)]
        self.ledger.quarantine(found)
        self.failures |= {failure.key: failure for failure in found}

    @rule(keys=st.sets(_keys, max_size=3))
    def release(self, keys: set[SourceKey]) -> None:
        self.ledger.release(sorted(keys))
        self.failures = {key: failure for key, failure in self.failures.items() if key not in keys}

    # what must hold

    @invariant()
    def sources_are_listed_in_order(self) -> None:
        for root in _ROOTS:
            mine = [(one.key.path, number) for number, one in self.sources.items() if one.key.root == root]
            listed = list(self.ledger.entries(root, ""))
            assert [(record.key.path, record.id) for record in listed] == sorted(mine)
            below = list(self.ledger.entries(root, "b/"))
            assert [record.key.path for record in below] == sorted(path for path, _ in mine if path.startswith("b/"))
            for record in listed:
                one = self.sources[record.id]
                assert (record.key, record.signature, record.sha256) == (one.key, one.signature, one.sha256)
                assert self.ledger.known(record.key) == record
        assert sorted(self.ledger.roots()) == sorted({key.root for key in [*self.failures, *(one.key for one in self.sources.values())]})

    @invariant()
    def content_is_found_by_its_hash(self) -> None:
        for sha256 in {one.sha256 for one in self.sources.values()}:
            found = {record.id for record in self.ledger.with_content(sha256)}
            assert found == {number for number, one in self.sources.items() if one.sha256 == sha256}

    @invariant()
    def only_what_is_indexed_is_searchable(self) -> None:
        indexed = self._in("indexed")
        found = self.library.documents(list(self.documents))
        assert {number: document.text for number, document in found.items()} == {one: self.documents[one].text for one in indexed}
        assert [one for block in self.library.indexed_ids() for one in block.tolist()] == sorted(indexed)
        assert all(found[one].source.path == self.sources[self.documents[one].source].key.path for one in indexed)
        assert set(self.ledger.unfinished_deletes()) == self._in("deleting")
        assert self.library.unfinished_count() == len(self.documents) - len(indexed)

    @invariant()
    def vectors_are_shared_by_content(self) -> None:
        fingerprints = {text: _document(SourceKey("/", "x"), text).fingerprint for text in _TEXTS}
        found = self.ledger.vectors_of(list(fingerprints.values()))
        texts = {self.documents[one].text for one in self._in("indexed")}
        assert found.keys() == {fingerprints[text] for text in texts}
        assert all((found[fingerprints[text]] == vector_of(text)).all() for text in texts)

    @invariant()
    def failures_are_kept_by_root(self) -> None:
        for root in _ROOTS:
            assert dict(self.ledger.failures(root)) == {key: failure for key, failure in self.failures.items() if key.root == root}

    @invariant()
    def another_collection_sees_nothing_of_it(self) -> None:
        assert list(self.other.roots()) == []
        assert list(self.other.unfinished_deletes()) == []

    def _record(self, key: SourceKey, texts: list[str], known_as: int | None) -> None:
        self.turn += 1
        draft = SourceDraft(
            key, SourceKind.TEXT, f"signature {self.turn}", "-".join(texts), tuple(_document(key, one) for one in texts), known_as
        )
        before = {
            number: row
            for number, row in self.documents.items()
            if known_as is not None and row.source == known_as and row.state != "deleting"
        }
        recording = self.ledger.record([draft])
        record = self.ledger.known(key)
        assert record is not None
        assert known_as in (None, record.id)
        self.sources[record.id] = Place(key, draft.signature, draft.sha256)
        self._follow(record.id, texts, before, {document.id: document.text for document in recording.pending}, set(recording.deleting))

    def _follow(self, source: int, texts: list[str], before: dict[int, Row], pending: dict[int, str | None], deleting: set[int]) -> None:
        """Takes over what a recording says, after checking that it is what it must be."""
        assert deleting <= before.keys()
        kept = before.keys() - deleting
        assert len(kept) == min(len(before), len(texts)), "ids are kept as long as there are documents for them"
        untouched = kept - pending.keys()
        assert all(before[number].state == "indexed" for number in untouched)
        assert sorted([*pending.values(), *(before[number].text for number in untouched)], key=str) == sorted(texts)
        had = [row.text for row in before.values() if row.state == "indexed"]
        could_stay = sum(min(had.count(text), texts.count(text)) for text in set(texts))
        assert len(untouched) <= could_stay
        if all(row.state == "indexed" for row in before.values()):
            assert len(untouched) == could_stay, "what did not change is not encoded again"
        for number in deleting:
            self.documents[number].state = "deleting"
        for number, text in pending.items():
            self.documents[number] = Row(source, text or "")

    def _in(self, state: str) -> set[int]:
        return {number for number, row in self.documents.items() if row.state == state}

    def _texts_of(self, source: int) -> list[str]:
        return [row.text for row in self.documents.values() if row.source == source and row.state != "deleting"]


def _document(key: SourceKey, text: str) -> Document:
    return Document(id=new_id(), modality=Modality.TEXT, text=text, source=Source(key.root, key.path))


@contextmanager
def in_sqlite() -> Iterator[Engines]:
    with tempfile.TemporaryDirectory(prefix="uniir-ledger-") as place:
        engines = open_fresh_catalog(Path(place) / "catalog.sqlite")
        yield engines
        engines.close()


@contextmanager
def in_postgres(server: PostgresServer) -> Iterator[Engines]:
    url = server.fresh()
    engines = open_catalog(url)
    yield engines
    engines.close()
    server.drop(url)


def test_the_ledger_does_what_dictionaries_would() -> None:
    run_state_machine_as_test(lambda: LedgerModel(in_sqlite), settings=settings(max_examples=8, stateful_step_count=20))


@pytest.mark.slow
def test_the_ledger_does_what_dictionaries_would_at_length() -> None:
    run_state_machine_as_test(lambda: LedgerModel(in_sqlite), settings=settings(max_examples=40, stateful_step_count=25))


@pytest.mark.slow
def test_the_ledger_does_what_dictionaries_would_in_postgres(postgres_server: PostgresServer) -> None:
    factory = partial(LedgerModel, partial(in_postgres, postgres_server))
    run_state_machine_as_test(factory, settings=settings(max_examples=12, stateful_step_count=20))


def test_a_prefix_is_no_pattern_and_the_order_is_that_of_code_points(catalog: str) -> None:
    engines = open_catalog(catalog)
    ledger = SqlLedger(engines, SqlCollections(engines).get_or_create("default", ArithmeticEncoder().space))
    paths = ["a_/x", "ab/x", "a%/x", "A_/x", "a_0", "a_", "a_/", "\u00e4", "a b", "a-b", "\uffee", "\U0001f600", "Z", "_", "a\\_/x"]
    ledger.record([SourceDraft(SourceKey("/", path), SourceKind.TEXT, "s", str(number), ()) for number, path in enumerate(paths)])
    assert [record.key.path for record in ledger.entries("/", "a_/")] == ["a_/", "a_/x"]
    assert [record.key.path for record in ledger.entries("/", "")] == sorted(paths)
    engines.close()
