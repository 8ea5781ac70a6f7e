"""Small checkpoints, saved once for all tests and by the library only when one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the directory of a small model by the name of the function that saves it."""
    pytest.importorskip("transformers", reason="transformers is not installed (extra `models`)")
    from tests.encoders.zero_shot import saved as saving

    @cache
    def directory(name: str) -> Path:
        place = tmp_path_factory.mktemp("zero-shot") / name
        getattr(saving, name)(place)
        return place

    return directory
