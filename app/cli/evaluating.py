"""What `uniir evaluate` measures with: an encoder alone, or the application's own search over a collection."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from app.cli.output import tell
from encoders.arithmetic import ArithmeticEncoder
from encoders.catalogue import load_encoder
from evaluation.reading_again import SecondReading
from evaluation.retrieval import ApplicationAnswer, ApplicationHit
from models.devices import Device
from rerank.catalogue import TEXT, by_default, load_model_reranker, load_text_reranker, wanted
from uniir.errors import ModelUnavailable
from uniir.protocols import TextReader
from uniir.queries import Reranking
from uniir.spaces import SpaceState, VectorSpace
from uniir.wire import (
    MANY,
    MANY_CHARACTERS,
    NearestRequest,
    Request,
    SearchManyRequest,
    WrittenDocument,
    WrittenQuery,
)

if TYPE_CHECKING:
    from evaluation.evaluate import Plan
    from uniir.documents import Document, ImageReference
    from uniir.protocols import Encoder, ImageLoader, Reranker
    from uniir.queries import Query
    from uniir.service import Service
    from uniir.settings import Settings

_Words = TypeVar("_Words", bound=Request)
_Asked = TypeVar("_Asked", WrittenQuery, WrittenDocument)


class SearchedCollection:
    """Implements `evaluation.retrieval.Application`, whoever owns the data."""

    def __init__(self, service: Service, collection: str, reranker: str | None = None) -> None:
        """`reranker` is another one than the settings'. Raises NotFound."""
        self._service, self._collection, self._reranker = service, collection, reranker
        self.space = _space_of(service, collection)

    def answers(self, queries: Sequence[Query]) -> Sequence[ApplicationAnswer]:
        answers = [ApplicationAnswer(None)] * len(queries)
        for numbers, written in _together(list(map(_written, queries))):
            one = queries[numbers[0]]
            request = SearchManyRequest(
                collection=self._collection,
                space=self.space.fingerprint,
                queries=written,
                k=one.k,
                rerank=one.rerank,
                reranker=self._reranker,
                complement=one.complement,
            )
            for number, found in zip(numbers, self._service.search_many(request).found, strict=True):
                hits = None if found.hits is None else [ApplicationHit(hit.name, hit.score, hit.complement) for hit in found.hits]
                answers[number] = ApplicationAnswer(hits, found.read, found.unread)
        return answers

    def nearest_to(self, documents: Sequence[Document]) -> Sequence[str | None]:
        names: list[str | None] = [None] * len(documents)
        for numbers, written in _together([_readable(WrittenDocument, text=one.text, image=_path(one.image)) for one in documents]):
            request = NearestRequest(collection=self._collection, space=self.space.fingerprint, documents=written)
            for number, name in zip(numbers, self._service.nearest(request).nearest, strict=True):
                names[number] = name
        return names


def _space_of(service: Service, collection: str) -> VectorSpace:
    active = next(one for one in service.spaces(collection).spaces if one.state is SpaceState.ACTIVE)
    return VectorSpace(active.encoder, active.weights, active.preprocessing, active.dtype, active.dimension)


def _written(query: Query) -> WrittenQuery | None:
    one = query.instruction
    instruction = None if one is None else {"wording": one.wording, "query": one.query, "target": one.target, "dataset": one.dataset}
    return _readable(WrittenQuery, text=query.text, image=_path(query.image), instruction=instruction)


def _readable(kind: type[_Words], **values: object) -> _Words | None:
    """None for what no request can say, such as half of a surrogate pair."""
    try:
        return kind.model_validate(values)
    except ValidationError:
        return None


def _path(image: ImageReference | None) -> str | None:
    return None if image is None else str(image.path)


def _together(words: Sequence[_Asked | None]) -> Iterator[tuple[list[int], list[_Asked]]]:
    """As many as one request may bring, with their numbers; what can't be said is left out."""
    numbers: list[int] = []
    said: list[_Asked] = []
    characters = 0
    for number, one in enumerate(words):
        if one is None:
            continue
        length = len(one.text or "")
        if said and (len(said) == MANY or characters + length > MANY_CHARACTERS):
            yield numbers, said
            numbers, said, characters = [], [], 0
        numbers.append(number)
        said.append(one)
        characters += length
    if said:
        yield numbers, said


