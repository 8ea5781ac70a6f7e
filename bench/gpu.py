"""CLIP ViT-L/14 with random weights on a card: pictures a second from JPEG files on, texts a second, and what bounds them.

The vision tower's rate is told as a share of what the same card reaches in a plain matrix product in bfloat16, measured in the same run;
so is what `torch.compile` and CUDA graphs change, with the seconds that compiling takes. `--quick` runs anywhere, with two layers, on a
processor in float32. Needs the extra `models`; decoding gets as many threads as there are cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from transformers import CLIPModel

from bench.inputs import pictures, sentence
from bench.random_clip import SIDE, configuration, random_encoder
from bench.report import Number, options, progress, report
from encoders.uniir_family.encoder import UniirEncoder
from models.devices import Device, usable_cores
from models.torch_devices import TorchDevice, torch_device
from uniir.documents import ImageReference
from uniir.images import FileImages
from uniir.protocols import Prepared
from uniir.queries import Query

SHARE_AIMED_AT = 0.5
PAYS = 1.1  # what compiling must bring to be worth its seconds
_WORDS = 10
_ROUNDS = 5
_MODES = ("default", "reduce-overhead", "max-autotune-no-cudagraphs")


def main() -> None:
    given = options(__doc__)
    card = torch.cuda.is_available()
    # On a processor half precision is laid out for its units beforehand, and torch.compile can't read that.
    on = torch_device(Device("cuda" if card else "cpu", "bfloat16" if card else "float32"))
    progress(f"making random weights of CLIP ViT-L/14 on {on.device}")
    torch.manual_seed(0)
    model = CLIPModel(configuration(layers=2 if given.quick else None)).eval()
    encoder = random_encoder(model, Device(on.device.type, on.dtype_name))
    numbers = [
        *_tower(encoder, on, 4 if given.quick else 256, _MODES[:1] if given.quick else _MODES),
        *_files(encoder, 32 if given.quick else 4_096),
        *_texts(encoder, on.device, 64 if given.quick else 16_384),
    ]
    report("gpu", given, numbers)


def _tower(encoder: UniirEncoder, on: TorchDevice, batch: int, modes: Sequence[str]) -> Iterator[Number]:
    """The vision tower alone, on pixels that lie on the card."""
    progress("matrix product and vision tower")
    device = on.device
    peak = _matrix_rate(on, 512 if batch < 64 else 8_192)
    tower: Any = encoder._model.vision  # type: ignore[attr-defined]
    pixels = torch.randn((batch, 3, SIDE, SIDE), device=device, dtype=on.dtype)
    plain = batch / _seconds(lambda: tower.vectors(pixels), device)
    compiled: dict[str, float] = {}
    figures: dict[str, object] = {}
    for mode in modes:
        progress(f"torch.compile, {mode}")
        torch._dynamo.reset()
        quicker = torch.compile(tower.vectors, mode=mode)
        start = time.perf_counter()
        with torch.inference_mode():
            quicker(pixels)
        figures[f"seconds_to_compile_{mode}"] = round(time.perf_counter() - start, 1)
        compiled[mode] = batch / _seconds(lambda run=quicker: run(pixels), device)  # type: ignore[misc]
        figures[f"images_per_second_{mode}"] = round(compiled[mode], 1)
    work = _work(tower) * plain
    yield Number(
        "vision tower: share of the card's matrix product",
        work / peak,
        f">= {SHARE_AIMED_AT} on a card",
        work / peak >= SHARE_AIMED_AT,
        {
            "number_type": on.dtype_name,
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "matrix_product_tflops": round(peak / 1e12, 2),
            "tower_tflops": round(work / 1e12, 2),
            "images_per_second": round(plain, 1),
            "batch": batch,
        },
    )
    if compiled:
        best = max(compiled, key=lambda mode: compiled[mode])
        ratio = compiled[best] / plain
        yield Number(f"torch.compile ({best}): rate over that without", ratio, f"pays from {PAYS}", ratio >= PAYS, figures)


def _files(encoder: UniirEncoder, count: int) -> Iterator[Number]:
    """From JPEG files to vectors, decoding on all cores while the card computes; and each of the two alone."""
    files = sorted(pictures(count).rglob("*.jpg"))[:count]
    progress("files to vectors")
    chunks = [_queries(files[start : start + 64]) for start in range(0, len(files), 64)]
    loader = FileImages()
    with ThreadPoolExecutor(usable_cores()) as pool:
        encoder.encode(encoder.prepare(chunks[0], loader))
        start = time.perf_counter()
        prepared: list[Prepared] = list(pool.map(lambda chunk: encoder.prepare(chunk, loader), chunks))
        decoding = len(files) / (time.perf_counter() - start)
        start = time.perf_counter()
        for batch in _joined(prepared, 4):
            encoder.encode(batch)
        computing = len(files) / (time.perf_counter() - start)
        start = time.perf_counter()
        for batch in _joined(pool.map(lambda chunk: encoder.prepare(chunk, loader), chunks), 4):
            encoder.encode(batch)
        together = len(files) / (time.perf_counter() - start)
    bound = "decoding" if decoding < computing else "the card, with the copies to it"
    yield Number(
        "files to vectors: rate over that of its slower half",
        together / min(decoding, computing),
        ">= 0.85",
        together >= 0.85 * min(decoding, computing),
        {
            "images_per_second": round(together, 1),
            "decoding_alone_per_second": round(decoding, 1),
            "computing_alone_per_second": round(computing, 1),
            "bounded_by": bound,
            "decoding_threads": usable_cores(),
        },
    )


def _texts(encoder: UniirEncoder, device: torch.device, count: int) -> Iterator[Number]:
    progress("texts")
    queries = [Query(text=sentence(number, _WORDS)) for number in range(count)]
    start = time.perf_counter()
    prepared = encoder.prepare(queries, FileImages())
    tokenizing = count / (time.perf_counter() - start)
    rate = count / _seconds(lambda: encoder.encode(prepared), device)
    figures = {"texts_per_second": round(rate, 1), "tokenizing_on_one_thread_per_second": round(tokenizing, 1)}
    yield Number("texts: rate of the card over tokenizing on one thread", rate / tokenizing, "told", True, figures)


def _queries(files: Sequence[Path]) -> list[Query]:
    return [Query(image=ImageReference(file)) for file in files]


def _joined(batches: Any, count: int) -> Iterator[Prepared]:
    """Several prepared batches as one, so that a card has enough to do at once."""
    inputs: list[object] = []
    for number, batch in enumerate(batches, 1):
        inputs += batch.inputs
        if number % count == 0:
            yield Prepared(tuple(range(len(inputs))), (), tuple(inputs))
            inputs = []
    if inputs:
        yield Prepared(tuple(range(len(inputs))), (), tuple(inputs))


def _matrix_rate(on: TorchDevice, side: int) -> float:
    """Operations a second of a matrix product in the same number type."""
    one, other = (torch.randn((side, side), device=on.device, dtype=on.dtype) for _ in range(2))
    return 2 * side**3 / _seconds(lambda: one @ other, on.device)


def _work(tower: Any) -> float:
    """Operations for one picture, those left out of the last block not counted."""
    width, places = tower.positions.shape[1], tower.positions.shape[0]
    inner = 4 * width
    block = 2 * places * width * (4 * width + 2 * inner) + 4 * places**2 * width
    last = 2 * places * width * 3 * width + 2 * width * (width + 2 * inner) + 4 * places * width
    return float((len(tower.blocks) - 1) * block + last + 2 * places * 3 * tower.patch**2 * width)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """The best of some rounds after one that warms up."""
    best = float("inf")
    with torch.inference_mode():
        for number in range(_ROUNDS + 1):
            _wait(device)
            start = time.perf_counter()
            work()
            _wait(device)
            best = min(best, time.perf_counter() - start) if number else best
    return best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
