"""An installation for as long as it is worked with: opened, rehearsed on, owned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.wiring.installation import Installation, catalog_of
from app.wiring.owned import Embedding, OwnedInstallation
from search.embedding import EncodeAtOnce
from storage.ownership import claim_on
from storage.sql.databases.engines import open_catalog
from storage.sql.rehearsing import rehearsed
from uniir.settings import Settings


@contextmanager
def opened(settings: Settings) -> Iterator[Installation]:
    """The installation, for what the catalog alone can answer; needs no ownership."""
    installation = Installation(settings)
    try:
        yield installation
    finally:
        installation.close()


@contextmanager
def rehearsing(settings: Settings) -> Iterator[OwnedInstallation]:
    """The installation for looking only: what is written to its catalog is seen by nobody else, and gone at the end."""
    engines = open_catalog(catalog_of(settings))
    try:
        with rehearsed(engines) as seen_by_nobody:
            everything = OwnedInstallation(Installation(settings, seen_by_nobody))
            try:
                yield everything
            finally:
                everything.close()
    finally:
        engines.close()


@contextmanager
def installed(settings: Settings, embedding: Embedding = EncodeAtOnce) -> Iterator[OwnedInstallation]:
    """The installation with its vectors, for who holds the directory's Ownership."""
    with opened(settings) as installation:
        everything = OwnedInstallation(installation, embedding)
        try:
            yield everything
        finally:
            everything.close()


@contextmanager
def owned(settings: Settings, command: str) -> Iterator[OwnedInstallation]:
    """The installation with its vectors. Raises DirectoryInUse where another process owns the directory for too long."""
    with claim_on(settings, command, wait_seconds=settings.wait_seconds), installed(settings) as everything:
        yield everything
