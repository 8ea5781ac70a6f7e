"""One connection to what speaks Milvus, embedded or far: every call with a deadline, and again where that may help."""

from __future__ import annotations

import errno
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar
from uuid import uuid4

import grpc
from pymilvus import DataType, MilvusClient, MilvusException

from storage.milvus.engines import Engine, engine_of
from storage.milvus.indexes import IndexType
from uniir.errors import StoreUnavailable

# They print a traceback for every failed call; what matters reaches the caller as an exception. (Importing pymilvus sets its level.)
for _name in ("pymilvus", "milvus_lite", "faiss"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

# The client looks for it in the middle of its first search, and fails where another thread is importing it at that moment.
with suppress(ImportError):
    import_module("scipy.sparse")

Answer = TypeVar("Answer")
Gpu: TypeAlias = bool | Literal["try"] | None

_NOT_READY, NOT_LOADED, _NO_DATABASE = 1, 101, 800
# Not ready, not reachable, too many or too much at once, not loaded yet, replica, channel, segment or node not there yet.
_PASSING = frozenset({1, 2, 3, 4, 8, NOT_LOADED, 103, 401, 500, 501, 503, 601, 901, 902, 904})
_PASSING_RPC = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
_FULL = frozenset({3, 7, 9})
_NO_ROOM = os.strerror(errno.ENOSPC)  # all that Lite says
_QUIET = {"grpc.keepalive_time_ms": 60_000}  # a server throws out who asks every 10 s whether it still lives
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 3.0  # seconds
_ATTEMPT = 20.0  # seconds that one attempt may take where a call as a whole may take longer


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until a call is given up, with all its attempts: a search has somebody waiting, a write has not, a build takes long."""

    search: float = 10.0
    write: float = 60.0
    build: float = 900.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where a Milvus server is and how to come in. `gpu` overrules what it says of its GPU: None believes it, "try" tries it."""

    address: str
    token: str = ""
    database: str = ""
    server_name: str = ""
    ca_file: Path | None = None
    patience: Patience = Patience()
    gpu: Gpu = None


class Milvus:
    """A connection that is made at the first call and heals itself. Safe to use from several threads."""

    def __init__(
        self,
        address: str,
        connect: Callable[[float], MilvusClient],
        let_go: Callable[[], None],
        patience: Patience,
        gpu: Gpu = None,
    ) -> None:
        self.address = address
        self.patience = patience
        self._connect = connect
        self._let_go = let_go
        self._gpu = gpu
        self._client: MilvusClient | None = None
        self._engine: Engine | None = None
        self._connecting = threading.Lock()

    @property
    def engine(self) -> Engine:
        """Raises StoreUnavailable."""
        if self._engine is None:
            version = self.ask(  # with a search's patience, since that may be what waits for it
                "The vector store can't be opened", lambda client, left: client.get_server_version(timeout=left), self.patience.search
            )
            gpu = self.ask("The vector store can't be opened", _builds_on_gpu, self.patience.write) if self._gpu == "try" else self._gpu
            self._engine = engine_of(version, gpu)
        return self._engine

    def ask(self, what: str, call: Callable[[MilvusClient, float | None], Answer], seconds: float) -> Answer:
        """One call, tried again with growing pauses while its failure may pass. Raises StoreUnavailable, which begins with `what`.

        `call` gets how long it may take; with 0 seconds there is one attempt without a limit.
        """
        deadline = time.monotonic() + seconds
        pause = _FIRST_PAUSE
        while True:
            try:
                left = deadline - time.monotonic()
                return call(self._connected(left), max(0.1, min(left, _ATTEMPT)) if seconds else None)
            except (MilvusException, grpc.RpcError) as error:
                wait = pause * random.uniform(0.5, 1.5)  # so that those who were thrown out together do not come back together
                if not may_pass(error) or time.monotonic() + wait >= deadline:
                    raise self.unavailable(what, error) from error
                time.sleep(wait)
                pause = min(pause * 2, _LONGEST_PAUSE)

    @contextmanager
    def translated(self, what: str) -> Iterator[None]:
        """For what can't be tried again as a whole: errors of Milvus and gRPC as StoreUnavailable."""
        try:
            yield
        except (MilvusException, grpc.RpcError) as error:
            raise self.unavailable(what, error) from error

    def unavailable(self, what: str, error: Exception) -> StoreUnavailable:
        """The error as a person should read it."""
        reason = _reason(error)
        if (self._engine is not None and self._engine.embedded) or not self.address.startswith("http"):
            way_out = (
                "If another program has the directory open, end it. If the store is damaged or lost, "
                "`uniir rebuild` makes it anew from the catalog, without encoding."
            )
            if _NO_ROOM in reason:
                way_out = "Make room on this disk, then run the same command again."
        elif _code(error) in _FULL:
            way_out = "The server has no room left: give it memory or disk, then run the same command again."
        elif _status(error) in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
            way_out = "Check `milvus_token` (`uniir config`)."
        else:
            way_out = (
                "Start the server or check `milvus_uri` (`uniir config`). Nothing is lost: the same command takes up where this one ended."
            )
        return StoreUnavailable(f"{what}: {self.address}: {reason}.", way_out)

    def close(self) -> None:
        with self._connecting:
            if self._client is not None:
                self._client.close()
                self._client = None
                self._let_go()

    def _connected(self, seconds: float) -> MilvusClient:
        with self._connecting:
            if self._client is None:
                self._client = self._connect(max(0.5, min(seconds, _ATTEMPT)))
            return self._client


def open_server(server: Server) -> Milvus:
    """A connection to a Milvus server; nothing is sent before the first call."""

    def connect(seconds: float) -> MilvusClient:
        options: dict[str, object] = {"token": server.token, "db_name": server.database, "dedicated": True, "grpc_options": _QUIET}
        if server.address.startswith("https"):
            options["secure"] = True
            if server.server_name:
                options["server_name"] = server.server_name
            if server.ca_file is not None:
                options["server_pem_path"] = str(server.ca_file)
        client = MilvusClient(server.address, timeout=seconds, **options)
        try:
            if server.database:
                _enter(client, server.database, seconds)
        except (MilvusException, grpc.RpcError):
            client.close()
            raise
        return client

    return Milvus(server.address, connect, lambda: None, server.patience, server.gpu)


def _builds_on_gpu(client: MilvusClient, seconds: float | None) -> bool:
    """Asks for a GPU index over an empty collection, which goes at once."""
    name = f"uniir_try_{uuid4().hex}"
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=8)
    client.create_collection(name, schema=schema, timeout=seconds)
    try:
        parameters = client.prepare_index_params()
        parameters.add_index("vector", index_type=IndexType.GPU_BRUTE_FORCE, metric_type="IP", params={})
        client.create_index(name, parameters, sync=False, timeout=seconds)
    except MilvusException as error:
        if may_pass(error):
            raise
        return False
    else:
        return True
    finally:
        client.drop_collection(name, timeout=seconds)


