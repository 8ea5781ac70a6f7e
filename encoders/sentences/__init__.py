"""Any model of the library sentence-transformers, so that a model of next year needs no release of ours.

This module lists and finds them; the library is imported when one is loaded. (It is not called after it, lest one hide the other.)
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from encoders.specs import EncoderSpec, HubRepository
from models.devices import Device
from models.places import Located, found, kind_of
from uniir.errors import ModelUnavailable
from uniir.protocols import Encoder

PREFIX = "st:"


def _row(name: str, repository: str, dimension: int, megabytes: int, summary: str) -> EncoderSpec:
    return EncoderSpec(
        name=name,
        revision="main",
        dimension=dimension,
        megabytes=megabytes,
        licence="Apache-2.0",
        commercial_use="allowed by the weights' licence; the training data keep terms of their own",
        weights_from=f"{repository} on the Hugging Face hub, by `uniir models pull {name}`",
        summary=summary,
        weaknesses=(),
        instead="",
        repository=HubRepository(repository, "main"),
    )


SPECS = (
    _row("st-minilm", "sentence-transformers/all-MiniLM-L6-v2", 384, 91, "all-MiniLM-L6-v2: texts only, small and quick."),
    _row("st-qwen3", "Qwen/Qwen3-Embedding-0.6B", 1024, 1192, "Qwen3-Embedding 0.6B: texts only, many languages, reads instructions."),
)
"""Two of very many: `uniir models pull ORGANISATION/NAME` fetches any other."""


def located(name: str, models: Path) -> Located | None:
    """What `st:` stands before, or a directory that the library saved, of this name in `models` or at this path; else None.

    `st:` loads a directory through the library even where transformers alone saved it. Raises ModelUnavailable for what is not here.
    """
    if name.startswith(PREFIX):
        wanted = name.removeprefix(PREFIX)
        place = found(wanted, models)
        if place is None or not place.path.is_dir():
            place = found(wanted.replace("/", "--"), models)  # as `uniir models pull ORGANISATION/NAME` calls it
        if place is None or not place.path.is_dir():
            raise ModelUnavailable(f"There is no model {wanted!r} here.", f"`uniir models pull {wanted}` fetches one of the hub.")
        return replace(place, name=PREFIX + place.name)
    listed = any(spec.name == name for spec in SPECS)
    place = Located(name, models / name) if listed else found(name, models)
    if place is not None and kind_of(place.path).library == "sentence-transformers":
        return place
    if listed:
        raise ModelUnavailable(f"The weights of {name} are not in {models / name}.", f"`uniir models pull {name}` fetches them.")
    return None


def load(weights: Located, device: Device) -> Encoder:
    """The model on a device. Raises UsageError for the device, ModelUnavailable without the library or for unfit weights."""
    try:
        from encoders.sentences.encoder import SentenceEncoder
    except ImportError as error:
        raise ModelUnavailable(
            f"{weights.name} needs {error.name}, which is not installed.",
            "Install `uniir[sentence-transformers]` (docs/models/sentence-transformers.md).",
        ) from None
    return SentenceEncoder.load(weights.path, weights.name, device)
