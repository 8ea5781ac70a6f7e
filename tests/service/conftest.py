"""One full house for tests that only look, a new one for those that change something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.service.houses import TREE, House, house


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
