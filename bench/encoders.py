"""CLIP ViT-L/14 with random weights as a UniIR encoder, beside the loop over `transformers` in float32 that a user would write.

The loop gets pixels and token ids ready-made, in batches of 32, texts padded to CLIP's 77 places; ours starts from pictures in
memory and from strings. One thread each, in turns, so that they meet the same machine; processor time is counted, and the best round
of each. Ours runs in the number type that is chosen by itself (`auto`) and in int8 where the processor has units for it; the better of the
two is held against the target, and both are printed. How much bfloat16 can give is the processor's: about twice float32 with AVX-512
BF16, several times with AMX. So the factor of a bare matrix product is printed, and the library's own model in bfloat16 runs beside. Needs
the extra `models`.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
from models.devices import EIGHT_BITS, Device
from models.torch_devices import torch_device
from uniir.documents import ImageReference
from uniir.errors import UsageError
from uniir.queries import Query

if TYPE_CHECKING:
    from uniir.protocols import Prepared

IMAGES_AT_LEAST, TEXTS_AT_LEAST, COSINE_AT_LEAST = 3.2, 8.0, 0.999
LOOP, LOOP_IN_HALF = "transformers_float32", "transformers_in_half"
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


@dataclass(frozen=True, slots=True)
class Raced:
    """Processor seconds, and the least cosine with the loop's vectors."""

    seconds: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Race:
    """Ways to the same vectors by name, `LOOP` among them."""

    ways: Mapping[str, Callable[[], NDArray[np.float32]]]

    def run(self, rounds: int) -> Mapping[str, Raced]:
        """The best round of each."""
        best, found = dict.fromkeys(self.ways, math.inf), {}
        for number in range(rounds + 1):  # the first round warms up
            for name, way in self.ways.items():
                start = time.process_time()
                rows = way()
                if number:
                    best[name] = min(best[name], time.process_time() - start)
                found[name] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return {name: Raced(best[name], float((found[name] * found[LOOP]).sum(axis=1).min())) for name in self.ways}


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
    encoders = _encoders(model, device.dtype_name)
    halved = copy.deepcopy(model).to(device.dtype)
    rounds = 1 if given.quick else 2
    numbers = [*_images(model, halved, encoders, rounds), *_texts(model, halved, encoders, rounds, 64 if given.quick else 256)]
    report("encoders", given, numbers)


def _encoders(model: Any, fitting: str) -> Sequence[UniirEncoder]:
    encoders = [random_encoder(model, Device("cpu", fitting, threads=1))]
    try:
        encoders.append(random_encoder(model, Device("cpu", EIGHT_BITS, threads=1)))
    except UsageError as error:
        progress(str(error))
    return encoders


def _images(model: Any, halved: Any, encoders: Sequence[UniirEncoder], rounds: int) -> Iterator[Number]:
    progress("pictures")
    noise = np.random.default_rng(0)
    pictures = [
        Image.fromarray(noise.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((500, 375), Image.Resampling.BICUBIC)
        for _ in range(_BATCH)
    ]
    loader, queries = InMemory(pictures), [Query(image=ImageReference(Path(str(number)))) for number in range(_BATCH)]
    squares = np.stack([item.pixels for item in encoders[0].prepare(queries, loader).inputs])  # type: ignore[attr-defined]
    pixels = torch.from_numpy(((squares / 255 - MEAN) / DEVIATION).transpose(0, 3, 1, 2).astype(np.float32))

    def theirs(model: Any) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(model.get_image_features(pixel_values=pixels.to(model.dtype)).pooler_output.float())

    race = Race({LOOP: lambda: theirs(model), LOOP_IN_HALF: lambda: theirs(halved), **_ours(encoders, queries, loader)})
    yield from _numbers("images", IMAGES_AT_LEAST, _BATCH, race, rounds)


def _texts(model: Any, halved: Any, encoders: Sequence[UniirEncoder], rounds: int, count: int) -> Iterator[Number]:
    progress("texts")
    texts = [sentence(number, _WORDS) for number in range(count)]
    queries, nothing = [Query(text=text) for text in texts], InMemory(())
    prepared: Prepared = encoders[0].prepare(queries, nothing)
    rows = np.full((count, _CONTEXT), CLIP_END, np.int64)  # what transformers pads CLIP's texts with
    for row, item in zip(rows, prepared.inputs, strict=True):  # type: ignore[call-overload]
        row[: len(item.ids)] = item.ids
    ids = torch.from_numpy(rows)
    mean_length = float(np.mean([len(clip_ids(text, _CONTEXT)) for text in texts]))

    def theirs(model: Any) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.concatenate([model.get_text_features(input_ids=part).pooler_output.float() for part in ids.split(_BATCH)])

    race = Race({LOOP: lambda: theirs(model), LOOP_IN_HALF: lambda: theirs(halved), **_ours(encoders, queries, nothing)})
    yield from _numbers("short texts", TEXTS_AT_LEAST, count, race, rounds, tokens_mean=round(mean_length, 1))


def _ours(encoders: Sequence[UniirEncoder], queries: Sequence[Query], images: InMemory) -> Mapping[str, Callable[[], NDArray[np.float32]]]:
    return {one.space.dtype: partial(lambda encoder: encoder.encode(encoder.prepare(queries, images)), one) for one in encoders}


def _numbers(what: str, at_least: float, count: int, race: Race, rounds: int, **figures: object) -> Iterator[Number]:
    raced = race.run(rounds)
    loop = raced[LOOP].seconds
    ours = {name: one for name, one in raced.items() if name not in (LOOP, LOOP_IN_HALF)}
    best = min(ours, key=lambda name: ours[name].seconds)
    factors = {f"ours_{name}_over_transformers_float32": round(loop / one.seconds, 2) for name, one in ours.items()}
    rates = {f"ours_{name}_per_second": round(count / one.seconds, 2) for name, one in ours.items()}
    yield Number(
        f"{what}: rate over that of the plain loop, in {best}",
        loop / ours[best].seconds,
        f">= {at_least}",
        loop / ours[best].seconds >= at_least,
        {
            **factors,
            "transformers_float32_per_second": round(count / loop, 2),
            **rates,
            "matrix_product_bfloat16_over_float32": round(product_factor(), 2),
            "transformers_in_half_over_its_float32": round(loop / raced[LOOP_IN_HALF].seconds, 2),
            "threads": torch.get_num_threads(),
            **figures,
        },
    )
    cosines = {name: round(one.cosine, 5) for name, one in ours.items()}
    least = min(one.cosine for one in ours.values())
    yield Number(f"{what}: least cosine with the plain loop", least, f">= {COSINE_AT_LEAST}", least >= COSINE_AT_LEAST, cosines)


if __name__ == "__main__":
    main()
