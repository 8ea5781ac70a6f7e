"""Which rerankers there are, and for which searches each was measured to help. A new reranker is one row here."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from models.devices import EIGHT_BITS, Device
from models.places import Located, found
from rerank.text import TextReranker
from uniir.documents import Json, Modality
from uniir.errors import ModelUnavailable, UsageError
from uniir.protocols import ImageLoader, Reranker, TextReader

_Search = tuple[Modality, Modality | None]
_ANY = "*"
_EVERYTHING = frozenset((query, target) for query in Modality for target in (None, *Modality))
# MM-Embed section 4.4 and tables 3 and 7: a judge without training helps questions about a picture; it costs up to 11 points where
# one modality looks for one other, and for changes to a picture of clothes or a scene, whose test sets know a single answer.
_ABOUT_A_PICTURE = frozenset({(Modality.IMAGE_TEXT, Modality.TEXT), (Modality.IMAGE_TEXT, Modality.IMAGE_TEXT)})


@dataclass(frozen=True, slots=True)
class RerankerSpec:
    """One reranker as data. `helps` holds query and target (None: a mixed list) by the encoder that found the first list.

    `weight`: how much a probability counts beside the first score; None where it alone makes the order.
    """

    name: str
    summary: str
    helps: Mapping[str, Collection[_Search]]
    architecture: str = ""
    repository: str = ""
    revision: str = "main"
    licence: str = ""
    megabytes: int = 0
    weight: float | None = None

    def as_json(self) -> dict[str, Json]:
        """What a person may want to know before fetching it."""
        plain = ("name", "summary", "repository", "revision", "licence", "megabytes")
        return {"kind": "reranker", **{name: getattr(self, name) for name in plain}}

    def describe(self) -> str:
        """A few lines for a terminal."""
        origin = f"{self.repository} on the Hugging Face hub, by `uniir models pull {self.name}`" if self.repository else "comes with uniir"
        size = f"{self.megabytes} MB; " if self.megabytes else ""
        licence = f"\n  licence: {self.licence}" if self.licence else ""
        return f"{self.name} (reranker)\n  {self.summary}\n  {size}weights: {origin}{licence}"


def _everywhere(searches: Collection[_Search]) -> Mapping[str, Collection[_Search]]:
    return MappingProxyType({_ANY: frozenset(searches)})


TEXT = RerankerSpec(
    name="text",
    summary="Reads texts word by word with the starter encoder's language model, for queries of words alone.",
    # docs/results/rerank.md: better on validation and on evaluation, beyond chance on both
    helps=MappingProxyType({"starter": frozenset({(Modality.TEXT, Modality.TEXT)})}),
)
SPECS = (
    TEXT,
    RerankerSpec(
        "qwen3-vl-reranker-2b", "Qwen3-VL-Reranker 2B: what to take today; texts and pictures, yes against no.",
        _everywhere(_EVERYTHING), "qwen3-vl-reranker", "Qwen/Qwen3-VL-Reranker-2B", "main", "Apache-2.0", 4300,
    ),
    RerankerSpec(
        "qwen3-vl-reranker-8b", "Qwen3-VL-Reranker 8B.",
        _everywhere(_EVERYTHING), "qwen3-vl-reranker", "Qwen/Qwen3-VL-Reranker-8B", "main", "Apache-2.0", 16300,
    ),
    RerankerSpec(
        "lamra-rank", "LamRA-Rank 7B, trained on M-BEIR's own hard candidates; its probability is added to the first score.",
        _everywhere(_EVERYTHING), "lamra-rank", "code-kunkun/LamRA-Rank", "main", "MIT (code)", 16600, weight=1.0,
    ),
    RerankerSpec(
        "llava-true-false", "LLaVA-NeXT 7B asked True or False without any training for it, as in MM-Embed's section 4.4.",
        _everywhere(_ABOUT_A_PICTURE), "true-false", "llava-hf/llava-v1.6-mistral-7b-hf", "main", "Apache-2.0", 15100,
    ),
    RerankerSpec(
        "llava-34b-true-false", "The same with 34 B.",
        _everywhere(_ABOUT_A_PICTURE), "true-false", "llava-hf/llava-v1.6-34b-hf", "main", "Apache-2.0", 69500,
    ),
)  # fmt: skip
ARCHITECTURES: Mapping[str, Collection[_Search]] = MappingProxyType(
    {
        "true-false": _ABOUT_A_PICTURE,
        "yes-no": _ABOUT_A_PICTURE,
        "chat": _ABOUT_A_PICTURE,
        "lamra-rank": _EVERYTHING,
        "lamra-rank-listwise": _EVERYTHING,
        "qwen3-vl-reranker": _EVERYTHING,
        "cross-encoder": frozenset({(Modality.TEXT, Modality.TEXT)}),
    }
)
"""How a directory can be asked (`ARCHITECTURE:DIRECTORY`), and for which searches that is on by itself."""
_WEIGHTS: Mapping[str, float] = MappingProxyType({"lamra-rank": 1.0})  # of a probability beside the first score, as in its own evaluation


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name taken apart: a listed one or `ARCHITECTURE:PLACE`, then `,weight=NUMBER` and `,adapter=DIRECTORY`."""

    spec: RerankerSpec
    place: str
    adapter: Path | None = None


