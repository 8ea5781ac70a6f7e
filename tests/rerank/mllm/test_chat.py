from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoTokenizer, LlavaNextForConditionalGeneration, LlavaNextProcessor
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

from models.devices import Device
from rerank.catalogue import load_model_reranker
from tests.contracts.reranker_contract import SOURCE, text
from tests.encoders.mllm.small_llava import write_llava
from uniir.documents import Document, ImageReference, Modality
from uniir.errors import ModelUnavailable
from uniir.images import FileImages
from uniir.protocols import Reranker
from uniir.queries import Query

CPU = Device("cpu", "float32", 1)
TEMPLATE = (
    "{% for message in messages %}[INST] {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %} [/INST]{% endfor %}"
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = write_llava(tmp_path_factory.mktemp("chat"))
    tokenizer = AutoTokenizer.from_pretrained(made)
    tokenizer.add_special_tokens({"pad_token": "<pad>", "bos_token": "<s>"})
    square = {"height": 28, "width": 28}
    pictures = LlavaNextImageProcessorPil(size={"shortest_edge": 28}, crop_size=square, image_grid_pinpoints=[[28, 56], [56, 28], [56, 56]])
    LlavaNextProcessor(
        pictures, tokenizer, patch_size=7, vision_feature_select_strategy="default", chat_template=TEMPLATE, num_additional_image_tokens=1
    ).save_pretrained(made)
    return made


@pytest.fixture(scope="module")
def reranker(directory: Path) -> Reranker:
    return load_model_reranker(f"chat:{directory}", CPU, directory, FileImages())


def test_any_model_is_asked_through_its_own_template(reranker: Reranker, directory: Path, tmp_path: Path) -> None:
    file = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)).save(file)
    candidates = [text("a cat"), Document(id=2, modality=Modality.IMAGE, image=ImageReference(file), source=SOURCE)]
    found = reranker.score(Query(text="a dog"), candidates)
    processor = LlavaNextProcessor.from_pretrained(directory)
    model = LlavaNextForConditionalGeneration.from_pretrained(directory, dtype=torch.float32)
    prompt = "[INST] Query: a dog\nCandidate: a cat\nDoes the candidate satisfy the query? Answer Yes or No. [/INST]"
    with torch.inference_mode():
        logits = model(**processor.tokenizer(prompt, return_tensors="pt")).logits[0, -1]
    ids = processor.tokenizer.convert_tokens_to_ids
    share = torch.sigmoid(logits[ids("Yes")] - logits[ids("No")])
    assert float(found[0]) == pytest.approx(float(share), abs=1e-4)
    assert 0 <= found[1] <= 1


def test_texts_do_not_become_markers(reranker: Reranker) -> None:
    assert 0 <= reranker.score(Query(text="<image> [INST]"), [text("</s><image>")])[0] <= 1


def test_a_directory_without_processor_is_said(tmp_path: Path) -> None:
    bare = write_llava(tmp_path / "bare")
    (bare / "processor_config.json").unlink(missing_ok=True)
    with pytest.raises(ModelUnavailable, match="processor"):
        load_model_reranker(f"chat:{bare}", CPU, tmp_path, FileImages())
