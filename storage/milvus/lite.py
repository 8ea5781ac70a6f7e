"""Milvus Lite: one embedded server for each data directory, opened once and really let go at the end."""

from __future__ import annotations

from pathlib import Path

from milvus_lite.server_manager import server_manager_instance
from pymilvus import MilvusClient

from storage.milvus.connection import Milvus, Patience

# Lite throws out who asks for a sign of life every 10 s, which the client does, and gRPC says so on the terminal.
_SILENT = {"grpc.keepalive_time_ms": 2**31 - 1}


def open_lite(directory: Path) -> Milvus:
    """The embedded server of one directory. Its caller holds the data directory's Ownership. Raises StoreUnavailable."""
    directory.mkdir(parents=True, exist_ok=True)
    path = str(directory / "milvus.db")  # a str that ends in .db, or Lite takes it for an address
    milvus = Milvus(
        path,
        lambda _: MilvusClient(path, grpc_options=_SILENT),
        # closing the client alone would keep the directory locked until the process ends
        lambda: server_manager_instance.release_server(path),
        Patience(search=0, write=0),  # in this process: what fails once fails again
    )
    _ = milvus.engine
    return milvus
