"""What rerankers' values mean in a collection, in the catalog."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from storage.sql.collections import CollectionRecord
from storage.sql.databases.dialects import insert_or
from storage.sql.databases.engines import Engines
from storage.sql.schema import calibrations, now
from uniir.calibration import Calibration

_ASKED = select(calibrations.c.calibration).where(
    calibrations.c.collection_id == bindparam("collection"), calibrations.c.reranker == bindparam("reranker")
)


class SqlCalibrations:
    """One for each collection and reranker; a reranker is named with its version, since other weights mean other values."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def find(self, collection: CollectionRecord, reranker: str) -> Calibration | None:
        with self._engines.reading() as connection:
            row = connection.execute(_ASKED, {"collection": collection.id, "reranker": reranker}).first()
        return Calibration.from_json(row.calibration) if row is not None else None

    def put(self, collection: CollectionRecord, reranker: str, calibration: Calibration) -> None:
        values = {"calibration": calibration.as_json(), "made_at": now()}
        with self._engines.writing() as connection:
            row = insert_or(connection, calibrations).values(collection_id=collection.id, reranker=reranker, **values)
            connection.execute(row.on_conflict_do_update(index_elements=["collection_id", "reranker"], set_=values))

    def remove(self, collection: CollectionRecord, reranker: str) -> None:
        mine = (calibrations.c.collection_id == collection.id) & (calibrations.c.reranker == reranker)
        with self._engines.writing() as connection:
            connection.execute(delete(calibrations).where(mine))
