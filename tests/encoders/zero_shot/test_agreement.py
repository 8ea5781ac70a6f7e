"""What these encoders compute is what a plain forward pass of transformers computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    AutoTokenizer,
    Blip2ForImageTextRetrieval,
    BlipForImageTextRetrieval,
    BlipImageProcessorPil,
    CLIPImageProcessorPil,
    CLIPModel,
    Siglip2ImageProcessorPil,
    Siglip2Model,
    SiglipImageProcessorPil,
    SiglipModel,
)

from encoders.zero_shot.encoder import ZeroShotEncoder
from models.devices import Device
from tests.contracts.encoder_contract import encoded, image, text
from tests.encoders.zero_shot.saved import CONTEXT

TEXTS = ("a dog runs", "the CAT in the snow", "a train", "word " * 40)
PROCESSORS = {
    "clip": CLIPImageProcessorPil,
    "siglip": SiglipImageProcessorPil,
    "siglip2": Siglip2ImageProcessorPil,
    "blip": BlipImageProcessorPil,
    "blip2": BlipImageProcessorPil,
}


def plain(name: str, directory: Path, pictures: list[Image.Image]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Vectors of texts and pictures as somebody would compute them who has only the library's own documentation."""
    tokenizer = AutoTokenizer.from_pretrained(directory)
    padding = "max_length" if name.startswith("siglip") else True
    texts = [one.lower() for one in TEXTS]
    read = tokenizer(texts, padding=padding, truncation=True, max_length=CONTEXT, return_tensors="pt")
    seen = PROCESSORS[name].from_pretrained(directory)(images=pictures, return_tensors="pt")
    with torch.no_grad():
        of_texts, of_pictures = FORWARD[name](directory, read, seen)
    return torch.nn.functional.normalize(of_texts).numpy(), torch.nn.functional.normalize(of_pictures).numpy()


def _dual(kind: Any) -> Callable[..., Any]:
    def forward(directory: Path, read: Any, seen: Any) -> Any:
        model = kind.from_pretrained(directory).eval()
        mask = {"attention_mask": read["attention_mask"]} if kind is CLIPModel else {}
        found = model(input_ids=read["input_ids"], **mask, **seen)
        return found.text_embeds, found.image_embeds

    return forward


def _blip(directory: Path, read: Any, seen: Any) -> Any:
    model = BlipForImageTextRetrieval.from_pretrained(directory).eval()
    texts = model.text_encoder(input_ids=read["input_ids"], attention_mask=read["attention_mask"]).last_hidden_state
    pictures = model.vision_model(seen["pixel_values"]).last_hidden_state
    # What the model itself says of every text and picture must follow from these.
    told = model(read["input_ids"], seen["pixel_values"], use_itm_head=False, attention_mask=read["attention_mask"]).itm_score
    of_texts, of_pictures = model.text_proj(texts[:, 0]), model.vision_proj(pictures[:, 0])
    unit = torch.nn.functional.normalize
    torch.testing.assert_close(unit(of_pictures) @ unit(of_texts).T, told)
    return of_texts, of_pictures


def _blip2(directory: Path, read: Any, seen: Any) -> Any:
    model = Blip2ForImageTextRetrieval.from_pretrained(directory).eval()
    found = model(pixel_values=seen["pixel_values"], input_ids=read["input_ids"], attention_mask=read["attention_mask"])
    return found.text_embeds, found.image_embeds.mean(dim=1)


FORWARD: dict[str, Callable[..., Any]] = {
    "clip": _dual(CLIPModel),
    "siglip": _dual(SiglipModel),
    "siglip2": _dual(Siglip2Model),
    "blip": _blip,
    "blip2": _blip2,
}


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    places = []
    for number, size in enumerate(((90, 60), (40, 40), (33, 70))):
        noise = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        places.append(tmp_path / f"{number}.png")
        Image.fromarray(noise).save(places[-1])
    return places


@pytest.mark.parametrize("name", FORWARD)
def test_vectors_are_those_of_a_plain_forward_pass(saved: Callable[[str], Path], name: str, pictures: list[Path]) -> None:
    directory = saved(name)
    encoder = ZeroShotEncoder.load(directory, name, Device(threads=1))
    opened = [Image.open(place).convert("RGB") for place in pictures]
    of_texts, of_pictures = plain(name, directory, opened)
    np.testing.assert_allclose(encoded(encoder, *map(text, TEXTS)), of_texts, atol=1e-5)
    np.testing.assert_allclose(encoded(encoder, *map(image, pictures)), of_pictures, atol=1e-5)


@pytest.mark.parametrize("name", FORWARD)
def test_half_precision_is_near_to_single(saved: Callable[[str], Path], name: str, pictures: list[Path]) -> None:
    items = [*map(text, TEXTS), *map(image, pictures)]
    single, half = (
        encoded(ZeroShotEncoder.load(saved(name), name, Device(dtype=dtype, threads=1)), *items) for dtype in ("float32", "bfloat16")
    )
    assert (single * half).sum(axis=1).min() > 0.99
