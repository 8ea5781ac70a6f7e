"""What each engine behind the Milvus protocol really has. It is told by the version it reports, never by its address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from storage.milvus.indexes import IndexType, Values
from uniir.errors import SettingsError, StoreUnavailable
from uniir.settings import FieldKind

_LITE = frozenset({IndexType.FLAT, IndexType.HNSW, IndexType.IVF_FLAT, IndexType.IVF_SQ8})
_OLD_LITE = frozenset({IndexType.FLAT, IndexType.IVF_FLAT})
_BUNDLED = frozenset({*_LITE, IndexType.IVF_PQ})
_SERVER = frozenset({*_BUNDLED, IndexType.SCANN, IndexType.DISKANN})
_GPU_2_3 = frozenset({IndexType.GPU_IVF_FLAT, IndexType.GPU_IVF_PQ})
_GPU = frozenset({*_GPU_2_3, IndexType.GPU_BRUTE_FORCE, IndexType.GPU_CAGRA})


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine. `builds` is what it builds and searches, not what it says yes to; `scalar_indexes` are for fields beside the vector."""

    name: str
    embedded: bool
    builds: frozenset[IndexType]
    scalar_indexes: Mapping[FieldKind, str] = field(default_factory=dict)

    @property
    def has_gpu(self) -> bool:
        return not self.builds.isdisjoint(_GPU)

    def require(self, index: IndexType) -> None:
        """Raises SettingsError for a type this engine does not build, with the list of those it does."""
        if index not in self.builds:
            gpu = " A server with a GPU says so in its version; `milvus_gpu` overrules that." if index in _GPU and not self.embedded else ""
            raise SettingsError(
                f"{self.name} builds no index of type {index}. It has: {', '.join(sorted(self.builds))}.{gpu}",
                "Set `index` to one of them, or to auto.",
            )

    def build_parameters(self, values: Values) -> Mapping[str, object]:
        """As the engine reads them: Lite drops them without a word unless they are nested."""
        if not values:
            return {}
        return {"params": dict(values)} if self.embedded else dict(values)


def engine_of(version: str, gpu: bool | None = None) -> Engine:
    """The engine that reports this version. `gpu` overrules what a server says of itself. Raises StoreUnavailable for one too old."""
    lite = re.match(r"milvus_lite-(\d+)\.(\d+)", version)
    if lite:
        number = version.removeprefix("milvus_lite-")
        return Engine(f"Milvus Lite {number}", True, _LITE if int(lite[1]) >= 3 else _OLD_LITE)
    server = re.match(r"v?(\d+)\.(\d+)", version)
    known = (int(server[1]), int(server[2])) if server else (2, 4)
    if known < (2, 3):
        raise StoreUnavailable(f"Milvus {version} is too old.", "Milvus 2.3 or newer is needed.")
    builds = _BUNDLED if version.endswith("-lite") else _SERVER
    if gpu if gpu is not None else version.endswith("-gpu"):
        builds |= _GPU if known >= (2, 4) else _GPU_2_3
    return Engine(f"Milvus {version.removeprefix('v')}", False, builds, _scalar_indexes(known))


def _scalar_indexes(version: tuple[int, int]) -> Mapping[FieldKind, str]:
    if version < (2, 4):
        return {FieldKind.TEXT: "Trie", FieldKind.NUMBER: "STL_SORT"}
    inverted = dict.fromkeys((FieldKind.TEXT, FieldKind.NUMBER), "INVERTED")
    return inverted if version < (2, 5) else {**inverted, FieldKind.TEXTS: "INVERTED"}
