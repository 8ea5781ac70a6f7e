"""A collection on a real Milvus server."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from storage.milvus.choosing import AUTO, Wanted
from storage.milvus.collections import Collections
from storage.milvus.connection import Patience, Server, open_server
from storage.milvus.store import MilvusVectors
from tests.contracts.vector_store_contract import DIMENSION
from tests.servers.milvus import MilvusServer

PATIENT = Patience(search=60, write=120)
_numbers = count()


class Far:
    """One collection on the server, opened again and again, each time over a connection of its own."""

    def __init__(self, server: MilvusServer, wanted: Wanted = AUTO, dimension: int = DIMENSION) -> None:
        self.server = Server(server.address)
        self.wanted = wanted
        self.dimension = dimension
        self.name = f"points_{next(_numbers)}"
        self._open: list[Collections] = []

    def open(self, patience: Patience = PATIENT) -> MilvusVectors:
        self._open.append(Collections(open_server(replace(self.server, patience=patience)), self.wanted, "tests"))
        return MilvusVectors(self._open[-1], self.name, self.dimension)

    def close(self) -> None:
        self._open[0].drop(self.name)
        for one in self._open:
            one.milvus.close()
