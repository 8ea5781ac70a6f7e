"""Owning a data directory, and serving it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.local.service import LocalService
from app.wiring.owned import Embedding
from app.wiring.sessions import installed
from search.embedding import EncodeAtOnce
from storage.ownership import Claim, claim_on
from uniir.settings import Settings


@contextmanager
def own(settings: Settings, command: str, embedding: Embedding = EncodeAtOnce) -> Iterator[LocalService]:
    """This process's own service. Raises DirectoryInUse where another process owns the directory for too long."""
    with (
        claim_on(settings, command, wait_seconds=settings.wait_seconds) as claim,
        serving(settings, claim, embedding) as service,
    ):
        yield service


@contextmanager
def serving(settings: Settings, claim: Claim, embedding: Embedding = EncodeAtOnce) -> Iterator[LocalService]:
    """The service of who holds the directory; on leaving, the job at work ends after its batch and stays in the queue."""
    with installed(settings, embedding) as everything:
        service = LocalService(everything, claim)
        try:
            yield service
        finally:
            service.close()
