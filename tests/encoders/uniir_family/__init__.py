"""Tests of the models on torch; without torch and ftfy (extra `models`) all of them are skipped, and pytest says so."""

import pytest

for _library in ("torch", "ftfy"):
    pytest.importorskip(_library, reason=f"{_library} is not installed (extra `models`)")
