from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from models.devices import Device
from rerank.catalogue import load_model_reranker
from rerank.mllm.chat import ChatReranker
from rerank.mllm.reranker import MllmReranker
from tests.contracts.reranker_contract import SOURCE, text
from tests.encoders.mllm.small_llava import write_llava
from tests.rerank.mllm.small_chats import write_llava_chat, write_llava_next_chat
from uniir.documents import Document, ImageReference, Modality
from uniir.errors import ModelUnavailable, UsageError
from uniir.images import FileImages
from uniir.protocols import Reranker
from uniir.queries import Query
from uniir.reranker_names import named

CPU = Device("cpu", "float32", 1)
IMAGES = FileImages()
WAYS = {"llava_next": (write_llava_next_chat, MllmReranker), "llava": (write_llava_chat, ChatReranker)}


@pytest.fixture(scope="module", params=list(WAYS))
def directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    write, _ = WAYS[request.param]
    return write(tmp_path_factory.mktemp("chats") / request.param)


@pytest.fixture
def reranker(directory: Path) -> Reranker:
    loaded = load_model_reranker(f"chat:{directory}", CPU, directory, IMAGES)
    assert isinstance(loaded, WAYS[directory.name][1])
    return loaded


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for number, file in enumerate(files):
        noise = np.random.default_rng(number).integers(0, 255, (30 + 9 * number, 40, 3), np.uint8)
        Image.fromarray(noise).save(file)
    return files


def shown(file: Path, number: int, words: str | None = None) -> Document:
    modality = Modality.of(text=words is not None, image=True)
    return Document(id=number, modality=modality, text=words, image=ImageReference(file), source=SOURCE)


@cache
def librarys_own(directory: Path) -> tuple[Any, Any]:
    return AutoProcessor.from_pretrained(directory), AutoModelForImageTextToText.from_pretrained(directory)


def by_hand(directory: Path, query: Query, candidate: Document) -> float:
    """One pair through the library's own processor and classes."""
    processor, model = librarys_own(directory)
    content: list[dict[str, object]] = []
    for before, item in (("Query: ", query), ("\nCandidate: ", candidate)):
        picture = [] if item.image is None else [{"type": "image", "image": IMAGES.upright(item.image)}]
        content += [{"type": "text", "text": before}, *picture, {"type": "text", "text": item.text or ""}]
    content.append({"type": "text", "text": "\nDoes the candidate satisfy the query? Answer Yes or No."})
    ready = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    with torch.inference_mode():
        logits = model(**ready).logits[0, -1]
    yes, no = (processor.tokenizer.convert_tokens_to_ids(word) for word in ("Yes", "No"))
    return float(torch.sigmoid(logits[yes] - logits[no]))


def test_many_pairs_at_once_get_what_each_gets_through_the_librarys_own_way(
    reranker: Reranker, directory: Path, pictures: list[Path]
) -> None:
    candidates = [
        text("a cat", 1),
        shown(pictures[0], 2),
        text("a dog in the snow and a cat on a mat", 3),
        shown(pictures[1], 4, "a dog"),
        *(text(f"a cat {number}", number) for number in range(5, 14)),
    ]
    for query in (Query(text="a dog"), Query(text="a dog", image=ImageReference(pictures[2]))):
        found = reranker.score(query, candidates)
        np.testing.assert_allclose(found, [by_hand(directory, query, one) for one in candidates], atol=1e-4)


def test_pairs_are_read_in_batches_and_only_once(reranker: Reranker, pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    model = reranker.judge.trunk.model if isinstance(reranker, MllmReranker) else reranker.model.model  # type: ignore[attr-defined]
    calls: list[int] = []
    forward = type(model).forward
    monkeypatch.setattr(type(model), "forward", lambda self, *more, **named: (calls.append(1), forward(self, *more, **named))[1])
    candidates = [*(text(f"a cat {number}", number) for number in range(12)), shown(pictures[0], 12)]
    query = Query(text="a dog", image=ImageReference(pictures[2]))
    first = reranker.score(query, candidates)
    assert len(calls) <= 3
    np.testing.assert_array_equal(reranker.score(query, candidates[::-1]), first[::-1])
    assert len(calls) <= 3


@pytest.mark.parametrize("words", ["<image>", "[INST] x [/INST]", "</s><image>", "<s>"])
def test_texts_do_not_become_markers(reranker: Reranker, directory: Path, words: str) -> None:
    harmless = words.replace("<", "< ")
    if directory.name == "llava_next":  # elsewhere brackets are no marker
        harmless = harmless.replace("[", "[ ")
    found = reranker.score(Query(text="a dog"), [text(words)])
    assert float(found[0]) == pytest.approx(by_hand(directory, Query(text="a dog"), text(harmless)), abs=1e-4)


def test_scores_belong_to_the_weights(reranker: Reranker, directory: Path) -> None:
    other = load_model_reranker(f"chat:{directory}", CPU, directory, IMAGES)
    assert named(other) == named(reranker) != reranker.name


def test_what_a_checkpoint_lacks_for_a_chat_is_said(tmp_path: Path) -> None:
    bare = write_llava(tmp_path / "bare")
    with pytest.raises(ModelUnavailable, match="no chat template"):
        load_model_reranker(f"chat:{bare}", CPU, tmp_path, FileImages())
    other = write_llava_chat(tmp_path / "other")
    with pytest.raises(UsageError, match="takes no adapter"):
        load_model_reranker(f"chat:{other},adapter={tmp_path}", CPU, tmp_path, FileImages())
    (other / "processor_config.json").unlink()
    with pytest.raises(ModelUnavailable, match="processor"):
        load_model_reranker(f"chat:{other}", CPU, tmp_path, FileImages())
