"""Milvus Lite: one embedded server for each data directory, opened once and really let go at the end."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

import grpc
from milvus_lite.server_manager import server_manager_instance
from pymilvus import DataType, MilvusClient, MilvusException

from storage.milvus.indexes import FLAT, IndexChoice, lite_parameters
from uniir.errors import StoreUnavailable

# Both print a traceback for every failed call; what matters reaches the caller as an exception.
for _name in ("pymilvus", "milvus_lite", "faiss"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

# The client looks for it in the middle of its first search, and fails where another thread is importing it at that moment.
with suppress(ImportError):
    import_module("scipy.sparse")

_MODALITY_LENGTH = 16
_LOAD_PAUSES = (0.3, 1.0, 2.0)  # seconds


class MilvusLite:
    """The embedded server of one directory. Its caller holds the data directory's Ownership."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = str(directory / "milvus.db")  # a str that ends in .db, or Lite takes it for an address
        with translated(f"The vector store {self._path} can't be opened"):
            self.client = MilvusClient(self._path)

    def create(self, name: str, dimension: int) -> None:
        """The collection, if it is not there yet. One of another dimension is a leftover of a lost catalog, and goes."""
        with translated(f"The vector collection {name} can't be made"):
            if self.client.has_collection(name):
                if self._dimension(name) == dimension:
                    return
                self.client.drop_collection(name)
            schema = self.client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
            schema.add_field("modality", DataType.VARCHAR, max_length=_MODALITY_LENGTH)
            self.client.create_collection(name, schema=schema)
            self.build_index(name, FLAT)

    def _dimension(self, name: str) -> int | None:
        fields = self.client.describe_collection(name)["fields"]
        return next((int(field["params"]["dim"]) for field in fields if field["name"] == "vector"), None)

    def load(self, name: str, choice: IndexChoice) -> None:
        """After this search sees every row that was flushed, through its index.

        Lite writes index files in the background and reads them back without a check. A file still being written can be
        read a moment later; one cut off by a killed process goes only with the index itself, which is then built anew.
        """
        with translated(f"The vector collection {name} can't be loaded"):
            for pause in _LOAD_PAUSES:
                try:
                    self.client.load_collection(name)
                except MilvusException:
                    time.sleep(pause)
                else:
                    return
            self.client.release_collection(name)
            self.client.drop_index(name, "vector")
            self.build_index(name, choice)
            self.client.load_collection(name)

    def build_index(self, name: str, choice: IndexChoice) -> None:
        """Declares the index; it is built by the next load. The collection must not be loaded if it has one already."""
        parameters = self.client.prepare_index_params()
        parameters.add_index("vector", index_type=choice.type, metric_type="IP", params=lite_parameters(choice))
        self.client.create_index(name, parameters)

    def drop(self, name: str) -> None:
        with translated(f"The vector collection {name} can't be removed"):
            if self.client.has_collection(name):
                self.client.drop_collection(name)

    def names(self) -> list[str]:
        with translated("The vector store can't be listed"):
            return list(self.client.list_collections())

    def close(self) -> None:
        """Closing the client alone would keep the directory locked until the process ends."""
        self.client.close()
        server_manager_instance.release_server(self._path)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Milvus' and gRPC's errors as StoreUnavailable."""
    try:
        yield
    except (MilvusException, grpc.RpcError) as error:
        reason = getattr(error, "message", "") or str(error) or type(error).__name__
        raise StoreUnavailable(
            f"{what}: {reason.strip().rstrip('.')}.",
            "If another program has the directory open, end it. If the store is damaged or lost, "
            "`uniir rebuild` makes it anew from the catalog, without encoding.",
        ) from error
