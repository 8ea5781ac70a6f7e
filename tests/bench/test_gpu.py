"""The benchmark for cards, on a processor and at a size that means nothing: that whoever has a card need only start it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="transformers is not installed (extra `models`)")

import torch
from transformers import CLIPModel

from bench import gpu, inputs
from bench.random_clip import configuration, random_encoder
from encoders.uniir_family.encoder import UniirEncoder
from models.devices import Device
from models.torch_devices import TorchDevice

CPU = TorchDevice(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def encoder() -> UniirEncoder:
    return random_encoder(CLIPModel(configuration(layers=1)).eval(), Device("cpu", "float32", threads=1))


def test_every_number_is_measured_and_told(encoder: UniirEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "PLACE", tmp_path)
    monkeypatch.setattr(gpu, "_ROUNDS", 1)
    numbers = [*gpu._tower(encoder, CPU, 2, ()), *gpu._files(encoder, 4), *gpu._texts(encoder, CPU.device, 8)]
    assert len(numbers) == 3
    assert all(number.value > 0 for number in numbers)
    assert numbers[1].figures["bounded_by"]


def test_work_is_that_of_the_published_model(encoder: UniirEncoder) -> None:
    """ViT-L/14 at 224 pixels is known to take 81 thousand million multiplications with additions; the last block's are mostly left out."""
    block = 2 * 257 * 1024 * 12 * 1024 + 4 * 257**2 * 1024
    whole = gpu._work(encoder._model.vision) + 23 * block  # type: ignore[attr-defined]
    assert whole / 2 == pytest.approx(81e9 - block * 3 / 4 / 2, rel=0.02)
