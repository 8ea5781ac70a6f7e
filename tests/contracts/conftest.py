"""What several modules of real servers need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.far import Far
from tests.servers.milvus import MilvusServer


@pytest.fixture
def far(milvus_server: MilvusServer) -> Iterator[Far]:
    one = Far(milvus_server)
    yield one
    one.close()