def wanted(name: str) -> Wanted:
    """Raises UsageError for a reranker that nobody knows, and for a weight that is none."""
    whole, *more = re.split(r",(weight|adapter)=", name)
    told = dict(zip(more[::2], more[1::2], strict=True))
    adapter = Path(told["adapter"]).expanduser().absolute() if "adapter" in told else None
    spec, place = _spec_of(whole)
    return Wanted(replace(spec, weight=_weight(name, told["weight"])) if "weight" in told else spec, place, adapter)


def _weight(name: str, told: str) -> float:
    try:
        weight = float(told)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < math.inf:
        raise UsageError(f"{name!r} gives the reranker a weight of {told!r}.", "Write a number from 0 on: `NAME,weight=0.1`.")
    return weight


def _spec_of(name: str) -> tuple[RerankerSpec, str]:
    for spec in SPECS:
        if spec.name == name:
            return spec, name
    architecture, colon, place = name.partition(":")
    if colon and architecture in ARCHITECTURES:
        helps = _everywhere(ARCHITECTURES[architecture])
        return RerankerSpec(name, "", helps, architecture, weight=_WEIGHTS.get(architecture)), place
    known = ", ".join((*(spec.name for spec in SPECS), *(f"{one}:DIRECTORY" for one in ARCHITECTURES)))
    raise UsageError(f"There is no reranker {name!r}.", f"There are {known}.")


def by_default(encoder: str, query: Modality, target: Modality | None, reranker: str = TEXT.name) -> bool:
    """Whether reranking is on when nobody says otherwise, for lists of this encoder."""
    helps = wanted(reranker).spec.helps
    return (query, target) in helps.get(encoder, helps.get(_ANY, ()))


def helps_at_all(encoder: str, reranker: str = TEXT.name) -> bool:
    """Whether there is any search of this encoder's for which it is on by itself."""
    helps = wanted(reranker).spec.helps
    return bool(helps.get(encoder, helps.get(_ANY, ())))


def load_text_reranker(reader: TextReader) -> Reranker:
    """The one that came with the package. Raises ModelUnavailable."""
    return TextReranker.load(reader)


def load_model_reranker(name: str, device: Device, models: Path, images: ImageLoader) -> Reranker:
    """One that is a model of its own. Raises UsageError for an unknown one, ModelUnavailable where weights or libraries are not here."""
    asked = wanted(name)
    weights = _located(asked, models)
    if device.dtype == EIGHT_BITS:  # the encoder's, beside which what reads again takes what is fast here
        device = replace(device, dtype="auto")
    try:
        if asked.spec.architecture == "cross-encoder":
            from models.torch_devices import torch_device
            from rerank.cross_encoder import load_cross_encoder

            return load_cross_encoder(name, weights.path, torch_device(device), images)
        from rerank.mllm.loading import load_mllm_reranker

        return load_mllm_reranker(name, asked.spec.architecture, weights.path, device, images, asked.adapter)
    except ImportError as error:
        raise ModelUnavailable(
            f"The reranker {name} needs {error.name}, which is not installed.", "Install `uniir[models]` (docs/reranking.md)."
        ) from None


def _located(asked: Wanted, models: Path) -> Located:
    if asked.spec.repository:
        place = models / asked.place
        if not place.is_dir():
            raise ModelUnavailable(f"The weights of {asked.place} are not in {place}.", f"`uniir models pull {asked.place}` fetches them.")
        return Located(asked.place, place)
    there = found(asked.place, models)
    if there is None or not there.path.is_dir():
        raise ModelUnavailable(f"There is no directory {asked.place}, neither in {models} nor as a path.", "Name the one of the weights.")
    return there
