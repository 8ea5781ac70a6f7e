"""Every index type, its parameters and their limits, as data. Nothing here talks to Milvus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isqrt
from typing import TypeAlias

from storage.vectors import MAX_K
from uniir.errors import SettingsError, UsageError

Value: TypeAlias = int | str
Values: TypeAlias = Mapping[str, Value]

MOST_EFFORT = 32_768  # of `ef` and its kin: twice the most results that can be asked for
MOST_CELLS = 65_536


class IndexType(StrEnum):
    FLAT = "FLAT"
    HNSW = "HNSW"
    IVF_FLAT = "IVF_FLAT"
    IVF_SQ8 = "IVF_SQ8"
    IVF_PQ = "IVF_PQ"
    SCANN = "SCANN"
    DISKANN = "DISKANN"
    GPU_BRUTE_FORCE = "GPU_BRUTE_FORCE"
    GPU_IVF_FLAT = "GPU_IVF_FLAT"
    GPU_IVF_PQ = "GPU_IVF_PQ"
    GPU_CAGRA = "GPU_CAGRA"


@dataclass(frozen=True, slots=True)
class Shape:
    """What an index is built over."""

    rows: int
    dimension: int


@dataclass(frozen=True, slots=True)
class Number:
    """A parameter with its limits, both included, and what it is where nobody says."""

    name: str
    least: int
    most: int
    usual: Callable[[Shape], int]


@dataclass(frozen=True, slots=True)
class Word:
    """A parameter that is one of a few words; the first is usual."""

    name: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One index type. `effort` is the search parameter that buys recall with time: never below k where `effort_holds_k`.

    A `lossy` one keeps shortened vectors, and its scores are about right.
    """

    build: tuple[Number | Word, ...] = ()
    search: tuple[Number, ...] = ()
    effort: str = ""
    effort_holds_k: bool = False
    most_results: int = MAX_K
    exact: bool = False
    lossy: bool = False


def _fixed(value: int) -> Callable[[Shape], int]:
    return lambda _: value


