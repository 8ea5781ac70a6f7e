"""Which processes work with a catalog: each says again and again that it lives, and whoever falls silent is taken for dead."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, delete, select, text, update

from storage.sql.databases.dialects import DatabaseTime, insert_or
from storage.sql.databases.engines import Engines
from storage.sql.databases.postgres import END_THE_DEAD
from storage.sql.schema import processes
from uniir.errors import StoreUnavailable

LEASE_SECONDS = 30.0
_BEATS = 6  # in a lease: some may be missed
_FOREVER = 1e9  # seconds: where a lock says who lives, nobody need say it again
_FORGOTTEN_AFTER = 24 * 3600.0
_log = logging.getLogger(__name__)


class Presence:
    """This process. In SQLite it is the only one that works with the catalog, since it owns the directory."""

    def __init__(self, engines: Engines, lease_seconds: float = LEASE_SECONDS) -> None:
        """`lease_seconds` is for how long it counts as alive after it last said so."""
        self.id = engines.name + secrets.token_hex(12)
        self._engines = engines
        self._lease = lease_seconds if engines.is_shared else _FOREVER
        self._beating: threading.Thread | None = None
        self._entering = threading.Lock()
        self._entered = False
        self._stop = threading.Event()
        self._chores: list[Callable[[], None]] = []

    @property
    def is_shared(self) -> bool:
        """Whether others may be at work beside it."""
        return self._engines.is_shared

    def remember(self, chore: Callable[[], None]) -> None:
        """Something to do whenever the catalog answers: what could not be written when it was away."""
        self._chores.append(chore)

    def enter(self) -> None:
        """Counts as alive from here on. Does nothing the second time. Raises StoreUnavailable."""
        with self._entering:
            if self._entered:
                return
            with self._engines.writing() as connection:
                too_old = processes.c.until < DatabaseTime() - _FORGOTTEN_AFTER
                connection.execute(delete(processes).where(too_old) if self.is_shared else delete(processes))
            self._say()
            self._entered = True
            if self.is_shared:
                self._beating = threading.Thread(target=self._beat, name="presence", daemon=True)
                self._beating.start()

    def leave(self) -> None:
        """What it holds still is anybody's at once."""
        self.close()
        if self._entered:
            self._entered = False
            try:
                with self._engines.writing() as connection:
                    connection.execute(delete(processes).where(processes.c.id == self.id))
            except StoreUnavailable as error:
                _log.warning("this process could not sign off, and counts as alive for %.0f s: %s", self._lease, error)

    def close(self) -> None:
        """Falls silent. What it holds still is its own until the lease ends."""
        self._stop.set()
        if self._beating is not None:
            self._beating.join()
            self._beating = None

    def _say(self) -> None:
        until = DatabaseTime() + self._lease
        said = f"process {os.getpid()} on {socket.gethostname()}"
        with self._engines.writing() as connection:
            if not connection.execute(update(processes).where(processes.c.id == self.id).values(until=until)).rowcount:
                connection.execute(insert_or(connection, processes).values(id=self.id, said=said, until=until))

    def _end_the_dead(self) -> None:
        """A process that was stopped in the middle of a change holds what others wait for, and its server waits for it."""
        try:
            with self._engines.writing() as connection:  # readers may have to wait for a connection, longer than a lease
                ended = connection.execute(text(END_THE_DEAD), {"own": self._engines.name}).all()
        except StoreUnavailable as error:
            _log.warning("transactions that the dead may have left could not be ended: %s", error)
            return
        if ended:
            _log.warning("%d transactions of processes that gave no sign of life any more were ended", len(ended))

    def _beat(self) -> None:
        while not self._stop.wait(self._lease / _BEATS):
            try:
                self._end_the_dead()  # first: it is for who lived all the time
                self._say()
                for chore in self._chores:
                    chore()
            except StoreUnavailable as error:
                _log.warning("this process could not say that it lives: %s", error)


def is_alive(holder: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the process of this id lives, as a condition."""
    living = processes.alias()
    return holder.in_(select(living.c.id).where(living.c.until > DatabaseTime()))
