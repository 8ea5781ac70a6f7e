"""Collections of either engine: made, marked, indexed, loaded, dropped."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymilvus import DataType, MilvusClient, MilvusException
from pymilvus.client.types import LoadState

from storage.milvus.choosing import AUTO, Plan, Wanted, plan_index
from storage.milvus.connection import Milvus, is_slow
from storage.milvus.declared import Column, column_of
from storage.milvus.engines import Engine
from storage.milvus.indexes import KINDS, IndexType, Shape, build_values, search_values
from uniir.errors import SettingsError, StoreUnavailable
from uniir.settings import FieldKind

_MODALITY_LENGTH = 16
_LOAD_PAUSES = (0.3, 1.0, 2.0)  # seconds
_POLL = 0.2  # seconds
_OWNER, _TUNED, _DECLARED = "uniir.owner", "uniir.tuned", "uniir.declared"  # properties, seen by every process that opens the collection


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a measurement found: search parameters, the recall they gave, and over how many rows. Kept with the collection."""

    type: IndexType
    search: Mapping[str, int]
    recall: float
    rows: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Those that a collection has, all of which every row fills, and those of them that searches may go by."""

    there: Sequence[Column]
    trusted: Sequence[Column]


class Collections:
    """The collections of one installation on one engine. `owner` names the installation where several may share a server.

    `declared` are the columns that new collections get for metadata.
    """

    def __init__(self, milvus: Milvus, wanted: Wanted = AUTO, owner: str = "", declared: Sequence[Column] = ()) -> None:
        self.milvus = milvus
        self._wanted = wanted
        self._owner = owner
        self.declared = declared

    @property
    def engine(self) -> Engine:
        return self.milvus.engine

    def plan(self, rows: int, dimension: int) -> Plan:
        """Raises SettingsError."""
        return plan_index(self.engine, self._wanted, Shape(rows, dimension))

    def create(self, name: str, dimension: int) -> None:
        """The collection, if it is not there yet. One of another dimension is a leftover of a lost catalog, and goes.

        Raises SettingsError where it is another installation's.
        """
        plan = Plan(IndexType.FLAT) if self.engine.embedded else self.plan(0, dimension)
        self.plan(0, dimension)  # a setting that can't be used is found before anything is made

        def create(client: MilvusClient, seconds: float | None) -> None:
            if client.has_collection(name, timeout=seconds):
                described = client.describe_collection(name, timeout=seconds)
                self._require_own(name, described)
                if _dimension(described) == dimension:
                    return
                client.drop_collection(name, timeout=seconds)
            schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
            schema.add_field("modality", DataType.VARCHAR, max_length=_MODALITY_LENGTH)
            for column in self.declared:
                column.declare_in(schema)
            properties = {_OWNER: self._owner, _DECLARED: json.dumps([column.name for column in self.declared])}
            # searches ask for what they need; what asks for nothing gets what is a few seconds old at most
            client.create_collection(name, schema=schema, consistency_level="Bounded", properties=properties, timeout=seconds)

        what = f"The vector collection {name} can't be made"
        self.milvus.ask(what, create, self.milvus.patience.write)
        if self.built(name, dimension) is None:  # new, or of a process that was killed between dropping and building
            self.build(name, plan)

    def built(self, name: str, dimension: int, seconds: float | None = None) -> Plan | None:
        """The index that is there. `seconds` are those of a write unless others are given."""
        patience = self.milvus.patience.write if seconds is None else seconds

        def read(client: MilvusClient, seconds: float | None) -> Mapping[str, Any] | None:
            if "vector" not in client.list_indexes(name, timeout=seconds):
                return None
            return dict(client.describe_index(name, "vector", timeout=seconds))

        found = self.milvus.ask("The vector index can't be read", read, patience)
        if found is None:
            return None
        return _plan_of(found, Shape(self.rows(name, patience), dimension))

    def build(self, name: str, plan: Plan) -> None:
        """Declares the index. Lite builds it with the next load, a server at once; the collection must not be loaded if it has one."""
        parameters = MilvusClient.prepare_index_params()
        parameters.add_index("vector", index_type=plan.type, metric_type="IP", params=self.engine.build_parameters(plan.build))
        scalar = self.engine.scalar_indexes  # none on Lite, where one makes loading four times as long and no search faster
        if FieldKind.TEXT in scalar:
            parameters.add_index("modality", index_type=scalar[FieldKind.TEXT])
        for column in self.columns(name).there:
            if column.kind in scalar:
                parameters.add_index(column.name, index_type=scalar[column.kind])

        def create(client: MilvusClient, seconds: float | None) -> None:
            client.create_index(name, parameters, sync=self.engine.embedded, timeout=seconds)

        self.milvus.ask("The vector index can't be built", create, self.milvus.patience.write)

    def columns(self, name: str) -> Columns:
        """One that the settings no longer declare is trusted no more, even if they do again: nobody may have kept it up meanwhile."""
        patience = self.milvus.patience.write
        described: Mapping[str, Any] = self.milvus.ask(
            "The vector collection can't be read", lambda client, left: dict(client.describe_collection(name, timeout=left)), patience
        )
        found = [column_of(one["name"], one["type"]) for one in described["fields"]]
        there = [column for column in found if column is not None]
        kept_up = json.loads(described.get("properties", {}).get(_DECLARED, "[]"))
        trusted = [column for column in there if column.name in kept_up and column in self.declared]
        if len(trusted) < len(kept_up):
            self._keep(name, _DECLARED, json.dumps([column.name for column in trusted]))
        return Columns(there, trusted)

    def replace_index(self, name: str, plan: Plan) -> None:
        """Puts an index in the place of the one that is there. The collection is not loaded afterwards."""

        def drop(client: MilvusClient, seconds: float | None) -> None:
            client.release_collection(name, timeout=seconds)
            client.drop_index(name, "vector", timeout=seconds)

        self.milvus.ask("The vector index can't be replaced", drop, self.milvus.patience.write)
        self.build(name, plan)

    def wait_until_built(self, name: str) -> None:
        """Waits while rows are on their way into the index. Raises StoreUnavailable where it makes no headway."""
        patience = self.milvus.patience
        least, since = None, time.monotonic()
        while True:
            pending = self.milvus.ask(
                "The vector index can't be read",
                lambda client, seconds: int(client.describe_index(name, "vector", timeout=seconds)["pending_index_rows"]),
                patience.write,
            )
            if pending == 0:
                return
            if least is None or pending < least:
                least, since = pending, time.monotonic()
            elif time.monotonic() - since > patience.build:
                raise StoreUnavailable(
                    f"The vector index of {name} at {self.milvus.address} was not built: {pending:,} rows wait, and for "
                    f"{patience.build:.0f} s nothing moved.",
                    "If the server is busy, raise `milvus_build_seconds`; else choose another `index`. Then run the same command again.",
                )
            time.sleep(_POLL)

    def load(self, name: str, plan: Plan) -> None:
        """After this search sees every row that was flushed, through its index."""
        if self.engine.embedded:
            self._load_healing(name, plan)
            return
        what = f"The vector collection {name} can't be loaded"

        def begin(client: MilvusClient, seconds: float | None) -> None:
            client.load_collection(name, _async=True, timeout=seconds)

        def state(client: MilvusClient, seconds: float | None) -> Mapping[str, Any]:
            return dict(client.get_load_state(name, timeout=seconds))

        patience = self.milvus.patience
        self.milvus.ask(what, begin, patience.write)
        seen, since = None, time.monotonic()
        while (loading := self.milvus.ask(what, state, patience.write))["state"] != LoadState.Loaded:
            if loading != seen:
                seen, since = loading, time.monotonic()
            elif time.monotonic() - since > patience.build:
                raise StoreUnavailable(
                    f"{what}: at {self.milvus.address} nothing moved for {patience.build:.0f} s.",
                    "The server may be short of memory. Run the same command again when it is well.",
                )
            time.sleep(_POLL)

    def _load_healing(self, name: str, plan: Plan) -> None:
        """Lite writes index files in the background and reads them back without a check. A file still being written can be
        read a moment later; one cut off by a killed process goes only with the index itself, which is then built anew.
        """

        def load(client: MilvusClient, _: float | None) -> None:
            for pause in _LOAD_PAUSES:
                try:
                    client.load_collection(name)
                except MilvusException:
                    time.sleep(pause)
                else:
                    return
            self.replace_index(name, plan)
            client.load_collection(name)

        self.milvus.ask(f"The vector collection {name} can't be loaded", load, self.milvus.patience.write)

    def refresh(self, name: str) -> None:
        """Has a server search the segments that were sealed, through their index, instead of what it keeps of them in memory."""
        patience = self.milvus.patience
        deadline = time.monotonic() + patience.build
        while True:
            try:
                self.milvus.ask(
                    f"The vector collection {name} can't be loaded",
                    lambda client, seconds: client.refresh_load(name, timeout=seconds),
                    patience.write,
                )
            except StoreUnavailable as error:
                if not is_slow(error.__cause__) or time.monotonic() > deadline:
                    raise
            else:
                return

    def rows(self, name: str, seconds: float | None = None) -> int:
        """About how many; a server counts deleted ones for a while."""
        return self.milvus.ask(
            "The vector collection can't be read",
            lambda client, left: int(client.get_collection_stats(name, timeout=left)["row_count"]),
            self.milvus.patience.write if seconds is None else seconds,
        )

    def tuned(self, name: str, seconds: float | None = None) -> Tuned | None:
        """What was measured last, by any process."""
        described: Mapping[str, dict[str, str]] = self.milvus.ask(
            "The vector collection can't be read",
            lambda client, left: client.describe_collection(name, timeout=left),
            self.milvus.patience.write if seconds is None else seconds,
        )
        try:
            kept = json.loads(described.get("properties", {})[_TUNED])
            return Tuned(IndexType(kept["type"]), {key: int(value) for key, value in kept["search"].items()}, kept["recall"], kept["rows"])
        except (KeyError, ValueError, TypeError, AttributeError):
            return None

    def keep_tuned(self, name: str, tuned: Tuned) -> None:
        kept = json.dumps({"type": tuned.type, "search": dict(tuned.search), "recall": tuned.recall, "rows": tuned.rows})
        self._keep(name, _TUNED, kept)

    def _keep(self, name: str, what: str, value: str) -> None:
        self.milvus.ask(
            "The vector collection can't be written",
            lambda client, seconds: client.alter_collection_properties(name, {what: value}, timeout=seconds),
            self.milvus.patience.write,
        )

    def drop(self, name: str) -> None:
        def drop(client: MilvusClient, seconds: float | None) -> None:
            if client.has_collection(name, timeout=seconds):
                self._require_own(name, client.describe_collection(name, timeout=seconds))
                client.drop_collection(name, timeout=seconds)

        self.milvus.ask(f"The vector collection {name} can't be removed", drop, self.milvus.patience.write)

    def names(self) -> list[str]:
        """Those of this installation."""

        def read(client: MilvusClient, seconds: float | None) -> list[str]:
            names = list(client.list_collections(timeout=seconds))
            return [name for name in names if _owner(client.describe_collection(name, timeout=seconds)) == self._owner]

        return self.milvus.ask("The vector store can't be listed", read, self.milvus.patience.write)

    def _require_own(self, name: str, described: Mapping[str, object]) -> None:
        if _owner(described) != self._owner:
            raise SettingsError(
                f"The vector collection {name} at {self.milvus.address} belongs to another installation.",
                "Give this one a database of its own with `milvus_database`.",
            )


def _owner(described: Mapping[str, object]) -> str:
    properties = described.get("properties")
    return str(properties.get(_OWNER, "")) if isinstance(properties, Mapping) else ""


def _dimension(described: Mapping[str, object]) -> int | None:
    fields = described["fields"]
    assert isinstance(fields, list)
    return next((int(field["params"]["dim"]) for field in fields if field["name"] == "vector"), None)


def _plan_of(described: Mapping[str, Any], shape: Shape) -> Plan:
    """The plan behind an index as either engine describes it: Lite nests the parameters, a server spells them as words."""
    index = IndexType(str(described["index_type"]))
    nested = described.get("params")
    source: Mapping[str, Any] = nested if isinstance(nested, Mapping) else json.loads(nested) if isinstance(nested, str) else described
    words = {one.name: str(source[one.name]) for one in KINDS[index].build if one.name in source}
    build: dict[str, int | str] = {name: int(word) if word.isdigit() else word for name, word in words.items()}
    try:
        return Plan(index, build, search_values(index, {}, build_values(index, build, shape), shape))
    except SettingsError:
        return Plan(index, build)
