"""Fetching from a hub, against one on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from encoders.hub import Hub
from encoders.specs import HubFile
from tests.fake_hub import COMMIT, FakeHub, serving
from uniir.errors import ModelUnavailable

CONTENT = bytes(range(256)) * 4000
FILE = HubFile("somebody/models", "folder/model.pth", "main")


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with serving(FakeHub(CONTENT)) as hub:
        yield hub


def silent(done: int, whole: int) -> None:
    assert done <= whole


def test_a_file_is_fetched_at_the_commit_that_a_branch_stands_at(fake: FakeHub, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path, remote = Hub(fake.address).fetch(FILE, tmp_path / "new", lambda *said: told.append(said))
    assert path == tmp_path / "new" / "model.pth"
    assert path.read_bytes() == CONTENT
    assert (remote.commit, remote.size) == (COMMIT, len(CONTENT))
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_a_connection_that_breaks_is_taken_up_where_it_broke(fake: FakeHub, tmp_path: Path) -> None:
    fake.cuts = [300_000, 0, 100_000]
    path, _ = Hub(fake.address, pause=0).fetch(FILE, tmp_path, silent)
    assert path.read_bytes() == CONTENT
    assert fake.ranges == ["bytes=0-", "bytes=300000-", "bytes=300000-", "bytes=400000-"]


def test_another_run_goes_on_where_one_gave_up(fake: FakeHub, tmp_path: Path) -> None:
    fake.cuts = [200_000, 0, 0, 0, 0, 0]
    with pytest.raises(ModelUnavailable, match=r"broke off at 0 of 1 MB .* goes on from there"):
        Hub(fake.address, pause=0).fetch(FILE, tmp_path, silent)
    fake.ranges.clear()
    path, _ = Hub(fake.address, pause=0).fetch(FILE, tmp_path, silent)
    assert fake.ranges == ["bytes=200000-"]
    assert path.read_bytes() == CONTENT


def test_a_part_of_another_content_is_not_gone_on_with(fake: FakeHub, tmp_path: Path) -> None:
    fake.cuts = [200_000, 0, 0, 0, 0, 0]
    with pytest.raises(ModelUnavailable):
        Hub(fake.address, pause=0).fetch(FILE, tmp_path, silent)
    fake.content = CONTENT[::-1]
    path, _ = Hub(fake.address).fetch(FILE, tmp_path, silent)
    assert path.read_bytes() == CONTENT[::-1]
    assert not list(tmp_path.glob("*.part"))


def test_a_hub_that_knows_no_ranges_is_asked_for_everything(fake: FakeHub, tmp_path: Path) -> None:
    fake.honours_ranges = False
    fake.cuts = [200_000]
    assert Hub(fake.address, pause=0).fetch(FILE, tmp_path, silent)[0].read_bytes() == CONTENT


def test_an_abbreviated_commit_is_looked_up(fake: FakeHub, tmp_path: Path) -> None:
    fetched = Hub(fake.address).fetch(HubFile(FILE.repository, FILE.path, COMMIT[:7]), tmp_path, silent)
    assert fetched[1].commit == COMMIT
    with pytest.raises(ModelUnavailable, match="no revision abcdef9"):
        Hub(fake.address).fetch(HubFile(FILE.repository, FILE.path, "abcdef9"), tmp_path, silent)


def test_a_file_that_is_not_what_the_hub_said_is_not_kept(fake: FakeHub, tmp_path: Path) -> None:
    fake.etag = "0" * 64
    with pytest.raises(ModelUnavailable, match="not what the hub said"):
        Hub(fake.address).fetch(FILE, tmp_path, silent)
    assert not [*tmp_path.glob("*.part"), *tmp_path.glob("*.pth")]


def test_a_file_that_the_hub_has_not_and_one_that_is_not_for_everybody(fake: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"has no gone\.pth of somebody/models at main"):
        Hub(fake.address).fetch(HubFile(FILE.repository, "gone.pth", "main"), tmp_path, silent)
    fake.status = 401
    with pytest.raises(ModelUnavailable, match="Set HF_TOKEN"):
        Hub(fake.address, token="secret").fetch(FILE, tmp_path, silent)
    assert fake.tokens[-1] == "Bearer secret"


def test_offline_means_that_nobody_is_asked(fake: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="HF_HUB_OFFLINE"):
        Hub.of({"HF_ENDPOINT": fake.address, "HF_HUB_OFFLINE": "1"}).fetch(FILE, tmp_path, silent)
    assert fake.tokens == []


def test_without_a_hub_there_is_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"can't be reached .*`uniir models convert`"):
        Hub("http://127.0.0.1:9", pause=0).fetch(FILE, tmp_path, silent)


def test_two_do_not_fetch_the_same_at_once(fake: FakeHub, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".lock"), pytest.raises(ModelUnavailable, match="Another process"):
        Hub(fake.address).fetch(FILE, tmp_path, silent)
