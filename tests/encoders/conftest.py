"""Golden models of UniIR, converted and loaded once for all tests; nothing is imported before one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from encoders.uniir_family.encoder import UniirEncoder


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., UniirEncoder]:
    """Gives the encoder of a golden model in a number type."""
    from tests.encoders.uniir_family.golden import converted, loaded

    @cache
    def directory(model: str) -> Path:
        return converted(model, tmp_path_factory.mktemp("models"))

    @cache
    def encoder(model: str, dtype: str = "float32") -> UniirEncoder:
        return loaded(directory(model), dtype)

    return encoder
