"""uniir spaces: what it says, how it ends, and how it dies."""

from __future__ import annotations

import io
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.running import Cli, finish, spawn_held, wait_until
from tests.folders import Tree, lay, picture, rewrite
from tests.local.places import ended, ingested, local_service
from uniir.errors import UsageError
from uniir.wire import DoctorRequest, PromoteRequest, SearchRequest, SpaceRequest

TREE: Tree = {"cat.jpg": picture(1), "dog.txt": "a dog", "boat.txt": "a boat at sunset"}


@pytest.mark.slow
def test_the_encoder_of_a_collection_is_changed_step_by_step(uniir: Cli, tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    assert uniir("ingest", corpus).code == 0
    added = uniir("spaces", "add", "--encoder", "starter")
    assert added.code == 0, added.err
    assert "3 documents encoded for starter" in added.out
    assert "uniir spaces promote 2" in added.out
    listed = uniir("spaces", "list").out
    assert "arithmetic" in listed
    assert "building" in listed
    assert "default: space 2 of starter (building) has 3 of 3 documents." in uniir("status").out
    assert [one["missing"] for one in uniir("status", "--json").json["collections"][0]["spaces"]] == [0, 0]
    again = uniir("spaces", "add", "--encoder", "starter", "--json").json
    assert (again["added"], again["space"]["missing"], again["interrupted"]) == (0, 0, False)
    assert uniir("spaces", "promote").code == 0
    states = {one["encoder"]: one["state"] for one in uniir("spaces", "list", "--json").json["spaces"]}
    assert states == {"arithmetic": "retired", "starter": "active"}
    assert uniir("search", "a boat at sunset", "--json", "-k", 1).json["hits"][0]["text"] == "a boat at sunset"
    assert uniir("rebuild").out.splitlines() == ["default: 3 vectors written.", "default: 3 vectors written for arithmetic."]
    assert uniir("spaces", "rollback").code == 0
    assert uniir("spaces", "remove", "starter", "--yes").code == 0
    assert [one["encoder"] for one in uniir("spaces", "list", "--json").json["spaces"]] == ["arithmetic"]
    assert uniir("doctor").code == 0


def test_what_stands_in_the_way_is_told_with_the_way_out(uniir: Cli, tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", TREE)
    uniir("ingest", corpus)
    assert uniir("spaces", "promote").code == 2
    (corpus / "cat.jpg").unlink()
    added = uniir("spaces", "add", "--encoder", "starter")
    assert added.code == 3
    assert "its picture is gone [picture-gone]" in added.err
    refused = uniir("spaces", "promote")
    assert refused.code == 2
    assert "whose picture is gone" in refused.err
    assert "--force" in refused.err
    rewrite(corpus / "dog.txt", "another dog")
    uniir("ingest", corpus)
    missing = uniir("spaces", "promote", "--force")
    assert missing.code == 2
    assert "1 of 3 documents of default are not encoded for starter yet" in missing.err
    assert "uniir spaces add --encoder starter --collection default" in missing.err
    assert uniir("ingest", corpus, "--encoder", "starter").err.count("uniir spaces add --encoder starter") == 1


def test_a_removal_is_asked_about_only_where_there_is_something_to_remove(
    uniir: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert uniir("ingest", lay(tmp_path / "corpus", TREE)).code == 0
    for words in ((), ("arithmetic",), ("no such",), ("--collection", "nowhere")):
        refused = uniir("spaces", "remove", *words)
        assert (refused.code, "Remove" in refused.out + refused.err) == (2, False)
    assert uniir("spaces", "add", "--encoder", "arithmetic-32").code == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    kept = uniir("spaces", "remove")
    assert kept.code == 1
    assert "Remove the space 2 (arithmetic-32, building) of default?" in kept.err
    assert "Nothing was removed." in kept.err
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert uniir("spaces", "remove", "2").code == 0
    assert [one["id"] for one in uniir("spaces", "list", "--json").json["spaces"]] == [1]


def documents_in(data: Path, space: int) -> int:
    with closing(sqlite3.connect(data / "catalog.sqlite", timeout=30)) as catalog:
        found: int = catalog.execute("SELECT count(*) FROM embeddings WHERE space_id = ? AND state = 'indexed'", (space,)).fetchone()[0]
    return found


def caught_filling(gate: Path, data: Path, count: int, store: str) -> subprocess.Popen[str]:
    """A process in the middle of encoding, when so many documents are done; it goes on when the gate is gone."""
    words, settings = ("spaces", "add", "--encoder", "starter"), {"WORKERS": 2, "THREADS": 1, "VECTOR_STORE": store, "DATA_DIR": data}
    named = {f"UNIIR_{name}": value for name, value in settings.items()}
    run = spawn_held(gate, count // 16, words, "encoders.starter.encoder:StarterEncoder", **named)
    wait_until(lambda: documents_in(data, 2) >= count, run)
    return run


def ingested_corpus(place: Path, store: str) -> None:
    pictures = {f"{number:04}.jpg": picture(number, (640, 480)) for number in range(48)}
    corpus = lay(place / "corpus", {**pictures, **{f"{number:04}.txt": f"note number {number}" for number in range(48, 80)}})
    with local_service(place, vector_store=store) as service:
        ingested(service, corpus)


@pytest.mark.slow
@pytest.mark.parametrize(("store", "count"), [("milvus", 16), ("exact", 32)])
def test_a_killed_filling_is_finished_by_the_next(tmp_path: Path, store: str, count: int) -> None:
    ingested_corpus(tmp_path, store)
    run = caught_filling(tmp_path / "gate", tmp_path / "data", count, store)
    run.kill()
    finish(run)
    left = documents_in(tmp_path / "data", 2)
    assert count <= left < 80
    with local_service(tmp_path, vector_store=store) as service:
        before = service.search(SearchRequest(text="note", k=20)).hits
        with pytest.raises(UsageError, match="not encoded for starter yet"):
            service.promote_space(PromoteRequest())
        filled = ended(service, service.add_space(SpaceRequest(encoder="starter"))).filled
        assert filled is not None
        assert (filled.added, filled.space.indexed, filled.space.missing) == (80 - left, 80, 0)
        assert service.search(SearchRequest(text="note", k=20)).hits == before
        assert service.doctor(DoctorRequest()).findings == []
        service.promote_space(PromoteRequest())
        assert service.doctor(DoctorRequest()).findings == []


@pytest.mark.slow
def test_an_interrupted_filling_says_how_to_go_on(tmp_path: Path) -> None:
    ingested_corpus(tmp_path, "exact")
    run = caught_filling(tmp_path / "gate", tmp_path / "data", 16, "exact")
    run.send_signal(signal.SIGINT)
    done = finish(run)
    assert done.code == 130, done.err
    assert "Go on with" in done.err
    with local_service(tmp_path) as service:
        filled = ended(service, service.add_space(SpaceRequest(encoder="starter"))).filled
        assert filled is not None
        assert filled.space.missing == 0
        assert service.doctor(DoctorRequest()).findings == []
