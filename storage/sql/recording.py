"""One transaction of the ledger: sources as just read become rows, and documents keep their ids through every change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, literal, select, update

from storage.sql.collections import CollectionRecord
from storage.sql.lexical.writing import index_words_of
from storage.sql.rows import from_document, in_blocks
from storage.sql.schema import EmbeddingState, documents, embeddings, now, sources, spaces
from uniir.documents import Document, Metadata
from uniir.errors import UsageError
from uniir.filter_language import Key
from uniir.ids import new_id
from uniir.ledger import Failure, Recording, SourceDraft, SourceKey
from uniir.spaces import SpaceState


@dataclass
class _Work:
    inserts: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    pending: list[Document] = field(default_factory=list)
    reset: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    outdated: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    replaced_pictures: set[str] = field(default_factory=set)


class Recorder:
    """Writes drafts inside a transaction that its caller opened."""

    def __init__(self, connection: Connection, collection: CollectionRecord, declared: Collection[Key]) -> None:
        self._connection = connection
        self._collection = collection
        self._declared = declared

    def record(self, drafts: Sequence[SourceDraft]) -> Recording:
        """See Ledger.record. Several drafts may carry the same content; two with one external id, and the later is refused."""
        self._require_searched()
        accepted, refused = self._refuse_taken_ids(drafts)
        source_ids = self._write_sources(accepted)
        known = self._known_documents(source_ids)
        work = _Work()
        for draft, source_id in zip(accepted, source_ids, strict=True):
            self._reconcile(draft, source_id, known.get(source_id, []), work)
        self._write_documents(work)
        refused_keys = {failure.key for failure in refused}
        refused_pictures = {
            document.image.sha256
            for draft in drafts
            if draft.key in refused_keys
            for document in draft.documents
            if document.image is not None and document.image.sha256 is not None
        }
        pictures = tuple(work.replaced_pictures | refused_pictures)
        return Recording(tuple(work.pending), tuple(work.dropped), refused, pictures, tuple(work.outdated))

    def _require_searched(self) -> None:
        """Raises UsageError where another space was promoted since this run began; where rows can be locked, nobody promotes now."""
        state = select(spaces.c.state).where(spaces.c.id == self._collection.space_id).with_for_update(read=True)
        if self._connection.execute(state).scalar() != SpaceState.ACTIVE:
            raise UsageError(f"The collection {self._collection.name} is searched in another space by now.", "Run the same again.")

    def _refuse_taken_ids(self, drafts: Sequence[SourceDraft]) -> tuple[list[SourceDraft], tuple[Failure, ...]]:
        wanted = {document.external_id for draft in drafts for document in draft.documents if document.external_id is not None}
        owners: dict[str, int | SourceKey] = {}
        for block in in_blocks(sorted(wanted)):
            query = select(documents.c.external_id, documents.c.source_id).where(
                documents.c.collection_id == self._collection.id, documents.c.external_id.in_(block)
            )
            owners |= {row.external_id: row.source_id for row in self._connection.execute(query)}
        accepted, refused = [], []
        for draft in drafts:
            own = draft.known_as if draft.known_as is not None else draft.key
            ids = [document.external_id for document in draft.documents if document.external_id is not None]
            taken = [external_id for external_id in ids if owners.setdefault(external_id, own) != own]
            if taken:
                reason = f"the id {taken[0]!r} belongs to another document of this collection"
                refused.append(Failure(draft.key, "duplicate-id", reason, draft.signature))
            else:
                accepted.append(draft)
        return accepted, tuple(refused)

    def _write_sources(self, drafts: Sequence[SourceDraft]) -> list[int]:
        new = [draft for draft in drafts if draft.known_as is None]
        inserted: Iterable[int] = ()
        if new:
            statement = insert(sources).returning(sources.c.id, sort_by_parameter_order=True)
            rows = [_source_columns(draft) | {"collection_id": self._collection.id} for draft in new]
            inserted = iter(self._connection.execute(statement, rows).scalars().all())
        changed = [draft for draft in drafts if draft.known_as is not None]
        if changed:
            self._connection.execute(
                update(sources).where(sources.c.id == bindparam("row")),
                [_source_columns(draft) | {"row": draft.known_as} for draft in changed],
            )
        fresh = iter(inserted)
        return [draft.known_as if draft.known_as is not None else next(fresh) for draft in drafts]

    def _known_documents(self, source_ids: Sequence[int]) -> Mapping[int, list[RowMapping]]:
        known: dict[int, list[RowMapping]] = {}
        for block in in_blocks(source_ids):
            query = (
                select(documents, embeddings.c.state)
                .outerjoin(
                    embeddings,
                    (embeddings.c.document_id == documents.c.id) & (embeddings.c.space_id == self._collection.space_id),
                )
                .where(documents.c.source_id.in_(block))
                .order_by(documents.c.position)
            )
            for row in self._connection.execute(query).mappings():
                known.setdefault(row["source_id"], []).append(row)
        return known

    def _reconcile(self, draft: SourceDraft, source_id: int, known: Sequence[RowMapping], work: _Work) -> None:
        """Equal content keeps its id first; what is left is matched in order, so that a rewritten text keeps its id too."""
        left = [row for row in known if row["state"] != EmbeddingState.DELETING]
        matched: list[RowMapping | None] = []
        for document in draft.documents:
            twin = next((row for row in left if row["fingerprint"] == document.fingerprint), None)
            if twin is not None:
                left.remove(twin)
            matched.append(twin)
        for position, document in enumerate(draft.documents):
            row = matched[position] or (left.pop(0) if left else None)
            columns = {**from_document(document), "position": position, "updated_at": now()}
            if row is None:
                work.inserts.append({**columns, "id": document.id, "source_id": source_id, "collection_id": self._collection.id})
                work.pending.append(document)
                continue
            work.updates.append({**columns, "row": row["id"]})
            if row["image_sha256"] not in (None, columns["image_sha256"]):
                work.replaced_pictures.add(row["image_sha256"])
            changed = matched[position] is None or self._is_other_to_stores(row["metadata"], columns["metadata"])
            if changed or row["state"] != EmbeddingState.INDEXED:
                work.pending.append(replace(document, id=row["id"]))
                work.reset.append(row["id"])
            if changed:
                work.changed.append(row["id"])
        work.dropped += [row["id"] for row in left]

    def _is_other_to_stores(self, before: Metadata, after: Metadata) -> bool:
        return any(key.value_in(before) != key.value_in(after) for key in self._declared)

    def _write_documents(self, work: _Work) -> None:
        self._settle_clashes(work)
        for block in in_blocks(work.dropped):
            hide(self._connection, self._collection, block)
            # a dropped document's external id may come back in the same breath, on another row
            self._connection.execute(update(documents).where(documents.c.id.in_(block)).values(external_id=None))
        if work.updates:
            self._connection.execute(update(documents).where(documents.c.id == bindparam("row")), work.updates)
        if work.inserts:
            self._connection.execute(insert(documents), work.inserts)
        index_words_of(self._connection, [row["id"] for row in work.inserts] + [row["row"] for row in work.updates])
        here = embeddings.c.space_id == self._collection.space_id
        for block in in_blocks(work.reset):
            self._connection.execute(delete(embeddings).where(embeddings.c.document_id.in_(block), here))
        for block in in_blocks(work.changed):
            elsewhere = delete(embeddings).where(embeddings.c.document_id.in_(block), ~here)
            work.outdated += set(self._connection.execute(elsewhere.returning(embeddings.c.document_id)).scalars())
        if work.pending:
            self._connection.execute(
                insert(embeddings),
                [
                    {"document_id": document.id, "space_id": self._collection.space_id, "state": EmbeddingState.PENDING}
                    for document in work.pending
                ],
            )

    def _settle_clashes(self, work: _Work) -> None:
        """Random ids may meet: whoever comes later gets another."""
        taken: set[int] = set()
        for block in in_blocks([row["id"] for row in work.inserts]):
            taken.update(self._connection.execute(select(documents.c.id).where(documents.c.id.in_(block))).scalars())
        positions = {document.id: position for position, document in enumerate(work.pending)}
        for row in work.inserts:
            if row["id"] in taken:
                fresh = new_id()
                while fresh in taken or self._connection.execute(select(documents.c.id).where(documents.c.id == fresh)).first():
                    fresh = new_id()
                position = positions[row["id"]]
                work.pending[position] = replace(work.pending[position], id=fresh)
                row["id"] = fresh
            taken.add(row["id"])


def hide(connection: Connection, collection: CollectionRecord, ids: Sequence[int]) -> None:
    """Takes documents out of every space's sight; one that stood in no space is marked in the one that is searched."""
    connection.execute(update(embeddings).where(embeddings.c.document_id.in_(ids)).values(state=EmbeddingState.DELETING))
    marked = (embeddings.c.document_id == documents.c.id) & (embeddings.c.space_id == collection.space_id)
    unmarked = select(documents.c.id, literal(collection.space_id), literal(EmbeddingState.DELETING.value)).where(
        documents.c.id.in_(ids), ~select(embeddings.c.document_id).where(marked).exists()
    )
    connection.execute(insert(embeddings).from_select(["document_id", "space_id", "state"], unmarked))


def _source_columns(draft: SourceDraft) -> dict[str, Any]:
    return {
        "root": draft.key.root,
        "path": draft.key.path,
        "locator": draft.key.locator,
        "kind": draft.kind,
        "signature": draft.signature,
        "sha256": draft.sha256,
    }
