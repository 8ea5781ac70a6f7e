"""Where the vector stores of all collections live together: Milvus Lite, or a directory of exact stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from uniir.errors import StoreUnavailable
from uniir.protocols import VectorStore
from uniir.settings import Settings

if TYPE_CHECKING:
    from storage.milvus.collections import Collections


@contextmanager
def _installed() -> Iterator[None]:
    """A missing library as StoreUnavailable."""
    try:
        yield
    except ImportError as error:
        raise StoreUnavailable(f"The vector store needs {error.name}, which is not installed.", "Install `uniir[local]`.") from None


class VectorDatabase(Protocol):
    """Opens and drops the vector stores of collections by name."""

    @property
    def engine(self) -> str:
        """What stands behind it, by name and version. Raises StoreUnavailable."""
        ...

    def open(self, name: str, dimension: int) -> VectorStore:
        """The store of this name, made empty if there is none."""
        ...

    def drop(self, name: str) -> None: ...

    def names(self) -> Sequence[str]: ...

    def size(self, name: str) -> int:
        """Bytes on disk."""
        ...

    def close(self) -> None: ...


class MilvusDatabase:
    """Milvus, either kind: Lite below a directory, or a server."""

    def __init__(self, collections: Collections, directory: Path | None = None) -> None:
        """`directory` is where Lite writes."""
        self._collections = collections
        self._directory = directory

    def open(self, name: str, dimension: int) -> VectorStore:
        from storage.milvus.store import MilvusVectors

        return MilvusVectors(self._collections, name, dimension)

    def drop(self, name: str) -> None:
        self._collections.drop(name)

    def names(self) -> Sequence[str]:
        return self._collections.names()

    @property
    def engine(self) -> str:
        return self._collections.engine.name

    def size(self, name: str) -> int:
        """What Lite writes below the collection's own directory; 0 for a server, which does not tell."""
        return 0 if self._directory is None else size_below(self._directory / "milvus.db" / "collections" / name)

    def close(self) -> None:
        self._collections.milvus.close()


class ExactDatabase:
    """One file for each store."""

    engine = "FAISS"

    def __init__(self, directory: Path, device: str = "cpu") -> None:
        self._directory = directory
        self._device = device

    def open(self, name: str, dimension: int) -> VectorStore:
        with _installed():
            from storage.exact import ExactVectors
        return ExactVectors(dimension, self._directory / f"{name}.npz", self._device)

    def drop(self, name: str) -> None:
        (self._directory / f"{name}.npz").unlink(missing_ok=True)

    def names(self) -> Sequence[str]:
        return sorted(file.stem for file in self._directory.glob("*.npz"))

    def size(self, name: str) -> int:
        file = self._directory / f"{name}.npz"
        return file.stat().st_size if file.exists() else 0

    def close(self) -> None:
        """Every store wrote its file when it was finished."""


def open_database(settings: Settings, owner: str = "") -> VectorDatabase:
    """What the settings name; `owner` tells installations apart that share a server. Raises StoreUnavailable, SettingsError."""
    if settings.vector_store == "exact":
        return ExactDatabase(settings.vectors_directory, settings.device)
    with _installed():
        from storage.milvus.opening import lite_collections, server_collections  # only who opens vectors pays for loading pymilvus
    if settings.milvus_address is None:
        return MilvusDatabase(lite_collections(settings), settings.vectors_directory)
    return MilvusDatabase(server_collections(settings, owner))


def size_below(directory: Path) -> int:
    """Bytes of all files below a directory; files that go meanwhile count nothing."""
    size = 0
    for file in directory.rglob("*"):
        with suppress(OSError):
            size += file.stat().st_size if file.is_file() else 0
    return size
