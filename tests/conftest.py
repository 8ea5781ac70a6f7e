"""Every test in a place of its own, with nothing of the person's settings in reach."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.folders import Tree
from tests.servers.catalogs import catalog, empty_database, postgres, postgres_server  # noqa: F401
from tests.servers.vectors import milvus_server  # noqa: F401
from tests.worlds import World

# The same examples in every run, so that a change is judged by itself; `pytest --hypothesis-profile=explore` looks for new ones.
settings.register_profile("explore", deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("uniir", settings.get_profile("explore"), derandomize=True)
settings.load_profile("uniir")


def pytest_collection_finish() -> None:
    gc.freeze()  # what was imported stays; looking through it for garbage again and again takes up to a tenth of the time


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No UNIIR_ variable, no settings file, no home and no working directory but the test's own."""
    for name in [name for name in os.environ if name.startswith("UNIIR_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.chdir(home)


class Worlds:
    """Makes worlds and closes them when the test is over."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._open: list[World] = []

    def __call__(self, tree: Tree | None = None, **options: object) -> World:
        world = World(self._place, tree, **options)  # type: ignore[arg-type]
        self._open.append(world)
        return world

    def close(self) -> None:
        for world in self._open:
            world.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Worlds]:
    """`world({"cat.jpg": picture()})` is a corpus with an empty collection beside it."""
    worlds = Worlds(tmp_path)
    yield worlds
    worlds.close()
