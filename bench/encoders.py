"""CLIP ViT-L/14 with random weights as a UniIR encoder in bfloat16, beside the loop over `transformers` in float32 that a user would write.

The loop gets pixels and token ids ready-made, in batches of 32, texts padded to CLIP's 77 places; ours starts from pictures in
memory and from strings. One thread each, in turns, so that they meet the same machine; processor time is counted, and the best round
of each. How much bfloat16 can give is the processor's: about twice float32 with AVX-512 BF16, several times with AMX. So the factor of a
bare matrix product is printed, and the library's own model in bfloat16 runs beside. Needs the extra `models`.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import CLIPModel

from bench.inputs import sentence
from bench.random_clip import configuration, random_encoder
from bench.report import Number, options, progress, report
from encoders.uniir_family.encoder import UniirEncoder
from encoders.uniir_family.pictures import DEVIATION, MEAN
from encoders.uniir_family.tokens import CLIP_END, clip_ids
from models.devices import Device
from models.torch_devices import torch_device
from uniir.documents import ImageReference
from uniir.queries import Query

if TYPE_CHECKING:
    from uniir.protocols import Prepared

IMAGES_AT_LEAST, TEXTS_AT_LEAST, COSINE_AT_LEAST = 3.2, 8.0, 0.999
_BATCH = 32
_CONTEXT = 77
_WORDS = 10


@dataclass(frozen=True, slots=True)
class InMemory:
    """The ImageLoader whose pictures are there already: files `0`, `1` and so on."""

    pictures: Sequence[Image.Image]

    def upright(self, image: ImageReference) -> Image.Image:
        return self.faithful(image)

    def faithful(self, image: ImageReference) -> Image.Image:
        return self.pictures[int(image.path.name)]


@dataclass(slots=True)
class Race:
    """Three ways to the same vectors: the loop, the same loop in bfloat16, and ours."""

    theirs: Callable[[], NDArray[np.float32]]
    theirs_in_half: Callable[[], NDArray[np.float32]]
    ours: Callable[[], NDArray[np.float32]]

    def run(self, rounds: int) -> tuple[Sequence[float], float]:
        """The least processor seconds of each way, and the least cosine between ours and theirs."""
        ways = (self.theirs, self.theirs_in_half, self.ours)
        best = [math.inf] * len(ways)
        found = [np.empty((0, 0), np.float32)] * len(ways)
        for number in range(rounds + 1):  # the first round warms up
            for place, way in enumerate(ways):
                start = time.process_time()
                found[place] = way()
                if number:
                    best[place] = min(best[place], time.process_time() - start)
        unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in found]
        return best, float((unit[0] * unit[-1]).sum(axis=1).min())


def product_factor() -> float:
    """How many times faster than float32 this processor multiplies a layer of ViT-L/14 with a batch in bfloat16."""
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        rows, weights = torch.randn(_BATCH * 257, 1024).to(dtype), torch.randn(4096, 1024).to(dtype)
        times = []
        for _ in range(4):
            start = time.process_time()
            torch.nn.functional.linear(rows, weights)
            times.append(time.process_time() - start)
        seconds[dtype] = min(times)
    return seconds[torch.float32] / seconds[torch.bfloat16]


def main() -> None:
    given = options(__doc__)
    torch.manual_seed(0)
    progress("making random weights of CLIP ViT-L/14")
    model = CLIPModel(configuration(layers=2 if given.quick else None)).eval()
    device = torch_device(Device("cpu", "auto", threads=1))
    encoder = random_encoder(model, Device("cpu", device.dtype_name, threads=1))
    halved = copy.deepcopy(model).to(device.dtype)
    rounds = 1 if given.quick else 2
    numbers = [*_images(model, halved, encoder, rounds), *_texts(model, halved, encoder, rounds, 64 if given.quick else 256)]
    report("encoders", given, numbers)


def _images(model: Any, halved: Any, encoder: UniirEncoder, rounds: int) -> Iterator[Number]:
    progress("pictures")
    noise = np.random.default_rng(0)
    pictures = [
        Image.fromarray(noise.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((500, 375), Image.Resampling.BICUBIC)
        for _ in range(_BATCH)
    ]
    loader, queries = InMemory(pictures), [Query(image=ImageReference(Path(str(number)))) for number in range(_BATCH)]
    squares = np.stack([item.pixels for item in encoder.prepare(queries, loader).inputs])  # type: ignore[attr-defined]
    pixels = torch.from_numpy(((squares / 255 - MEAN) / DEVIATION).transpose(0, 3, 1, 2).astype(np.float32))

    def theirs(model: Any) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(model.get_image_features(pixel_values=pixels.to(model.dtype)).pooler_output.float())

    race = Race(lambda: theirs(model), lambda: theirs(halved), lambda: encoder.encode(encoder.prepare(queries, loader)))
    yield from _numbers("images", IMAGES_AT_LEAST, _BATCH, race, rounds, encoder)


def _texts(model: Any, halved: Any, encoder: UniirEncoder, rounds: int, count: int) -> Iterator[Number]:
    progress("texts")
    texts = [sentence(number, _WORDS) for number in range(count)]
    queries, nothing = [Query(text=text) for text in texts], InMemory(())
    prepared: Prepared = encoder.prepare(queries, nothing)
    rows = np.full((count, _CONTEXT), CLIP_END, np.int64)  # what transformers pads CLIP's texts with
    for row, item in zip(rows, prepared.inputs, strict=True):  # type: ignore[call-overload]
        row[: len(item.ids)] = item.ids
    ids = torch.from_numpy(rows)
    mean_length = float(np.mean([len(clip_ids(text, _CONTEXT)) for text in texts]))

    def theirs(model: Any) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.concatenate([model.get_text_features(input_ids=part).pooler_output.float() for part in ids.split(_BATCH)])

    race = Race(lambda: theirs(model), lambda: theirs(halved), lambda: encoder.encode(encoder.prepare(queries, nothing)))
    yield from _numbers("short texts", TEXTS_AT_LEAST, count, race, rounds, encoder, tokens_mean=round(mean_length, 1))


def _numbers(what: str, at_least: float, count: int, race: Race, rounds: int, encoder: UniirEncoder, **figures: object) -> Iterator[Number]:
    (theirs, theirs_in_half, ours), cosine = race.run(rounds)
    yield Number(
        f"{what}: rate over that of the plain loop",
        theirs / ours,
        f">= {at_least}",
        theirs / ours >= at_least,
        {
            "transformers_float32_per_second": round(count / theirs, 2),
            f"ours_{encoder.space.dtype}_per_second": round(count / ours, 2),
            "matrix_product_bfloat16_over_float32": round(product_factor(), 2),
            f"transformers_{encoder.space.dtype}_over_its_float32": round(theirs / theirs_in_half, 2),
            "threads": torch.get_num_threads(),
            **figures,
        },
    )
    yield Number(f"{what}: least cosine with the plain loop", cosine, f">= {COSINE_AT_LEAST}", cosine >= COSINE_AT_LEAST)


if __name__ == "__main__":
    main()
