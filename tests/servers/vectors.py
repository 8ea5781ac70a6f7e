"""The Milvus server of a test run, as a fixture."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.servers.catalogs import REQUIRED

if TYPE_CHECKING:
    from tests.servers.milvus import MilvusServer


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """One server for the whole run, started by the first test that needs it. Whoever kills or stalls it starts it again."""
    from tests.servers.milvus import MilvusServer

    server = None
    try:
        server = MilvusServer(tmp_path_factory.mktemp("milvus"))
        server.start()
    except (OSError, subprocess.CalledProcessError) as error:  # a server that does not come up in time is an OSError too
        if server is not None:
            server.close()
        reason = f"no Milvus server can be started here: {getattr(error, 'stderr', '') or error}"
        if REQUIRED:
            pytest.fail(reason)
        warnings.warn(pytest.PytestWarning(reason), stacklevel=1)
        pytest.skip(reason)
    yield server
    server.close()
