"""Names, texts and metadata that databases stumble over: the same from SQLite and from Postgres, or refused with a reason by both."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ingest.events import Counts
from storage.sql.browsing import SqlBrowser
from storage.sql.databases.engines import open_catalog
from tests.local.places import local_service
from tests.worlds import World
from uniir.errors import NotFound, QueryError, UsageError
from uniir.ledger import Failure, SourceKey
from uniir.wire import DeleteRequest, FailureSelection, IngestRequest, SearchRequest

_WORDS = (
    "' OR 1=1 --",
    'say "yes"; DROP TABLE documents;',
    "50% of_all \\ back\\slash \\' \\u0000 \\x00",
    "$1 %s %(path)s :name {0} ?",
    "\u00e4\u0301\u202e\u200f right to left",
    "\ufffe\uffff\U0010ffff noncharacters",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "a\tb\x01\x1f\x7f\x85\u2028 control",
    "null",
    "I\u0130\u0131i \u1e9e \ufb01",
)
_NAMES = (
    "a%_b.txt",
    "A%_B.txt",
    "a'b\"c.txt",
    "back\\slash.txt",
    "\u00e4.txt",
    "a\u0308.txt",
    "\U0001f600.txt",
    " lead.txt",
    "tab\there.txt",
    "~.txt",
)
_METADATA: dict[str, Any] = {
    "z": 1,
    "a": [1.5, -0.0, 1e16, 1e300, 1e-7, 10**40, True, None, {"deep": [{}, [], ""]}],
    "aa": "'; --",
    "": "no name",
    "\u00e4": "\u2028\U0001f600",
    "number": 12345678901234567890,
    "A": {"b": 1, "a": 2, "ab": 3},
}


def tree() -> dict[str, bytes]:
    lines = [json.dumps({"did": word, "txt": f"{word} in a manifest", **_METADATA}).encode() for word in _WORDS]
    texts = {name: f"{word} in {name}".encode() for name, word in zip(_NAMES, _WORDS, strict=True)}
    return {
        **texts,
        "list.jsonl": b"\n".join(lines) + b"\n",
        "nul.txt": b"a\0b",
        "surrogate.jsonl": b'{"did": "1", "txt": "\\ud800"}\n{"did": "2", "txt": "fine", "key\\u0000": 1}\n',
        "number.jsonl": b'{"did": "3", "txt": "fine"}\n{"did": "4", "txt": "x", "n": 1e999}\n',
        "long.jsonl": json.dumps({"did": "x" * 401, "txt": "far too long"}).encode() + b"\n",
    }


def is_as_it_was(counts: Counts) -> bool:
    return (counts.added, counts.changed, counts.moved, counts.deleted, counts.failed) == (0, 0, 0, 0, [])


def seen(world: World) -> dict[str, Any]:
    """All that a person would be shown, dates and ids aside."""
    held = {
        place: (document.text, json.dumps(document.metadata), document.external_id, document.source.locator)
        for place, document in world.documents().items()
    }
    failures = {(failure.key.path, failure.key.locator): (failure.code, failure.reason) for failure in world.library.failures()}
    below = {
        prefix: len(world.library.ids_below(prefix, None)) for prefix in ("a%", "A", "a\u0308", "back\\", "\U0001f600", "\0", "\ud800", "~")
    }
    return {
        "held": held,
        "order": [record.key.path for record in world.ledger.entries(str(world.corpus), "")],
        "failures": failures,
        "order of failures": list(failures),
        "below": below,
    }


def test_both_databases_hold_and_show_the_same(tmp_path: Path, postgres: str) -> None:
    shown = []
    for catalog in (None, postgres):
        with World(tmp_path, tree(), catalog=catalog) as world:
            os.close(os.open(os.fsencode(world.corpus) + b"/not\xffutf8.txt", os.O_CREAT | os.O_WRONLY))
            counts = world.ingest()
            assert is_as_it_was(world.ingest())
            again = seen(world)
            shown.append(again)
            assert counts.added == len(_NAMES) + len(_WORDS) + 1
            assert world.checks() == []
    sqlite, in_postgres = shown
    assert sqlite == in_postgres
    assert sqlite["order"] == sorted(sqlite["order"])
    codes = sorted(code for code, _ in sqlite["failures"].values())
    assert codes == ["did-too-long", "metadata-number", "name-not-utf8", "text-nul", "text-nul", "text-surrogate"]
    assert sqlite["held"]["a%_b.txt"][0] == f"{_WORDS[0]} in a%_b.txt"


def test_names_that_are_too_long_for_an_index_are_told_and_the_rest_goes_on(tmp_path: Path, catalog: str) -> None:
    with World(tmp_path, {"a.txt": "a", "z.txt": "z"}, catalog=catalog) as world:
        deep = Path("d" * 250)
        for _ in range(6):
            deep = deep / ("d" * 250)
        descriptor = os.open(world.corpus, os.O_RDONLY)
        for part in deep.parts:
            os.mkdir(part, dir_fd=descriptor)
            below = os.open(part, os.O_RDONLY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        os.close(os.open("lost.txt", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
        os.close(descriptor)
        counts = world.ingest()
        assert counts.added == 2
        assert set(world.failed(counts).values()) == {"path-too-long"}
        assert is_as_it_was(world.ingest())


def test_what_is_said_about_a_failure_is_kept_as_far_as_it_can_be(tmp_path: Path, catalog: str) -> None:
    with World(tmp_path, catalog=catalog) as world:
        key = SourceKey(str(world.corpus), "a.txt")
        world.ledger.quarantine([Failure(key, "encode-failed", "at \0 and \udcff, \U0001f600", "s")])
        (listed,) = world.library.failures()
        assert listed.reason == "at \u2400 and \ufffd, \U0001f600"
        world.library.ignore_failures([SourceKey(key.root, "\0\ud800")])
        world.ledger.release([SourceKey(key.root, "a.txt", "\0")])
        assert len(world.library.failures()) == 1


@pytest.mark.parametrize("hostile", ["\0", "a\0b", "\ud800", "'; --", "%", "\\"])
def test_hostile_questions_find_nothing_and_break_nothing(tmp_path: Path, catalog: str, hostile: str) -> None:
    others = {"catalog_url": catalog} if catalog.startswith("postgres") else {}
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.txt").write_text("a text")
    with local_service(tmp_path, **others) as service:
        *_, last = service.follow(service.start_ingest(IngestRequest(paths=[str(tmp_path / "corpus")], exclude=[f"x{hostile}y"])).id)
        assert last.state == "done"
        with pytest.raises(NotFound):
            service.failures(FailureSelection(collection=hostile))
        assert service.failures(FailureSelection(paths=[hostile])).failures == []
        with pytest.raises(NotFound):
            service.job(hostile)
        with pytest.raises(NotFound):
            service.delete(DeleteRequest(paths=[f"/{hostile}"]))
        with pytest.raises((UsageError, QueryError)):
            service.start_ingest(IngestRequest(paths=[f"/{hostile}"]))
    engines = open_catalog(catalog)
    assert SqlBrowser(engines).collection_of(2**63 - 1) is None
    engines.close()
    assert SearchRequest(text="x").text == "x"
