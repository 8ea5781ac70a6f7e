"""Which index a collection gets, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from storage.milvus.engines import Engine
from storage.milvus.indexes import KINDS, IndexType, Shape, Value, Values, build_values, search_values
from uniir.counting import counted
from uniir.errors import SettingsError

HNSW_FROM_ROWS = 5_000  # below, FLAT answers in under 20 ms, costs nothing to build and misses nothing
CAGRA_FROM_ROWS = 50_000  # below, a GPU looks at every row in no time
DISK_FROM_ROWS = 10_000_000  # beyond, an HNSW graph of 768 dimensions takes more than 40 GB of memory
LITE_UP_TO_ROWS = 200_000
_SAME_CELLS = 4  # a number of cells so many times off costs speed, and no less is worth building anew


@dataclass(frozen=True, slots=True)
class Wanted:
    """The settings: a type or none for `auto`, and parameters to set over the usual ones."""

    type: IndexType | None = None
    build: Values = field(default_factory=dict)
    search: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """An index as it is to be: all its parameters, and why it was chosen."""

    type: IndexType
    build: Mapping[str, Value] = field(default_factory=dict)
    search: Mapping[str, int] = field(default_factory=dict)
    why: str = ""

    @property
    def exact(self) -> bool:
        return KINDS[self.type].exact

    def fits(self, built: Plan) -> bool:
        """Whether an index that is there will do. Cells may be off a bit, since they follow the rows."""
        if self.type is not built.type or self.build.keys() != built.build.keys():
            return False
        return all(
            _near(int(value), int(built.build[name])) if name == "nlist" else str(value) == str(built.build[name])
            for name, value in self.build.items()
        )


def plan_index(engine: Engine, wanted: Wanted, shape: Shape) -> Plan:
    """The index for so many rows. Raises SettingsError for what the engine does not build and for parameters out of their limits."""
    if wanted.type is None:
        if wanted.build or wanted.search:
            raise SettingsError("index_build and index_search are parameters of one index type.", "Set `index` to that type as well.")
        index, why = _chosen(engine, shape.rows)
    else:
        engine.require(wanted.type)
        index, why = wanted.type, "the setting `index` says so"
    build = build_values(index, wanted.build, shape)
    return Plan(index, build, search_values(index, wanted.search, build, shape), why)


def _chosen(engine: Engine, rows: int) -> tuple[IndexType, str]:
    vectors = counted(rows, "vector")
    if IndexType.GPU_CAGRA in engine.builds:
        if rows < CAGRA_FROM_ROWS:
            return IndexType.GPU_BRUTE_FORCE, f"{engine.name} with a GPU looks at each of {vectors}"
        return IndexType.GPU_CAGRA, f"{vectors} on {engine.name} with a GPU"
    if rows < HNSW_FROM_ROWS:
        return IndexType.FLAT, f"{engine.name} looks at each of {vectors} in under 20 ms"
    if IndexType.HNSW not in engine.builds:
        return IndexType.IVF_FLAT, f"the best that {engine.name} has for {vectors}"
    if rows >= DISK_FROM_ROWS and IndexType.DISKANN in engine.builds:
        return IndexType.DISKANN, f"a graph over {vectors} would fill the memory of {engine.name}"
    more = f"; beyond {LITE_UP_TO_ROWS:,} a Milvus server is meant for them" if engine.embedded and rows > LITE_UP_TO_ROWS else ""
    return IndexType.HNSW, f"{vectors} are too many for {engine.name} to look at each{more}"


def _near(one: int, other: int) -> bool:
    return max(one, other) <= _SAME_CELLS * max(1, min(one, other))


AUTO = Wanted()