def _enter(client: MilvusClient, database: str, seconds: float) -> None:
    """The database, made if it is not there; who may not list databases may still use one."""
    try:
        client.list_collections(timeout=seconds)
    except MilvusException as error:
        if error.code != _NO_DATABASE:
            raise
        client.create_database(database, timeout=seconds)


def is_not_loaded(error: BaseException | None) -> bool:
    return _code(error) == NOT_LOADED


def is_slow(error: BaseException | None) -> bool:
    """Whether the server answers, and has not done yet what it was asked to."""
    return _status(error) is None and _code(error) == _NOT_READY


def may_pass(error: BaseException | None) -> bool:
    """Whether the same call may do better a moment later."""
    status = _status(error)
    if status is not None:
        return status in _PASSING_RPC
    return _code(error) in _PASSING or bool(getattr(error, "retriable", False))


def _code(error: BaseException | None) -> object:
    return getattr(error, "code", None) if isinstance(error, MilvusException) else None


def _status(error: BaseException | None) -> grpc.StatusCode | None:
    """The state of the wire, where that is what failed; the client hides it behind exceptions of its own."""
    for one in (error, getattr(error, "__cause__", None)):
        code = getattr(one, "code", None)
        found = code() if callable(code) else code
        if isinstance(found, grpc.StatusCode):
            return found
    return None


def _reason(error: Exception) -> str:
    if _status(error) is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "it does not answer in time"
    if _status(error) is grpc.StatusCode.UNAVAILABLE:
        return "it can't be reached"
    reason = getattr(error, "message", "") or str(error) or type(error).__name__
    return reason.strip().rstrip(".")
