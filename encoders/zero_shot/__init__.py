"""Models that the library transformers loads and that put texts and pictures into one space without any instruction: the papers' baselines.

This module lists and finds them; torch and transformers are imported when one is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from encoders.specs import EncoderSpec, HubRepository
from models.devices import Device
from models.places import Located, found, kind_of
from uniir.errors import ModelUnavailable
from uniir.protocols import Encoder

# By transformers' own word for a model's type, the file here that reads it.
ARCHITECTURES: Mapping[str, str] = MappingProxyType(
    {
        "clip": "clip",
        "clip_text_model": "clip",
        "clip_vision_model": "clip",
        "siglip": "siglip",
        "siglip_text_model": "siglip",
        "siglip_vision_model": "siglip",
        "siglip2": "siglip2",
        "blip": "blip",
        "blip-2": "blip2",
    }
)
_OPENAI = "MIT (code; the weights state none of their own)"
_RESEARCH = "its makers advise against deploying it untested; the training data keep terms of their own"
_ALLOWED = "allowed by the weights' licence; the training data keep terms of their own"


def _row(
    name: str, repository: str, dimension: int, megabytes: int, licence: str, commercial_use: str, summary: str, weights: str = ""
) -> EncoderSpec:
    origin = weights or f"`uniir models pull {name}`"
    return EncoderSpec(
        name=name,
        revision="main",
        dimension=dimension,
        megabytes=megabytes,
        licence=licence,
        commercial_use=commercial_use,
        weights_from=f"{repository} on the Hugging Face hub, by {origin}",
        summary=f"{summary} Reads no instruction.",
        weaknesses=(),
        instead="",
        repository=HubRepository(repository, "main"),
    )


SPECS = (
    _row(
        "clip-large", "openai/clip-vit-large-patch14", 768, 1710, _OPENAI, _RESEARCH,
        "OpenAI's CLIP ViT-L/14: captions and pictures from the web, 77 tokens.",
    ),
    _row(
        "clip-huge-laion", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K", 1024, 3944, "MIT", _RESEARCH,
        "OpenCLIP ViT-H/14 trained on LAION-2B: stronger than OpenAI's, twice as slow.",
    ),
    _row(
        "siglip-large", "google/siglip-large-patch16-256", 1024, 2609, "Apache-2.0", _ALLOWED,
        "SigLIP large at 256 pixels: lower-case texts of 64 tokens.",
    ),
    _row(
        "siglip2-large", "google/siglip2-large-patch16-256", 1024, 3526, "Apache-2.0", _ALLOWED,
        "SigLIP 2 large at 256 pixels: many languages, lower-case texts of 64 tokens.",
    ),
    _row(
        "blip-large", "Salesforce/blip-itm-large-coco", 256, 1880, "BSD-3-Clause", _ALLOWED,
        "BLIP large with its retrieval projections, fine-tuned on COCO captions at 384 pixels.",
    ),
    _row(
        "blip2", "Salesforce/blip2-itm-vit-g", 256, 4700, "MIT", _ALLOWED,
        "BLIP-2: a frozen ViT-g read by the Q-Former, whose query vectors are averaged.",
    ),
)  # fmt: skip
"""Sizes are those of single precision, worked out and not fetched; `uniir models show` tells what is here."""


def located(name: str, models: Path) -> Located | None:
    """A directory that transformers saved, of this name in `models` or at this path; None for anything else.

    Raises ModelUnavailable for a listed model whose weights are not here.
    """
    listed = any(spec.name == name for spec in SPECS)
    place = Located(name, models / name) if listed else found(name, models)
    if place is not None and place.path.is_dir():
        kind = kind_of(place.path)
        if kind.library == "transformers" and kind.model_type in ARCHITECTURES:
            return place
    if not listed:
        return None
    raise ModelUnavailable(f"The weights of {name} are not in {models / name}.", f"`uniir models pull {name}` fetches them.")


def load(weights: Located, device: Device) -> Encoder:
    """The model on a device. Raises UsageError for the device, ModelUnavailable without libraries or for unfit weights."""
    try:
        from encoders.zero_shot.encoder import ZeroShotEncoder
    except ImportError as error:
        raise ModelUnavailable(
            f"{weights.name} needs {error.name}, which is not installed.", "Install `uniir[models]` (docs/models/zero-shot.md)."
        ) from None
    return ZeroShotEncoder.load(weights.path, weights.name, device)
