"""What `uniir evaluate` measures with: an encoder alone, or the application's own search over a collection."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from app.cli.output import tell
from encoders.arithmetic import ArithmeticEncoder
from encoders.catalogue import load_encoder
from evaluation.reading_again import SecondReading
from evaluation.retrieval import ApplicationHit
from models.devices import Device
from rerank.catalogue import TEXT, by_default, load_model_reranker, load_text_reranker, wanted
from uniir.errors import ModelUnavailable
from uniir.filters import Filter
from uniir.hits import RerankState
from uniir.protocols import TextReader
from uniir.queries import Query, Reranking

if TYPE_CHECKING:
    from app.wiring.owned import OwnedInstallation
    from evaluation.evaluate import Plan
    from uniir.documents import Document
    from uniir.protocols import Encoder, ImageLoader, Reranker
    from uniir.settings import Settings
    from uniir.spaces import VectorSpace


class SearchedCollection:
    """Implements `evaluation.retrieval.Application`."""

    def __init__(self, installation: OwnedInstallation, name: str, rerank: Reranking) -> None:
        collection = installation.installation.collection(name)
        self.space: VectorSpace = collection.space
        self._encoder = installation.installation.encoder_of(collection)
        self._images = installation.installation.images
        self._store = installation.store(collection)
        self.unread = 0
        self._library = installation.installation.library(collection)
        self._service = installation.search_service(collection, rerank)

    def find(self, query: Query) -> Sequence[ApplicationHit]:
        found = self._service.search(query)
        self.unread += found.rerank.state is RerankState.FAILED
        hits = []
        for hit in found.hits:
            half = hit.complement.document if hit.complement is not None else None
            hits.append(ApplicationHit(_named(hit.document), hit.score, None if half is None else _named(half)))
        return hits

    def nearest_to(self, document: Document) -> str | None:
        prepared = self._encoder.prepare([document], self._images)
        if not prepared.positions:
            return None
        vectors = self._encoder.encode(prepared).astype(np.float16).astype(np.float32)
        nearest = int(self._store.search(vectors, 1, Filter()).ids[0, 0])
        found = self._library.documents([nearest]).get(nearest)
        return None if found is None else found.external_id


def _named(document: Document) -> str:
    return document.external_id or f"document:{document.id}"


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


def reranker_of(asked: str, usual: str) -> str:
    """The reranker's name; `usual` where none is named."""
    return usual if asked in (Reranking.AUTO, Reranking.ON, Reranking.OFF) else asked


def second_reading(asked: str, encoder: Encoder, device: Device, settings: Settings, images: ImageLoader) -> SecondReading | None:
    """What reads the first hits of this encoder again; None where nobody wants that. Raises UsageError, ModelUnavailable."""
    reranking = reranking_of(asked)
    if reranking is Reranking.OFF:
        return None
    name = reranker_of(asked, settings.reranker)
    helps = partial(by_default, encoder.space.encoder, reranker=name)
    reranker = _loaded(name, encoder if isinstance(encoder, TextReader) else None, device, settings, images)
    return SecondReading(reranker, helps, reranking, wanted(name).spec.weight)


def reading_with(name: str, device: Device, settings: Settings, images: ImageLoader, top: int) -> SecondReading:
    """What reads the first `top` hits of every query again. Raises UsageError, ModelUnavailable."""
    weight = wanted(name).spec.weight
    return SecondReading(_loaded(name, None, device, settings, images), lambda query, target: True, Reranking.ON, weight, top)


def _loaded(name: str, reader: TextReader | None, device: Device, settings: Settings, images: ImageLoader) -> Reranker:
    """`reader` is a language model that is here already."""
    if name != TEXT.name:
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
