"""One scene for every test of a module: searching changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.search.scenes import TREE, Scene
from tests.worlds import World


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with World(tmp_path_factory.mktemp("scene"), TREE) as world:
        yield Scene(world)
