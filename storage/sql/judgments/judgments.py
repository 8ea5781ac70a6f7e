"""Judgments in the catalog, the pictures of judged queries, and how each scoring came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select

from storage.sql.collections import CollectionRecord
from storage.sql.databases.dialects import insert_or
from storage.sql.databases.engines import Engines
from storage.sql.schema import documents, judged_pictures, judgments, now, scorings, sources
from uniir.errors import NotFound
from uniir.ids import format_id
from uniir.instructions import Instructions
from uniir.judgments import JudgedQuery, Judgment, Measured, Scoring

_NONE = Instructions(())  # the catalog has every instruction written out
# What every search asks: written once, since putting such a query together takes longer than the answer.
_GRADES = select(judgments.c.document_id, judgments.c.id, judgments.c.grade).where(
    judgments.c.collection_id == bindparam("collection"), judgments.c.query_key == bindparam("key")
)


@dataclass(frozen=True, slots=True)
class Given:
    """A judgment's id and grade."""

    id: int
    grade: int


@dataclass(frozen=True, slots=True)
class DocumentName:
    """What a file calls a document, so that judgments find it in another collection, too."""

    id: int | None = None
    external_id: str | None = None
    path: str | None = None
    locator: str | None = None


class SqlJudgments:
    """A judgment goes with its document; a picture stays as long as a judged query has it."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def put(self, collection: CollectionRecord, query: JudgedQuery, document: int, grade: int, picture: bytes | None) -> Judgment:
        """Gives a grade, or another one in place of it; `picture` are the bytes behind the query's hash. Raises NotFound."""
        key = ("collection_id", "query_key", "document_id")
        judged_at = now()
        values = {"grade": grade, "judged_at": judged_at, "query": query.as_json()}

        def change(connection: Connection) -> int:
            held = documents.c.collection_id == collection.id
            if connection.execute(select(documents.c.id).where(documents.c.id == document, held)).first() is None:
                raise NotFound(f"There is no document {format_id(document)} in this collection.", "Take an id from a search in it.")
            if query.image is not None and picture is not None:
                kept = insert_or(connection, judged_pictures).values(sha256=query.image, content=picture)
                connection.execute(kept.on_conflict_do_nothing(index_elements=["sha256"]))
            row = insert_or(connection, judgments).values(
                collection_id=collection.id, query_key=query.key, document_id=document, image_sha256=query.image, **values
            )
            placed = row.on_conflict_do_update(index_elements=key, set_=values).returning(judgments.c.id)
            number = int(connection.execute(placed).scalar_one())
            _drop_unused_pictures(connection)
            return number

        return Judgment(self._engines.settled(change), query, document, grade, judged_at)

    def match(self, collection: CollectionRecord, name: DocumentName) -> int | None:
        """The document of the collection that a file calls so: by id, else by external id, else by path and place in it."""
        held = documents.c.collection_id == collection.id
        whole = sources.c.root + "/" + sources.c.path
        ways = (
            (name.id is not None, documents.c.id == name.id),
            (name.external_id is not None, documents.c.external_id == name.external_id),
            (name.path is not None, (whole == name.path) & documents.c.locator.is_not_distinct_from(name.locator)),
        )
        with self._engines.reading() as connection:
            for is_named, condition in ways:
                query = select(documents.c.id).join(sources, sources.c.id == documents.c.source_id).where(held, condition)
                if is_named and (found := connection.execute(query.order_by(documents.c.id)).scalars().first()) is not None:
                    return int(found)
        return None

    def of(self, collection: CollectionRecord) -> Sequence[Judgment]:
        """All of a collection, query by query, in the order in which they were first given."""
        query = select(judgments).where(judgments.c.collection_id == collection.id).order_by(judgments.c.id)
        with self._engines.reading() as connection:
            found = [_judgment(row) for row in connection.execute(query).mappings()]
        first: dict[str, int] = {}
        for one in found:
            first.setdefault(one.query.key, one.id)
        return sorted(found, key=lambda one: (first[one.query.key], one.id))

    def grades(self, collection: CollectionRecord, key: str) -> Mapping[int, Given]:
        """What was said for the query with this key, by document."""
        with self._engines.reading() as connection:
            rows = connection.execute(_GRADES, {"collection": collection.id, "key": key})
            return {row.document_id: Given(row.id, int(row.grade)) for row in rows}

    def remove(self, number: int) -> Judgment:
        """Takes one back, and pictures that no judged query has any more. Raises NotFound."""

        def change(connection: Connection) -> Judgment:
            row = connection.execute(select(judgments).where(judgments.c.id == number)).mappings().first()
            if row is None:
                raise NotFound(f"There is no judgment {number}.", "It may have been taken back, or its document deleted.")
            connection.execute(delete(judgments).where(judgments.c.id == number))
            _drop_unused_pictures(connection)
            return _judgment(row)

        return self._engines.settled(change)

    def picture(self, sha256: str) -> bytes | None:
        """The bytes of a judged query's picture."""
        with self._engines.reading() as connection:
            return connection.execute(select(judged_pictures.c.content).where(judged_pictures.c.sha256 == sha256)).scalar()

    def keep_scoring(self, collection: CollectionRecord, scoring: Scoring) -> None:
        row = asdict(scoring) | {"measures": {name: asdict(one) for name, one in scoring.measures.items()}}
        with self._engines.writing() as connection:
            connection.execute(insert(scorings).values(collection_id=collection.id, **row))

    def scorings(self, collection: CollectionRecord) -> Sequence[Scoring]:
        """Oldest first."""
        query = select(scorings).where(scorings.c.collection_id == collection.id).order_by(scorings.c.made_at, scorings.c.id)
        with self._engines.reading() as connection:
            return [_scoring(row) for row in connection.execute(query).mappings()]


def _drop_unused_pictures(connection: Connection) -> None:
    """Also those whose judgments went with their documents."""
    used = select(judgments.c.id).where(judgments.c.image_sha256 == judged_pictures.c.sha256).exists()
    connection.execute(delete(judged_pictures).where(~used))


def _judgment(row: RowMapping) -> Judgment:
    query = JudgedQuery.from_json(row["query"], _NONE)
    return Judgment(row["id"], query, row["document_id"], int(row["grade"]), row["judged_at"])


def _scoring(row: RowMapping) -> Scoring:
    fields = {name: row[name] for name in Scoring.__slots__ if name != "measures"}
    return Scoring(**fields, measures={name: Measured(**one) for name, one in row["measures"].items()})