def _cells(shape: Shape) -> int:
    """Four times the root of the rows, and never so many that a cell is learned from fewer than 39 rows."""
    return max(1, min(4 * isqrt(shape.rows), shape.rows // 39, MOST_CELLS))


def _pieces(shape: Shape) -> int:
    """The most pieces of at least two dimensions each: an eighth of the room of single precision."""
    return next(m for m in range(max(1, shape.dimension // 2), 0, -1) if shape.dimension % m == 0)


_NLIST = Number("nlist", 1, MOST_CELLS, _cells)
_NPROBE = Number("nprobe", 1, MOST_CELLS, lambda shape: max(8, _cells(shape) // 4))
_ON_DEVICE = Word("cache_dataset_on_device", ("false", "true"))

KINDS: Mapping[IndexType, Kind] = {
    IndexType.FLAT: Kind(exact=True),
    IndexType.HNSW: Kind(
        build=(Number("M", 2, 2048, _fixed(16)), Number("efConstruction", 8, MOST_EFFORT, _fixed(200))),
        search=(Number("ef", 1, MOST_EFFORT, _fixed(256)),),
        effort="ef",
        effort_holds_k=True,
    ),
    IndexType.IVF_FLAT: Kind(build=(_NLIST,), search=(_NPROBE,), effort="nprobe"),
    IndexType.IVF_SQ8: Kind(build=(_NLIST,), search=(_NPROBE,), effort="nprobe", lossy=True),
    IndexType.IVF_PQ: Kind(
        build=(_NLIST, Number("m", 1, MOST_CELLS, _pieces), Number("nbits", 1, 16, _fixed(8))),
        search=(_NPROBE,),
        effort="nprobe",
        lossy=True,
    ),
    IndexType.SCANN: Kind(
        build=(_NLIST,),
        search=(_NPROBE, Number("reorder_k", 1, MOST_EFFORT, _fixed(256))),
        effort="nprobe",
    ),
    IndexType.DISKANN: Kind(search=(Number("search_list", 1, MOST_EFFORT, _fixed(200)),), effort="search_list", effort_holds_k=True),
    IndexType.GPU_BRUTE_FORCE: Kind(exact=True, most_results=4096),
    IndexType.GPU_IVF_FLAT: Kind(build=(_NLIST, _ON_DEVICE), search=(_NPROBE,), effort="nprobe", most_results=1024),
    IndexType.GPU_IVF_PQ: Kind(
        build=(_NLIST, Number("m", 1, MOST_CELLS, _pieces), Number("nbits", 8, 8, _fixed(8)), _ON_DEVICE),
        search=(_NPROBE,),
        effort="nprobe",
        most_results=1024,
        lossy=True,
    ),
    IndexType.GPU_CAGRA: Kind(
        build=(
            Number("intermediate_graph_degree", 2, 1024, _fixed(128)),
            Number("graph_degree", 1, 512, _fixed(64)),
            Word("build_algo", ("IVF_PQ", "NN_DESCENT")),
            _ON_DEVICE,
        ),
        search=(Number("itopk_size", 1, 1024, _fixed(128)), Number("search_width", 1, 64, _fixed(4))),
        effort="itopk_size",
        effort_holds_k=True,
        most_results=1024,
    ),
}


def build_values(index: IndexType, given: Values, shape: Shape) -> dict[str, Value]:
    """All build parameters, `given` over the usual ones. Raises SettingsError for one that is unknown or out of its limits."""
    kind = KINDS[index]
    values = _filled(index, "index_build", kind.build, given, shape)
    if "m" in values and shape.dimension % int(values["m"]):
        raise _refused(index, "index_build", f"m must divide the dimension {shape.dimension}, and {values['m']} does not")
    if index is IndexType.GPU_CAGRA and int(values["intermediate_graph_degree"]) <= int(values["graph_degree"]):
        raise _refused(index, "index_build", "intermediate_graph_degree must be above graph_degree")
    return values


def search_values(index: IndexType, given: Values, build: Values, shape: Shape) -> dict[str, int]:
    """All search parameters, `given` over the usual ones. Raises SettingsError."""
    values = {name: int(value) for name, value in _filled(index, "index_search", KINDS[index].search, given, shape).items()}
    if "nprobe" in values:
        if "nprobe" in given and values["nprobe"] > int(build["nlist"]):
            raise _refused(index, "index_search", f"nprobe is at most nlist, which is {build['nlist']}")
        values["nprobe"] = min(values["nprobe"], int(build["nlist"]))
    size = values.get("itopk_size", 1)
    if size & (size - 1):
        raise _refused(index, "index_search", f"itopk_size must be a power of two, and {size} is none")
    return values


def values_for(index: IndexType, search: Mapping[str, int], k: int) -> dict[str, int]:
    """The search parameters of one question: raised where they are too low for k. Raises UsageError for a k the type can't answer."""
    kind = KINDS[index]
    require_results(index, k)
    values = dict(search)
    if index is IndexType.GPU_CAGRA:
        # the widest it can find is max((itopk_size + 31) / 32, search_width) * 32
        values["itopk_size"] = min(1024, max(values["itopk_size"], 1 << (k - 1).bit_length()))
        values["search_width"] = max(values["search_width"], -(-k // 32) if values["itopk_size"] < k else 1)
    elif kind.effort_holds_k:
        values[kind.effort] = max(values[kind.effort], min(2 * k, MOST_EFFORT))
    if "reorder_k" in values:
        values["reorder_k"] = max(values["reorder_k"], min(2 * k, MOST_EFFORT))
    return values


def require_results(index: IndexType, k: int) -> None:
    """Raises UsageError for more results than the type can give."""
    most = KINDS[index].most_results
    if k > most:
        raise UsageError(f"A {index} index gives at most {most:,} results, and {k:,} were asked for.", "Ask for fewer.")


def harder(index: IndexType, search: Mapping[str, int], build: Values, times: int = 2) -> dict[str, int] | None:
    """The same search with `times` the effort; None where there is no more to give."""
    kind = KINDS[index]
    if not kind.effort:
        return None
    most = int(build["nlist"]) if kind.effort == "nprobe" else next(one.most for one in kind.search if one.name == kind.effort)
    effort = min(search[kind.effort] * times, most)
    if effort == search[kind.effort]:
        return None
    raised = {**search, kind.effort: effort}
    if "reorder_k" in raised:
        raised["reorder_k"] = min(search["reorder_k"] * times, MOST_EFFORT)
    return raised


def _filled(index: IndexType, setting: str, known: tuple[Number | Word, ...], given: Values, shape: Shape) -> dict[str, Value]:
    unknown = sorted(set(given) - {one.name for one in known})
    if unknown:
        names = ", ".join(one.name for one in known) or "none"
        raise _refused(index, setting, f"it has no parameter {unknown[0]} (it has: {names})")
    values: dict[str, Value] = {}
    for one in known:
        value = given.get(one.name)
        if isinstance(one, Word):
            values[one.name] = _word(index, setting, one, value)
        elif value is None:
            values[one.name] = min(max(one.usual(shape), one.least), one.most)
        elif isinstance(value, int) and not isinstance(value, bool) and one.least <= value <= one.most:
            values[one.name] = value
        else:
            raise _refused(index, setting, f"{one.name} is a whole number from {one.least:,} to {one.most:,}, not {value!r}")
    return values


def _word(index: IndexType, setting: str, parameter: Word, value: Value | None) -> str:
    word = parameter.choices[0] if value is None else str(value)
    if word not in parameter.choices:
        raise _refused(index, setting, f"{parameter.name} is {' or '.join(parameter.choices)}, not {word!r}")
    return word


def _refused(index: IndexType, setting: str, reason: str) -> SettingsError:
    return SettingsError(f"The setting {setting} does not fit an index of type {index}: {reason}.", "`uniir config` says where it is from.")
