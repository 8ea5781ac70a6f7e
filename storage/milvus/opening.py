"""From settings to connections."""

from __future__ import annotations

from collections.abc import Sequence

from storage.milvus.choosing import Wanted
from storage.milvus.collections import Collections
from storage.milvus.connection import Gpu, Patience, Server, open_server
from storage.milvus.declared import Column
from storage.milvus.indexes import IndexType
from uniir.errors import SettingsError
from uniir.filter_language import Key
from uniir.settings import Settings

_GPU: dict[str, Gpu] = {"auto": None, "yes": True, "no": False, "try": "try"}


def lite_collections(settings: Settings) -> Collections:
    """Milvus Lite in its directory. Raises SettingsError for settings that only a server has, and StoreUnavailable."""
    from storage.milvus.lite import open_lite

    for name in ("milvus_token", "milvus_database", "milvus_server_name", "milvus_ca_file"):
        if getattr(settings, name):
            raise SettingsError(f"{name} is for a Milvus server, and milvus_uri names none.", "Set `milvus_uri` to http://HOST:PORT.")
    return Collections(open_lite(settings.vectors_directory), wanted_index(settings), declared=_declared(settings))


def server_collections(settings: Settings, owner: str) -> Collections:
    """A Milvus server. Nothing is sent before something is asked for. Raises SettingsError."""
    return Collections(open_server(server_of(settings)), wanted_index(settings), owner, _declared(settings))


def server_of(settings: Settings) -> Server:
    token = settings.milvus_token
    return Server(
        address=settings.milvus_address or "",
        token=token.get_secret_value() if token is not None else "",
        database=settings.milvus_database,
        server_name=settings.milvus_server_name,
        ca_file=settings.milvus_ca_file,
        patience=Patience(settings.milvus_search_seconds, settings.milvus_write_seconds, settings.milvus_build_seconds),
        gpu=_GPU[settings.milvus_gpu],
    )


def wanted_index(settings: Settings) -> Wanted:
    return Wanted(None if settings.index == "auto" else IndexType(settings.index), settings.index_build, settings.index_search)


def _declared(settings: Settings) -> Sequence[Column]:
    return [Column(Key.spelled(key), kind) for key, kind in sorted(settings.metadata_fields.items())]
