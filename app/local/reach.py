"""Reaching a data directory: owning it where it is free, asking its owner where it is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from app.local.opening import serving
from storage.ownership import POLL_SECONDS, Owner, claim_on, instance_of, owner_of
from uniir.errors import ServiceUnavailable, UniirError
from uniir.service import Service
from uniir.settings import Settings

if TYPE_CHECKING:
    from uniir.client import Client

_T = TypeVar("_T")
_PATIENCE = 1.0  # seconds that an owner may be away while a job is followed: a dead one is soon succeeded


@contextmanager
def reached(settings: Settings, command: str) -> Iterator[Service]:
    """The directory's service, here or at its owner's. Raises DirectoryInUse where an owner neither answers nor ends for too long.

    The lock alone tells whether an owner lives: a free one is taken, whatever a dead owner left in its file.
    """
    ownership = claim_on(settings, command, wait_seconds=0)
    deadline = time.monotonic() + settings.wait_seconds
    while not ownership.take():
        client = _client_of(owner_of(settings.data_dir))
        if client is not None:
            with client:
                yield client
            return
        if time.monotonic() >= deadline:
            raise ownership.refusal()
        time.sleep(POLL_SECONDS)
    with ownership, serving(settings, ownership) as service:
        yield service


def asked(settings: Settings, command: str, question: Callable[[Service], _T]) -> _T:
    """The answer to a question that may be asked twice: once more, where the owner dies over it."""
    try:
        with reached(settings, command) as service:
            return question(service)
    except ServiceUnavailable:
        with reached(settings, command) as service:
            return question(service)


def _client_of(owner: Owner | None) -> Client | None:
    """A client of the owner, if it answers and is the one that wrote the file: a stranger at its address hears no secret."""
    if owner is None or owner.address is None or owner.secret is None:
        return None
    from uniir.client import Client

    try:
        with Client(owner.address) as stranger:
            if stranger.instance() != instance_of(owner.secret):
                return None
    except UniirError:
        return None
    return Client(owner.address, owner.secret, patience=_PATIENCE)
