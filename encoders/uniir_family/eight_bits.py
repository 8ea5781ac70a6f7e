"""A model whose blocks compute in eight bits, and is held against itself in float32 before anybody uses it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch.nn import functional

from encoders.uniir_family.architectures import Built, build
from encoders.uniir_family.checkpoint import Checkpoint
from encoders.uniir_family.inputs import Item
from encoders.uniir_family.reading import Reading
from models.batching import Batches
from models.devices import EIGHT_BITS
from models.eight_bits import TOKENS, Calibration
from models.torch_devices import TorchDevice
from uniir.errors import ModelUnavailable

LEAST_COSINE = 0.999
_TEXTS = (
    "A red bicycle leans against the wall of an old brick house.",
    "Find an image that matches the given caption. Two dogs play in the snow.",
    "1984",
)


def build_in_eight_bits(checkpoint: Checkpoint, on: TorchDevice) -> Built:
    """As `architectures.build`; `on` computes in float32. While it is built, the model in float32 is in memory too.

    Raises ModelUnavailable also where eight bits turn the vectors of the examples too far.
    """
    calibration = Calibration()
    exact = build(checkpoint, on, calibration.watching).model
    examples = _examples(exact.reading)
    expected = exact.embed(examples)
    built = build(checkpoint, on, calibration.eight_bits(), Batches(TOKENS))
    cosine = float(functional.cosine_similarity(built.model.embed(examples), expected, dim=1).min())
    if not cosine >= LEAST_COSINE:
        raise ModelUnavailable(
            f"In {EIGHT_BITS} a vector of {checkpoint.file.name} has a cosine of {cosine:.4f} with the one in float32; "
            f"{LEAST_COSINE} is the least.",
            "Use dtype auto, bfloat16 or float32 with this model.",
        )
    return built


def _examples(reading: Reading) -> Sequence[Item]:
    """Texts, pictures and a pair."""
    pictures = [reading.square(picture) for picture in _pictures()]
    ids = [tuple(reading.ids(text)) for text in _TEXTS]
    nothing = tuple(reading.ids(""))
    alone = [*(Item(one, None, 1.0, 0.0) for one in ids), *(Item(nothing, picture, 0.0, 1.0) for picture in pictures)]
    return [*alone, Item(ids[0], pictures[0], 1.0, 1.0)]


def _pictures() -> Sequence[Image.Image]:
    """Something soft in all colours, and hard edges on white."""
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    soft = Image.fromarray(noise).resize((400, 300), Image.Resampling.BICUBIC)
    down, across = np.mgrid[:300, :400]
    edges = np.full((300, 400, 3), 255, np.uint8)
    edges[(down // 25 + across // 25) % 2 == 0] = (20, 20, 20)
    edges[(down - 150) ** 2 + (across - 200) ** 2 < 8_000] = (200, 30, 40)
    return [soft, Image.fromarray(edges)]
