"""Any sequence of changes, deaths and runs ends with a collection that equals its corpus."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from ingest.events import Advanced
from tests.folders import picture, touch
from tests.ingest.faults import dies_after
from tests.ingest.oracle import BAD, Content, Files, expected, held
from tests.servers.postgres import PostgresServer
from tests.worlds import World

_FOLDERS = ("", "in/", "in/deep/")
_PATHS = [f"{folder}{stem}{suffix}" for folder in _FOLDERS for stem in "ab" for suffix in (".jpg", ".txt", ".md", ".json")]
_LISTED = ("c.jpg", "in/c.jpg")  # what manifests name
_MANIFESTS = ("list.jsonl", "other.jsonl", "in/list.jsonl")
_DIDS = ("1", "2", "3")
_paths = st.sampled_from([*_PATHS, *_LISTED])
_which = st.integers(0, 10**6)


class Corpus(RuleBasedStateMachine):
    """Files on disk with their oracle beside them, and a collection that follows."""

    def __init__(self, catalog: str | None = None) -> None:
        """`catalog` is the address of a database; SQLite where none is given."""
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="uniir-equality-"))
        self.world = World(self.place, volatile=True, catalog=catalog)
        self.root = self.world.corpus
        self.fresh = 0
        self.broken = False
        self.files: Files = {}
        self.was: dict[str, set[tuple[Content, ...]]] = {}  # every content a place ever had
        self.ids: dict[str, int] = {}  # of places with one document, after the last whole run
        self.edited: set[str] = set()  # since then
        self.moved: set[str] = set()
        self.left: dict[str, str] = {}  # where the moved ones stood, and where they are now
        self._write("stays.txt", b"this file keeps the folder from being empty")

    def teardown(self) -> None:
        if not self.broken:
            self._check()
        self.world.close()
        shutil.rmtree(self.place)

    # what people do to files

    @rule(path=_paths, long=st.booleans())
    def put(self, path: str, long: bool) -> None:
        """Adds a file, changes one, or mends one."""
        self._write(path, self._content(path, long))

    @rule(path=_paths)
    def damage(self, path: str) -> None:
        self._write(path, BAD)

    @precondition(lambda self: len(self.files) > 1)
    @rule(which=_which, to=_paths)
    def copy(self, which: int, to: str) -> None:
        path = self._some(which, os.path.splitext(to)[1])
        if path is not None and path != to:
            self._write(to, self.files[path])

    @rule(which=_which, to=_paths)
    def move(self, which: int, to: str) -> None:
        path = self._some(which, os.path.splitext(to)[1])
        if path is None or to in self.files:
            return
        (self.root / to).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).rename(self.root / to)
        data = self.files.pop(path)
        alone = data not in self.files.values()
        self.files[to] = data
        known = self.ids.pop(path, None)
        self.ids.pop(to, None)
        if known is not None and alone and path not in self.edited | self.moved and not self._belongs_together(path, to):
            self.ids[to] = known
            self.moved.add(to)
            self.left[path] = to
        self._reoccupy(to)
        self._note()

    @precondition(lambda self: len(self.files) > 1)
    @rule(which=_which)
    def remove(self, which: int) -> None:
        path = self._some(which)
        if path is not None:
            (self.root / path).unlink()
            self._forget(path)

    @rule(which=_which)
    def touch(self, which: int) -> None:
        path = self._some(which)
        if path is not None:
            touch(self.root / path)

    @rule(
        name=st.sampled_from(_MANIFESTS),
        lines=st.dictionaries(st.sampled_from(_DIDS), st.one_of(st.none(), st.sampled_from(_LISTED)), min_size=1),
        reword=st.booleans(),
    )
    def list_candidates(self, name: str, lines: dict[str, str | None], reword: bool) -> None:
        """Writes a manifest; only one at a time, so that every did has one owner."""
        for other in set(_MANIFESTS) & self.files.keys() - {name}:
            (self.root / other).unlink()
            self._forget(other)
        self.fresh += reword
        rows = [
            json.dumps({"did": did, "txt": f"candidate {did} {self.fresh}"} | ({"img_path": image} if image else {}))
            for did, image in lines.items()
        ]
        self._write(name, "\n".join(rows).encode() + b"\n")

    # what the program does

    @rule(calls=st.integers(0, 60), prune=st.booleans())
    def die(self, calls: int, prune: bool) -> None:
        dies_after(self.world, calls, prune=prune)

    @rule()
    def stop(self) -> None:
        stop = threading.Event()
        self.world.sink = lambda event: stop.set() if isinstance(event, Advanced) else None
        self.world.ingest(stop=stop)
        self.world.sink = lambda event: None

    @rule()
    def run_whole(self) -> None:
        self._check()

    # what must hold

    def _check(self) -> None:
        self.broken = True
        self._compare()
        self.broken = False

    def _compare(self) -> None:
        self.world.ingest(prune=True)
        want, have = expected(self.files), held(self.world)
        good = {place: documents for place, documents in have.items() if place not in want.bad}
        assert good == want.documents
        for place in want.bad & have.keys():
            assert have[place] in self._ever_held(place), "a damaged file may keep what it held before, and nothing else"
        assert self.world.failures().keys() == want.bad
        assert self.world.stored().tolist() == self.world.indexed().tolist()
        self._check_vectors()
        used = {document.image.sha256 for document in self.world.documents().values() if document.image is not None}
        assert set(self.world.thumbnails.hashes()) == used
        assert all(sha256 is not None and self.world.thumbnails.exist(sha256) for sha256 in used)
        assert self.world.checks() == []
        self._check_ids()
        again = self.world.ingest(prune=True)
        assert (again.added, again.changed, again.moved, again.deleted, again.documents, again.failed) == (0, 0, 0, 0, 0, [])

    def _ever_held(self, place: str) -> set[tuple[Content, ...]]:
        """A line keeps what it held when its manifest moves."""
        name, _, line = place.partition("#")
        names = _MANIFESTS if line else (name,)
        return set().union(*(self.was.get(f"{one}#{line}" if line else one, set()) for one in names))

    def _check_vectors(self) -> None:
        documents = {
            one.id: one for place, one in self.world.documents().items() if place.partition("#chars")[0] not in expected(self.files).bad
        }
        if not documents:
            return
        encoder = self.world.encoder
        vectors = encoder.encode(encoder.prepare(list(documents.values()), self.world.images)).astype(np.float16)
        stored = self.world.library.vectors(list(documents))
        for number, vector in zip(documents, vectors, strict=True):
            assert (stored[number] == vector).all()

    def _check_ids(self) -> None:
        ids = {place: number for place, number in self.world.ids().items() if "#chars" not in place}
        for place, number in self.ids.items():
            if place in ids and not (place in self.edited and place in self.moved):
                assert ids[place] == number, f"{place} became another document"
        self.ids, self.edited, self.moved, self.left = ids, set(), set(), {}

    def _write(self, path: str, data: bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.stat().st_mtime_ns if file.exists() else 0
        file.write_bytes(data)
        os.utime(file, ns=(before, max(before, file.stat().st_mtime_ns) + 1_000_000))
        if path in self.files:
            self.edited.add(path)
        self.files[path] = data
        self._reoccupy(path)
        self._note()

    def _reoccupy(self, path: str) -> None:
        """Something stands again where a moved file stood: now that is the one with the known path."""
        self.ids.pop(self.left.pop(path, ""), None)

    def _forget(self, path: str) -> None:
        del self.files[path]
        self.ids = {place: number for place, number in self.ids.items() if place.partition("#")[0] != path}
        self._note()

    def _note(self) -> None:
        now = expected(self.files).documents
        for place, documents in now.items():
            self.was.setdefault(place, set()).add(documents)
        for place in self.ids.keys() - now.keys() - expected(self.files).bad:
            del self.ids[place]  # no source of its own for a moment: whatever comes there next may be new

    def _content(self, path: str, long: bool) -> bytes:
        self.fresh += 1
        match os.path.splitext(path)[1]:
            case ".jpg":
                return picture(self.fresh, size=(8, 8), kind="PNG")
            case ".json":
                return json.dumps({"number": self.fresh}).encode()
            case _:
                return (f"Text number {self.fresh}. " * (150 if long else 1)).encode()

    def _some(self, which: int, suffix: str | None = None) -> str | None:
        """One of the files that may be moved or removed."""
        paths = sorted(path for path in self.files if path != "stays.txt" and (suffix is None or path.endswith(suffix)))
        return paths[which % len(paths)] if paths else None

    def _belongs_together(self, path: str, target: str) -> bool:
        """Whether a sidecar stays behind or is met: then more than a place changes."""
        stems = {os.path.splitext(path)[0], os.path.splitext(target)[0]}
        return any(os.path.splitext(other)[0] in stems for other in self.files if other != target)


def _run(examples: int, steps: int) -> None:
    run_state_machine_as_test(Corpus, settings=settings(max_examples=examples, stateful_step_count=steps, report_multiple_bugs=False))


@pytest.mark.slow
def test_a_collection_equals_its_corpus_whatever_happened() -> None:
    _run(examples=10, steps=15)


@pytest.mark.slow
def test_a_collection_in_postgres_equals_its_corpus_whatever_happened(postgres_server: PostgresServer) -> None:
    few = settings(max_examples=6, stateful_step_count=15, report_multiple_bugs=False)
    run_state_machine_as_test(lambda: Corpus(postgres_server.fresh()), settings=few)  # the databases go with the server


@pytest.mark.slow
def test_a_collection_equals_its_corpus_whatever_happened_at_length() -> None:
    _run(examples=150, steps=30)
