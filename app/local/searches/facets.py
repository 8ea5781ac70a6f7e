"""Counting documents by what a filter can name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeAlias, TypeVar

from app.wiring.installation import Installation
from uniir.documents import Json, Metadata, Modality
from uniir.filter_language import Condition, read_filter, written
from uniir.filter_language.tree import Among, Key, OfModality, PathFits, Pattern, Value
from uniir.wire import FacetKey, FacetsAnswer, FacetValue

_Plain: TypeAlias = "bool | int | float | str"
_Named = TypeVar("_Named")
_SHOWN = 20
_LONGEST = 200  # characters of a value that is counted: longer ones are texts and not what they are filed under


class Facets:
    """What collections could be narrowed by."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def facets(self, collection: str | None, where: str | None) -> FacetsAnswer:
        """Raises QueryError, NotFound."""
        condition = read_filter(where or "")
        record = self._installation.collection(collection)
        counts = _Counts()
        for one in self._installation.library(record).described(condition):
            counts.add(one.modality, one.path, one.metadata)
        return FacetsAnswer(
            collection=record.name,
            where=None if condition is None else written(condition),
            documents=counts.modalities.total(),
            modalities=[
                FacetValue(value=str(kind), count=count, where=written(OfModality(frozenset({kind}))))
                for kind, count in counts.modalities.most_common()
            ],
            folders=[FacetValue(value=name, count=count, where=_below(name)) for name, count in _most(counts.folders)],
            keys=counts.listed(),
        )


class _Counts:
    def __init__(self) -> None:
        self.modalities: Counter[Modality] = Counter()
        self.folders: Counter[str] = Counter()
        self._with_key: Counter[str] = Counter()
        self._values: defaultdict[str, Counter[tuple[type, _Plain]]] = defaultdict(Counter)

    def add(self, modality: Modality, path: str, metadata: Metadata) -> None:
        self.modalities[modality] += 1
        folder, below, _ = path.partition("/")
        if below:
            self.folders[f"{folder}/"] += 1
        for key, value in metadata.items():
            found = {(type(one), one) for one in _plain(value)}  # with the type, since True is 1
            if found:
                self._with_key[key] += 1
                self._values[key].update(found)

    def listed(self) -> list[FacetKey]:
        return [
            FacetKey(
                key=key,
                count=count,
                distinct=len(self._values[key]),
                values=[
                    FacetValue(value=value, count=held, where=written(_is(key, value))) for (_, value), held in _most(self._values[key])
                ],
            )
            for key, count in _most(self._with_key)
        ]


def _most(counts: Counter[_Named]) -> Iterable[tuple[_Named, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))[:_SHOWN]


def _plain(value: Json) -> Iterator[_Plain]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, bool | int | float) or (isinstance(one, str) and len(one) <= _LONGEST):
            yield one


def _is(key: str, value: _Plain) -> Condition:
    match value:
        case bool():
            meant = Value(str(value).lower())
        case str():
            meant = Value(value, quoted=True)
        case _:
            meant = Value(repr(value))
    return Among(Key((key,)), (meant,))


def _below(folder: str) -> str | None:
    return None if "*" in folder else written(PathFits(Pattern(f"{folder}*")))
