"""Small models, saved once for all tests and by the library only when one is asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the directory of a small model by the name of the function that saves it."""
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed (extra `sentence-transformers`)")
    from tests.encoders.sentences import saved as saving

    logging.getLogger("sentence_transformers").setLevel(logging.CRITICAL)

    @cache
    def directory(name: str) -> Path:
        place = tmp_path_factory.mktemp("sentences") / name
        getattr(saving, name)(place)
        return place

    return directory
