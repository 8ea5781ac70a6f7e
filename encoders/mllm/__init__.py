"""Multimodal language models that were trained, or can be asked, to retrieve.

This module lists and finds them; torch and transformers are imported when one is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from encoders.specs import EncoderSpec, HubRepository
from models.devices import Device
from models.places import Located, found, kind_of
from uniir.errors import ModelUnavailable, UsageError
from uniir.protocols import Encoder

ARCHITECTURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "mm-embed": ("llava_next",),
        "nv-embed": ("nvembed", "mistral"),
        "llava-e": ("llava_next",),
        "llava-p": ("llava_next",),
        "llava-p-zero-shot": ("llava_next",),
        "e5-v": ("llava_next",),
        "lamra-ret": ("qwen2_vl", "qwen2_5_vl"),
        "u-marvel": ("qwen2_vl", "qwen3_vl"),
        "qwen3-vl-embedding": ("qwen3_vl",),
    }
)
"""How a model is asked, and of which types of transformers it can be."""

_NON_COMMERCIAL = "not allowed, for research only"
_OWN = "allowed by the weights' licence"
_UNSTATED = "not stated by its makers: ask them"


@dataclass(frozen=True, slots=True)
class Named:
    """A name taken apart: `ARCHITECTURE:PLACE` or a listed one, then `,dimension=N` and `,adapter=DIRECTORY`."""

    place: str
    architecture: str | None
    dimension: int | None = None
    adapter: Path | None = None


def _row(
    name: str,
    architecture: str,
    repository: str,
    dimension: int,
    megabytes: int,
    licence: str,
    use: str,
    summary: str,
    revision: str = "main",
) -> tuple[EncoderSpec, str]:
    spec = EncoderSpec(
        name=name,
        revision=revision,
        dimension=dimension,
        megabytes=megabytes,
        licence=licence,
        commercial_use=use,
        weights_from=f"{repository} on the Hugging Face hub, by `uniir models pull {name}`",
        summary=summary,
        weaknesses=(),
        instead="",
        repository=HubRepository(repository, revision),
    )
    return spec, architecture


_LISTED = (
    _row(
        "qwen3-vl-embedding-2b", "qwen3-vl-embedding", "Qwen/Qwen3-VL-Embedding-2B", 2048, 4300, "Apache-2.0", _OWN,
        "Qwen3-VL-Embedding 2B: take this today; follows instructions in many languages; any prefix of a vector is one (`,dimension=512`).",
    ),
    _row(
        "qwen3-vl-embedding-8b", "qwen3-vl-embedding", "Qwen/Qwen3-VL-Embedding-8B", 4096, 16300, "Apache-2.0", _OWN,
        "Qwen3-VL-Embedding 8B: the better one for a card of 24 GB and more.",
    ),
    _row(
        "mm-embed", "mm-embed", "nvidia/MM-Embed", 4096, 16400, "CC-BY-NC-4.0", _NON_COMMERCIAL,
        "MM-Embed: LLaVA-NeXT's eye on NV-Embed-v1, trained on M-BEIR with modality-aware hard negatives; strong on text alone too.",
        "3236bc7",
    ),
    _row(
        "u-marvel-qwen2-vl-7b", "u-marvel", "TencentBAC/U-MARVEL-Qwen2VL-7B-Instruct", 3584, 16600, "MIT (code)", _UNSTATED,
        "U-MARVEL on Qwen2-VL 7B: the best single model on M-BEIR as published.",
    ),
    _row(
        "u-marvel-qwen3-vl-4b", "u-marvel", "TencentBAC/U-MARVEL-Qwen3VL-4B-Instruct", 2560, 8900, "MIT (code)", _UNSTATED,
        "U-MARVEL on Qwen3-VL 4B.",
    ),
    _row(
        "lamra-ret", "lamra-ret", "code-kunkun/LamRA-Ret", 3584, 16600, "MIT (code)", _UNSTATED,
        "LamRA-Ret on Qwen2-VL 7B, trained on M-BEIR.",
    ),
    _row(
        "lamra-ret-qwen2.5-vl-7b", "lamra-ret", "code-kunkun/LamRA-Ret-Qwen2.5VL-7b", 3584, 16600, "MIT (code)", _UNSTATED,
        "LamRA-Ret on Qwen2.5-VL 7B.",
    ),
    _row(
        "e5-v", "e5-v", "royokong/e5-v", 4096, 16700, "none given; its base is under the Llama 3 licence", _UNSTATED,
        "E5-V: one-word answers of LLaVA-NeXT on Llama 3, trained on text alone; texts and pictures, no pairs.",
    ),
    _row(
        "llava-p-zero-shot", "llava-p-zero-shot", "llava-hf/llava-v1.6-mistral-7b-hf", 4096, 15100, "Apache-2.0", _OWN,
        "LLaVA-NeXT 7B asked for one word, without any training for retrieval: a baseline of the papers.",
    ),
    _row(
        "nv-embed-v1", "nv-embed", "nvidia/NV-Embed-v1", 4096, 15700, "CC-BY-NC-4.0", _NON_COMMERCIAL,
        "NV-Embed-v1: texts alone; what MM-Embed grew from.",
    ),
)  # fmt: skip
SPECS = tuple(spec for spec, _ in _LISTED)
_BY_NAME = MappingProxyType({spec.name: architecture for spec, architecture in _LISTED})


def named(name: str) -> Named:
    """A name taken apart. Raises UsageError for a dimension that is no number."""
    place, *more = re.split(r",(dimension|adapter)=", name)
    told = dict(zip(more[::2], more[1::2], strict=True))
    dimension = told.get("dimension")
    if dimension is not None and not dimension.isdecimal():
        raise UsageError(f"{name!r} asks for {dimension!r} dimensions.", "Write `NAME,dimension=512`.")
    architecture, colon, rest = place.partition(":")
    known = architecture if colon and architecture in ARCHITECTURES else None
    return Named(
        rest if known else place,
        known or _BY_NAME.get(place),
        None if dimension is None else int(dimension),
        Path(told["adapter"]).expanduser().absolute() if "adapter" in told else None,
    )


def located(name: str, models: Path) -> Located | None:
    """A listed model, `ARCHITECTURE:DIRECTORY`, or a directory that is MM-Embed's; None for anything else.

    Raises ModelUnavailable where the weights are not here, UsageError for a directory that leaves open how it is to be asked.
    """
    asked = named(name)
    listed = asked.place in _BY_NAME
    place = Located(asked.place, models / asked.place) if listed else found(asked.place, models)
    there = place is not None and place.path.is_dir()
    model_type = kind_of(place.path).model_type if place is not None and there else ""
    if asked.architecture is None:
        if place is None or not any(model_type in types for types in ARCHITECTURES.values() if model_type != "mistral"):
            return None
        if not _is_mm_embed(place.path):
            ways = ", ".join(f"{one}:{asked.place}" for one, types in ARCHITECTURES.items() if model_type in types)
            raise UsageError(
                f"{place.path} holds a model of the type {model_type!r}, which can be asked in several ways.", f"Name one: {ways}."
            )
    elif place is None or not there:
        way_out = f"`uniir models pull {asked.place}` fetches them." if listed else "Name a directory."
        raise ModelUnavailable(f"The weights of {name} are not in {models / asked.place}.", way_out)
    if asked.adapter is not None and not (asked.adapter / "adapter_config.json").is_file():
        raise UsageError(f"{asked.adapter} is no adapter: it has no adapter_config.json.", "Name the directory that holds it.")
    return Located(name, place.path)  # the whole name, since way of asking, dimension and adapter belong to the encoder


def _is_mm_embed(directory: Path) -> bool:
    return (directory / "config.json").is_file() and "NVMMEmbedModel" in (directory / "config.json").read_text("utf-8", "replace")


def load(weights: Located, device: Device) -> Encoder:
    """The model on a device. Raises UsageError, and ModelUnavailable without libraries or for unfit weights."""
    try:
        from encoders.mllm.loading import load_retriever
    except ImportError as error:
        raise ModelUnavailable(
            f"{weights.name} needs {error.name}, which is not installed.", "Install `uniir[models]` (docs/models/multimodal-llm.md)."
        ) from None
    asked = named(weights.name)
    return load_retriever(weights.name, asked.architecture or "mm-embed", weights.path, device, asked.dimension, asked.adapter)
