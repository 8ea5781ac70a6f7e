"""One owner process for a data directory."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import stat
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from storage.ownership import Ownership, instance_of, owner_of
from uniir.errors import DirectoryInUse, StoreUnavailable


def _own(directory: Path, told: Connection) -> None:
    with Ownership(directory, "uniir ingest", wait_seconds=0):
        told.send("mine")
        told.recv()


def _other_owner(directory: Path) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_own, args=(directory, there))
    process.start()
    assert here.recv() == "mine"
    return process, here


@pytest.mark.slow
def test_a_second_owner_is_told_who_has_the_directory(tmp_path: Path) -> None:
    process, told = _other_owner(tmp_path)
    with (
        pytest.raises(DirectoryInUse, match=rf"`uniir ingest` \(process {process.pid}"),
        Ownership(tmp_path, "uniir search", wait_seconds=0.2),
    ):
        pass
    told.send("done")
    process.join(60)
    with Ownership(tmp_path, "uniir search", wait_seconds=0):
        assert (tmp_path / "owner.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_dead_owner_blocks_nobody(tmp_path: Path) -> None:
    process, _ = _other_owner(tmp_path)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert (tmp_path / "owner.json").exists()
    with Ownership(tmp_path, "uniir search", wait_seconds=0):
        pass
    assert not (tmp_path / "owner.json").exists()


def test_a_directory_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="file/data"), Ownership(tmp_path / "file" / "data", "uniir search", wait_seconds=0):
        pass


def test_a_directory_that_can_not_be_written_to_is_named_and_left_free(tmp_path: Path) -> None:
    (tmp_path / "owner.json").mkdir()
    with pytest.raises(StoreUnavailable, match=re.escape(str(tmp_path))):
        Ownership(tmp_path, "uniir search", wait_seconds=0).take()
    (tmp_path / "owner.json").rmdir()
    assert Ownership(tmp_path, "uniir search", wait_seconds=0).take()


def test_a_second_one_waits_for_its_turn(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with Ownership(tmp_path, "second", wait_seconds=60):
            order.append("second")

    with Ownership(tmp_path, "first", wait_seconds=0):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.3)
        order.append("first")
    waiting.join(60)
    assert order == ["first", "second"]


def test_who_owns_it_is_for_the_owner_s_eyes(tmp_path: Path) -> None:
    with Ownership(tmp_path, "uniir search", wait_seconds=0):
        assert stat.S_IMODE((tmp_path / "owner.json").stat().st_mode) == 0o600
    assert not (tmp_path / "owner.json").exists()


def test_an_owner_that_serves_says_where_to_those_who_may_read_it(tmp_path: Path) -> None:
    with Ownership(tmp_path, "uniir serve", wait_seconds=0) as ownership:
        silent = owner_of(tmp_path)
        ownership.announce("http://127.0.0.1:8765", "s3cret")
        owner = owner_of(tmp_path)
        assert silent is not None
        assert owner is not None
        assert (silent.address, silent.secret) == (None, None)
        assert (owner.pid, owner.address, owner.secret) == (os.getpid(), "http://127.0.0.1:8765", "s3cret")
        assert owner.since == silent.since
        assert stat.S_IMODE((tmp_path / "owner.json").stat().st_mode) == 0o600
    assert owner_of(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        '{"pid": 1e400, "command": "uniir serve", "since": "now"}',
        "[" * 100_000,
        "",
        "no json",
        "[]",
        "{}",
        '{"pid": "x", "command": 1, "since": null}',
    ],
)
def test_a_file_that_says_nothing_names_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "owner.json").write_text(content)
    assert owner_of(tmp_path) is None


def test_taking_does_not_wait(tmp_path: Path) -> None:
    first, second = (Ownership(tmp_path, name, wait_seconds=60) for name in ("first", "second"))
    assert first.take()
    before = time.monotonic()
    assert not second.take()
    assert time.monotonic() - before < 30
    first.release()
    assert second.take()
    second.release()


def test_an_instance_tells_owners_apart_and_gives_no_secret_away() -> None:
    assert instance_of("one") != instance_of("other")
    assert "one" not in instance_of("one")
