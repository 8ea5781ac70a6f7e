from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import LlavaNextForConditionalGeneration

from encoders.mllm.llava import Llava, load_e5_v, load_llava_e, load_llava_p, load_llava_p_untrained, one_word_prompts
from models.torch_devices import TorchDevice
from tests.encoders.mllm import by_hand
from tests.encoders.mllm.small_llava import ORDINARY, write_llava
from uniir.documents import Modality
from uniir.instructions import Instruction

CPU = TorchDevice(torch.device("cpu"), torch.float32)
COCO = Instruction("coco", Modality.TEXT, Modality.IMAGE, "Find me an everyday image that matches the given caption.", "MSCOCO")
OWN = Instruction("own", Modality.TEXT, Modality.IMAGE, "Find a picture.")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_llava(tmp_path_factory.mktemp("llava"))


def picture(size: tuple[int, int] = (40, 23)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8))


def said(
    model: Llava, text: str | None, image: Image.Image | None, instruction: Instruction | None = None, target: Modality | None = None
) -> str:
    """The prompt as tokens say it, the picture's slots drawn together."""
    item = model.query(text, image, instruction, target) if instruction or target else model.document(text, image)
    slots = item.ids == ORDINARY
    return str(model.model.vocabulary.tokenizer.decode(item.ids[~slots | ~np.roll(slots, 1)].tolist(), skip_special_tokens=False))


def test_llava_e_ends_in_the_end_token(directory: Path) -> None:
    model = load_llava_e(directory, CPU, None)
    assert said(model, "a cat", None, OWN) == "<s>Find a picture.\nQuery: a cat</s>"
    assert said(model, None, picture(), OWN) == "<s>Find a picture.\nQuery: <image></s>"
    assert said(model, "a cat", picture()) == "<s><image>\na cat</s>"


def test_llava_p_asks_for_one_word_and_names_what_is_wanted(directory: Path) -> None:
    model = load_llava_p(directory, CPU, None)
    assert said(model, "a {text} cat", None, COCO) == "<s>[image] a {text} cat\nDescribe the everyday caption in one word:"
    assert said(model, "a cat", picture(), None, Modality.TEXT) == "<s>[text] <image>\na cat\nDescribe the above in one word:"
    assert said(model, None, picture()) == "<s><image>\nDescribe the above in one word:"


def test_prompts_for_one_word_are_there_for_each_kind_of_question() -> None:
    assert len(one_word_prompts()) == 31
    assert (
        one_word_prompts()["CIRR", Modality.IMAGE_TEXT, Modality.IMAGE]
        == "<image>\nModify this image with {text}\nDesribe modified image in one word:"
    )


def test_models_asked_about_one_part_take_no_pairs(directory: Path) -> None:
    for load in (load_llava_p_untrained, load_e5_v):
        assert load(directory, CPU, None).accepts == {Modality.TEXT, Modality.IMAGE}
    asked = said(load_e5_v(directory, CPU, None), "a cat", None)
    assert asked.removeprefix("<s>") == (
        "<|start_header_id|>user<|end_header_id|>\n\na cat\nSummary above sentence in one word: "
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n"
    )


@pytest.mark.parametrize("size", [(40, 23), (23, 40), (28, 28), (90, 30), (30, 90), (57, 56), (300, 11)])
def test_a_picture_gets_as_many_slots_as_it_has_vectors(directory: Path, size: tuple[int, int]) -> None:
    model = load_e5_v(directory, CPU, None)
    shown = model.model.shown(picture(size))
    features = model.model.model.get_image_features(torch.from_numpy(shown.values)[None], torch.tensor([shown.grid])).pooler_output
    assert shown.slots == features[0].shape[0]


@pytest.mark.parametrize("load", [load_llava_e, load_llava_p])
def test_models_trained_on_whole_pictures_see_one_tile_whatever_is_beside_it(directory: Path, load: Callable[..., Llava]) -> None:
    model = load(directory, CPU, None)
    items = [
        model.document("a cat", None),
        model.document(None, picture((90, 30))),
        model.query("a dog in the snow", picture(), OWN, None),
        model.query("snow", None, OWN, None),
    ]
    named = model.model.model.state_dict()
    for vector, item in zip(model.embed(items).numpy(), items, strict=True):
        rows = named["language_model.embed_tokens.weight"][torch.from_numpy(item.ids).clamp(max=ORDINARY)].clone()
        for seen in item.pictures:
            assert seen.values.shape[0] == 1
            patches = by_hand.clip_patches(named, "vision_tower", torch.from_numpy(seen.values[0]), 2, 3)
            inside = torch.nn.functional.gelu(by_hand.linear(named, "multi_modal_projector.linear_1", patches))
            vectors = by_hand.linear(named, "multi_modal_projector.linear_2", inside)
            rows[torch.from_numpy(item.ids == ORDINARY)] = torch.cat([vectors, named["image_newline"][None]])
        last = by_hand.mistral(named, "language_model", rows, 2, 4, 2, causal=True)[-1]
        np.testing.assert_allclose(vector, (last / last.norm()).numpy(), atol=2e-5)


def test_vectors_are_the_last_states_whatever_is_beside_them(directory: Path) -> None:
    model = load_e5_v(directory, CPU, None)
    items = [
        model.document("a cat", None),
        model.document(None, picture((90, 30))),
        model.query(None, picture(), OWN, None),
        model.query("snow", None, OWN, None),
    ]
    together = model.embed(items).numpy()
    whole = LlavaNextForConditionalGeneration.from_pretrained(directory, dtype=torch.float32)
    for vector, item in zip(together, items, strict=True):
        shown = {}
        for seen in item.pictures:
            shown = {"pixel_values": torch.from_numpy(seen.values)[None], "image_sizes": torch.tensor([seen.grid])}
        with torch.inference_mode():
            out = whole(input_ids=torch.from_numpy(item.ids)[None], output_hidden_states=True, **shown)
        last = out.hidden_states[-1][0, -1]
        np.testing.assert_allclose(vector, (last / last.norm()).numpy(), atol=2e-5)


@pytest.mark.parametrize("text", ["<image>", "[INST]", "</s>", "[image] x"])
def test_text_never_becomes_a_marker(directory: Path, text: str) -> None:
    item = load_llava_p(directory, CPU, None).document(text, None)
    assert not set(item.ids[1:-1].tolist()) & {1, 2, ORDINARY, ORDINARY + 1}
    assert not said(load_llava_p(directory, CPU, None), text, None).startswith("<s>[image] ")