class Told:
    """Says every tenth of something long that it has come to."""

    def __init__(self) -> None:
        self._said: dict[str, int] = {}

    def __call__(self, name: str, done: int, whole: int) -> None:
        tenth = 10 * done // max(1, whole)
        if tenth > self._said.get(name, -1):
            self._said[name] = tenth
            tell(f"{name}: {done:,} of {whole:,}")


def encoder_named(name: str, device: str, dtype: str) -> Encoder:
    """The encoder, loaded. Raises UsageError for an unknown one and ModelUnavailable where weights or libraries are missing."""
    try:
        return ArithmeticEncoder() if name == "arithmetic" else load_encoder(name, Device(device, dtype))
    except ImportError as error:
        raise ModelUnavailable(f"The encoder {name!r} needs {error.name}, which is not installed.", "Install `uniir[local]`.") from None


def reranking_of(asked: str) -> Reranking:
    """What `--rerank` asks for: a name is a reranker for every query. Raises UsageError for an unknown one."""
    if asked in (Reranking.AUTO, Reranking.ON, Reranking.OFF):
        return Reranking(asked)
    wanted(asked)
    return Reranking.ON


def reranker_of(asked: str) -> str | None:
    """The reranker that is named; None where it is the settings'."""
    return None if asked in (Reranking.AUTO, Reranking.ON, Reranking.OFF) else asked


def second_reading(asked: str, encoder: Encoder, device: Device, settings: Settings, images: ImageLoader) -> SecondReading | None:
    """What reads the first hits of this encoder again; None where nobody wants that. Raises UsageError, ModelUnavailable."""
    reranking = reranking_of(asked)
    if reranking is Reranking.OFF:
        return None
    name = reranker_of(asked) or settings.reranker
    helps = partial(by_default, encoder.space.encoder, reranker=name)
    reranker = _loaded(name, encoder if isinstance(encoder, TextReader) else None, device, settings, images)
    return SecondReading(reranker, helps, reranking, wanted(name).spec.weight)


def reading_with(name: str, device: Device, settings: Settings, images: ImageLoader, top: int) -> SecondReading:
    """What reads the first `top` hits of every query again. Raises UsageError, ModelUnavailable."""
    weight = wanted(name).spec.weight
    return SecondReading(_loaded(name, None, device, settings, images), lambda query, target: True, Reranking.ON, weight, top)


def _loaded(name: str, reader: TextReader | None, device: Device, settings: Settings, images: ImageLoader) -> Reranker:
    """`reader` is a language model that is here already."""
    if wanted(name).spec.name != TEXT.name:
        return load_model_reranker(name, device, settings.models_dir, images)
    reads = reader or encoder_named("starter", device.name, "float32")
    if not isinstance(reads, TextReader):
        raise ModelUnavailable("The reranker has no language model to read with.", "Evaluate without `--rerank`.")
    return load_text_reranker(reads)


def repeating(plan: Plan, given: Mapping[str, object], command: str = "") -> str:
    """The command that measures this again: the options that are not as they are without being named."""
    words = ["uniir", "evaluate", *filter(None, [command]), str(plan.root.absolute())]
    plain = {field.name: field.default for field in fields(plan)}
    options = {"instructions": "instructing"}
    for name in ("split", "pool", "tasks", "datasets", "instructions", "seed", "against", "rerank", "complement", "held_out"):
        key = options.get(name, name)
        value = getattr(plan, key)
        if value == plain[key] and key not in ("pool", "seed"):
            continue
        if command and key == "instructing":
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(",".join(map(str, value)) if isinstance(value, tuple) else str(value))
    for name, value in given.items():
        words += [f"--{name}", str(value)] if value is not None else []
    return shlex.join(words)
