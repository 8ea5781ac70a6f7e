"""Whose turn it is to change a collection, between processes."""

from __future__ import annotations

import logging
import threading

from sqlalchemy import Connection, delete, select

from storage.sql.databases.dialects import insert_or
from storage.sql.databases.engines import Engines
from storage.sql.jobs.presence import Presence, is_alive
from storage.sql.schema import processes, turns
from uniir.errors import StoreUnavailable

_log = logging.getLogger(__name__)


class SqlTurns:
    """One row for each collection that is being changed. The turn of a dead process is anybody's."""

    def __init__(self, engines: Engines, presence: Presence) -> None:
        self._engines = engines
        self._presence = presence
        self._held: set[str] = set()
        self._owed: set[str] = set()
        self._giving = threading.Lock()  # or what was just taken again is given back
        presence.remember(self._give_back)

    def take(self, collection: str, what: str) -> str | None:
        """Takes the turn; or says who has it and what for, in words. Raises StoreUnavailable."""
        self._presence.enter()
        said = self._taken_by(collection)
        if said is not None:
            return said
        with self._giving:
            said = self._took(collection, what)
            if said is None:
                self._held.add(collection)
        return said

    def _took(self, collection: str, what: str) -> str | None:
        me = {"holder": self._presence.id, "what": what}
        with self._engines.writing() as connection:
            taken = connection.execute(
                insert_or(connection, turns)
                .values(collection=collection, **me)
                .on_conflict_do_update(
                    index_elements=[turns.c.collection],
                    set_=me,
                    where=(turns.c.holder == self._presence.id) | ~is_alive(turns.c.holder),
                )
                .returning(turns.c.holder)
            ).first()
        if taken is None:
            return self._taken_by(collection) or "another process"
        return None

    def _taken_by(self, collection: str) -> str | None:
        query = (
            select(turns.c.what, processes.c.said)
            .join(processes, processes.c.id == turns.c.holder)
            .where(turns.c.collection == collection, turns.c.holder != self._presence.id, is_alive(turns.c.holder))
        )
        with self._engines.reading() as connection:
            row = connection.execute(query).first()
        return f"{row.what} ({row.said})" if row is not None else None

    def free(self, collection: str) -> None:
        """Gives the turn back, later where the catalog is away just now."""
        self._held.discard(collection)
        self._owed.add(collection)
        try:
            self._give_back()
        except StoreUnavailable as error:
            _log.warning("the turn at %s is given back later: %s", collection, error)

    def _give_back(self) -> None:
        for collection in list(self._owed):
            with self._giving:
                if collection not in self._held:
                    self._delete(collection)
                self._owed.discard(collection)

    def _delete(self, collection: str) -> None:
        with self._engines.writing() as connection:
            connection.execute(delete(turns).where(turns.c.collection == collection, turns.c.holder == self._presence.id))

    def guarded(self, collection: str) -> Engines:
        """The catalog as who changes this collection must use it: what is changed after the turn was lost is refused."""
        return self._engines.fenced(lambda connection: self._require(connection, collection))

    def _require(self, connection: Connection, collection: str) -> None:
        if collection not in self._held:
            return  # nobody took turns here
        mine = select(turns.c.holder).where(turns.c.collection == collection, turns.c.holder == self._presence.id)
        if connection.execute(mine.with_for_update(read=True)).first() is None:  # locked, so that it is not lost before the commit
            raise StoreUnavailable(
                f"Another process took over the work on {collection}: this one gave no sign of life for too long.",
                "What was done is kept; the other one goes on with it.",
            )
