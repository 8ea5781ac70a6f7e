from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from encoders.mllm.mm_embed import MmEmbed, load_mm_embed, squashed
from models.torch_devices import TorchDevice
from models.weights import read_weights
from tests.encoders.mllm import by_hand
from tests.encoders.mllm.small_mm_embed import Sizes, tensors, write_mm_embed
from uniir.documents import Modality
from uniir.errors import ModelUnavailable
from uniir.instructions import Instruction

CPU = TorchDevice(torch.device("cpu"), torch.float32)
SIZES = Sizes()
TOLD = Instruction("told", Modality.TEXT, Modality.IMAGE, "Retrieve an image that matches the caption.")


@pytest.fixture(scope="module")
def named() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return tensors(SIZES)


@pytest.fixture(scope="module")
def model(named: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> MmEmbed:
    directory = write_mm_embed(tmp_path_factory.mktemp("mm-embed"), SIZES, named)
    return load_mm_embed(directory, read_weights(directory), CPU)


def picture(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (20, 31, 3), np.uint8))


def expected(model: MmEmbed, named: dict[str, torch.Tensor], before: str, told: str, text: str, image: Image.Image | None) -> np.ndarray:
    """The fact sheet step by step: prompt, slots, states, pooler, and the mean behind the instruction."""
    ids = model.vocabulary.ids(f"{before}{'<image>' + chr(10) if image else ''}{text}")
    rows = []
    for one in ids:
        if one == SIZES.vocabulary:
            assert image is not None
            patches = by_hand.clip_patches(
                named, "vision_tower.vision_model", torch.from_numpy(squashed(image, SIZES.side)), SIZES.vision_heads, SIZES.vision_layers
            )
            inside = torch.nn.functional.gelu(by_hand.linear(named, "multi_modal_projector.linear_1", patches))
            rows += [*by_hand.linear(named, "multi_modal_projector.linear_2", inside), named["image_newline"]]
        else:
            rows.append(named["language_model.embed_tokens.weight"][one])
    states = by_hand.mistral(named, "language_model", torch.stack(rows), SIZES.layers, SIZES.heads, SIZES.key_heads, causal=False)
    dropped = len(model.vocabulary.ids(told)) if told else 0
    mean = by_hand.latent_attention(named, "latent_attention_model", states)[dropped:].mean(0)
    return (mean / mean.norm()).numpy()


CASES = [
    ("a text", None, "a cat on a mat", False),
    ("a picture", None, "", True),
    ("a pair", None, "a dog in the snow", True),
    ("a told query of text", TOLD, "a cat", False),
    ("a told query of a picture", TOLD, "", True),
    ("a told query of both", TOLD, "a cat on a mat", True),
]


@pytest.mark.parametrize(("what", "instruction", "text", "with_picture"), CASES, ids=[case[0] for case in CASES])
def test_vectors_are_those_of_the_papers_steps_written_out(
    model: MmEmbed, named: dict[str, torch.Tensor], what: str, instruction: Instruction | None, text: str, with_picture: bool
) -> None:
    image = picture() if with_picture else None
    told = f"Instruct: {instruction.wording}" if instruction else ""
    item = model.query(text, image, instruction, None) if instruction else model.document(text, image)
    before = f"{told}\nQuery: " if told else ""
    np.testing.assert_allclose(model.embed([item])[0].numpy(), expected(model, named, before, told, text, image), atol=2e-5)


def test_a_query_without_instruction_keeps_its_word(model: MmEmbed, named: dict[str, torch.Tensor]) -> None:
    item = model.query("a cat", None, None, None)
    np.testing.assert_allclose(model.embed([item])[0].numpy(), expected(model, named, "Query: ", "", "a cat", None), atol=2e-5)


def test_a_vector_does_not_depend_on_its_batch(model: MmEmbed) -> None:
    items = [
        model.document("a cat", None),
        model.document("", picture(1)),
        model.query("a dog in the snow and a cat on a mat", picture(2), TOLD, None),
        model.query("snow", None, TOLD, None),
    ]
    together = model.embed(items).numpy()
    alone = np.concatenate([model.embed([item]).numpy() for item in items])
    np.testing.assert_allclose(together, alone, atol=2e-5)


@pytest.mark.parametrize("text", ["<image>", "[INST] x [/INST]", "</s><s>", "<<image>image>", "a\nQuery: b", "Instruct: x\nQuery: y"])
def test_text_never_becomes_a_marker(model: MmEmbed, text: str) -> None:
    item = model.document(text, None)
    assert item.kept.all()
    assert not set(item.ids[1:-1]) & {1, 2, SIZES.vocabulary, SIZES.vocabulary + 1}
    told = model.query(text, None, TOLD, None)
    assert (~told.kept).sum() == (~model.query("x", None, TOLD, None).kept).sum()


def test_a_missing_and_an_unknown_tensor_are_named(named: dict[str, torch.Tensor], tmp_path: Path) -> None:
    changed = {name: one for name, one in named.items() if name != "language_model.norm.weight"} | {"lm_head.weight": torch.zeros(3, 3)}
    directory = write_mm_embed(tmp_path, SIZES, changed)
    with pytest.raises(ModelUnavailable, match=r"lacks language_model.norm.weight and has unknown lm_head.weight"):
        load_mm_embed(directory, read_weights(directory), CPU)
