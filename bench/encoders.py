"""CLIP ViT-L/14 with random weights as a UniIR encoder in bfloat16, beside the loop over `transformers` in float32 that a user would write.

The loop gets pixels and token ids ready-made, in batches of 32, texts padded to CLIP's 77 places; ours starts from pictures in
memory and from strings. One thread each, in turns, so that they meet the same machine; processor time is counted, and the best round
of each. Other work on the same cores still shows: it takes caches and half-precision units away, of which bfloat16 needs more. So the
library's own model in bfloat16 runs beside, as a measure of the machine. Needs the extra `models`.
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
from transformers import CLIPConfig, CLIPModel

from bench.inputs import sentence
from bench.report import Number, options, progress, report
from encoders.uniir_family.architectures import build
from encoders.uniir_family.checkpoint import Checkpoint
from encoders.uniir_family.encoder import UniirEncoder
from encoders.uniir_family.heads import HeadCounts
from encoders.uniir_family.pictures import DEVIATION, MEAN
from encoders.uniir_family.tokens import CLIP_END, clip_ids
from models.devices import Device
from models.torch_devices import torch_device
from uniir.documents import ImageReference
from uniir.queries import Query
from uniir.spaces import VectorSpace

if TYPE_CHECKING:
    from uniir.protocols import Prepared

IMAGES_AT_LEAST, TEXTS_AT_LEAST, COSINE_AT_LEAST = 3.2, 8.0, 0.999
_BATCH = 32
_CONTEXT = 77
_SIDE = 224
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


def main() -> None:
    given = options(__doc__)
    torch.manual_seed(0)
    progress("making random weights of CLIP ViT-L/14")
    model = CLIPModel(_configuration(layers=2 if given.quick else None)).eval()
    device = torch_device(Device("cpu", "auto", threads=1))
    encoder = _encoder(model, device.dtype_name)
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
            f"transformers_{encoder.space.dtype}_over_its_float32": round(theirs / theirs_in_half, 2),
            "threads": torch.get_num_threads(),
            **figures,
        },
    )
    yield Number(f"{what}: least cosine with the plain loop", cosine, f">= {COSINE_AT_LEAST}", cosine >= COSINE_AT_LEAST)


def _configuration(layers: int | None) -> Any:
    text = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": layers or 12}
    vision = {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "num_hidden_layers": layers or 24}
    vision |= {"patch_size": 14, "image_size": _SIDE}
    return CLIPConfig(text_config={**text, "projection_dim": 768}, vision_config={**vision, "projection_dim": 768}, projection_dim=768)


def _encoder(model: Any, dtype: str) -> UniirEncoder:
    tensors = _openai_names(model.state_dict())
    on = torch_device(Device("cpu", dtype, threads=1))
    with torch.inference_mode():
        built = build(Checkpoint(tensors, HeadCounts(), Path("random")), on).model
    return UniirEncoder(built, VectorSpace("random", "random", built.preprocessing, on.dtype_name, built.dimension))


def _openai_names(theirs: dict[str, Any]) -> dict[str, Any]:
    """The same tensors under the names of a CLIP_SF checkpoint."""
    renamed = {
        "visual.class_embedding": theirs["vision_model.embeddings.class_embedding"],
        "visual.conv1.weight": theirs["vision_model.embeddings.patch_embedding.weight"],
        "visual.positional_embedding": theirs["vision_model.embeddings.position_embedding.weight"],
        "visual.proj": theirs["visual_projection.weight"].T,
        "token_embedding.weight": theirs["text_model.embeddings.token_embedding.weight"],
        "positional_embedding": theirs["text_model.embeddings.position_embedding.weight"],
        "text_projection": theirs["text_projection.weight"].T,
    }
    norms = {
        "visual.ln_pre": "vision_model.pre_layrnorm",
        "visual.ln_post": "vision_model.post_layernorm",
        "ln_final": "text_model.final_layer_norm",
    }
    towers = {"vision_model": "visual.transformer", "text_model": "transformer"}
    parts = {
        "layer_norm1": "ln_1",
        "layer_norm2": "ln_2",
        "self_attn.out_proj": "attn.out_proj",
        "mlp.fc1": "mlp.c_fc",
        "mlp.fc2": "mlp.c_proj",
    }
    for tower, here in towers.items():
        for number in {name.split(".")[3] for name in theirs if name.startswith(f"{tower}.encoder.layers.")}:
            there = f"{tower}.encoder.layers.{number}"
            norms |= {f"{here}.resblocks.{number}.{ours}": f"{there}.{part}" for part, ours in parts.items()}
            for kind in ("weight", "bias"):
                stacked = torch.cat([theirs[f"{there}.self_attn.{letter}_proj.{kind}"] for letter in "qkv"])
                renamed[f"{here}.resblocks.{number}.attn.in_proj_{kind}"] = stacked
    for ours, name in norms.items():
        renamed |= {f"{ours}.{kind}": theirs[f"{name}.{kind}"] for kind in ("weight", "bias")}
    return {f"clip_model.{name}": tensor for name, tensor in renamed.items()}


if __name__ == "__main__":
    main()
