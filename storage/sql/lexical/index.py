"""The lexical index of a collection as a whole, for checks and repairs."""

from __future__ import annotations

from collections.abc import Sequence

from storage.sql.collections import CollectionRecord
from storage.sql.databases.engines import Engines
from storage.sql.lexical import sqlite
from storage.sql.lexical.writing import index_words_of, without_words


class SqlLexicalIndex:
    """Finds documents that the index has lost, and brings them back."""

    def __init__(self, engines: Engines, collection: CollectionRecord) -> None:
        self._engines = engines
        self._collection = collection

    def lost(self) -> Sequence[int]:
        """Documents that no lexical search would find, in ascending order."""
        with self._engines.reading() as connection:
            return connection.execute(without_words(self._collection.id, connection.dialect.name)).scalars().all()

    def restore(self, ids: Sequence[int]) -> None:
        """These documents from what the catalog says of them, and with them whatever the database's own index lost."""
        with self._engines.writing() as connection:
            if connection.dialect.name == "sqlite":
                sqlite.rebuild(connection)  # first: rows that it does not have can't be taken out of it
            index_words_of(connection, ids)
