"""Any multimodal language model of the transformers library, asked through its own chat template."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from models.answering import WORD_INITIAL, Answers, answers_of, shares
from models.batching import Batches
from models.llava_next import LlavaNext
from models.loading import load_pretrained
from models.qwen_vl import QwenVl
from models.torch_devices import TorchDevice
from models.vocabulary import Vocabulary, read_vocabulary
from models.weights import digest_of
from rerank.mllm.judges import Judge, asked
from rerank.mllm.prompts import ANY, Asked, Filled, parts_of
from rerank.pictures import picture_is_there
from rerank.scores import Scores
from uniir.documents import Document
from uniir.errors import ModelUnavailable
from uniir.hits import BandCuts
from uniir.protocols import ImageLoader
from uniir.queries import Query

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor
    Turn: TypeAlias = list[dict[str, Any]]

_VERSION = "chat 2"
_AT_ONCE = 8  # prompts that a processor pads to one batch


def chat(trunk: LlavaNext | QwenVl, directory: Path) -> Judge:
    """A family that can go on from what was read already. Raises ModelUnavailable for a checkpoint without a template."""
    vocabulary = trunk.vocabulary
    answers = answers_of(vocabulary, "Yes", "No", WORD_INITIAL)
    tokenizer, template = _template_in(directory)

    def prompt(query: Query, candidate: Document) -> Filled:
        told = asked(vocabulary, query, candidate)
        rendered = tokenizer.apply_chat_template(_turn(told, {}), chat_template=template, tokenize=False, add_generation_prompt=True)
        return Filled(rendered, tuple(name for name in ("query_image", "cand_image") if getattr(told, name)))

    def ids(rendered: str) -> Sequence[int]:
        """With the tokenizer's start, unless the template wrote one."""
        bare, whole = vocabulary.bare_ids(rendered), vocabulary.open_ended_ids(rendered)
        start = whole[: len(whole) - len(bare)]
        return bare if bare[: len(start)] == start else whole

    return Judge(_VERSION, "upright", trunk, answers, prompt, ids)


def _template_in(directory: Path) -> tuple[Any, str]:
    """The tokenizer as the library makes it, and the template, which older checkpoints keep in a file of its own."""
    from transformers import AutoTokenizer

    own = directory / "chat_template.json"
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
        template = json.loads(own.read_text("utf-8"))["chat_template"] if own.is_file() else tokenizer.chat_template
    # The library raises whatever a missing, damaged or foreign file provokes; at this edge all of it means one thing.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(f"The tokenizer in {directory} can't be read ({reason}).", "Fetch its whole repository again.") from None
    if not isinstance(template, str):
        raise ModelUnavailable(f"{directory} has no chat template.", "Fetch its whole repository, or take one that was made for chats.")
    return tokenizer, template


def _turn(told: Asked, pictures: Mapping[str, Any]) -> Turn:
    """What a person says, in the library's words."""
    content = []
    for name, words in parts_of(ANY, told):
        content.append({"type": "text", "text": words} if name is None else {"type": "image", "image": pictures.get(name)})
    return [{"role": "user", "content": content}]


@dataclass(frozen=True, slots=True)
class ChatReranker:
    """Implements `uniir.protocols.Reranker` for families that only their own processor knows how to ask. `weights` is the digest."""

    name: str
    model: Any
    processor: Any
    vocabulary: Vocabulary
    answers: Answers
    weights: str
    images: ImageLoader
    reading: str = "texts and pictures"
    cuts: BandCuts | None = None
    batches: Batches = field(default_factory=lambda: Batches(_AT_ONCE))
    scores: Scores = field(default_factory=Scores)
    _computing: Lock = field(default_factory=Lock)

    @property
    def version(self) -> str:
        """Implements `uniir.protocols.Versioned`."""
        return f"{self.weights[:16]} {_VERSION}"

    def reads(self, query: Query, candidate: Document) -> bool:
        return query.modality is not None and picture_is_there(candidate)

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        """Raises ModelUnavailable also where a picture can't be read any more."""
        return self.scores.of(self.name, self.version, query, candidates, lambda unknown: self._probabilities(query, unknown))

    def _probabilities(self, query: Query, candidates: Sequence[Document]) -> Sequence[float]:
        """Those with a picture apart from those without, since not every processor takes both in one batch."""
        values = dict[int, float]()
        for with_picture in (False, True):
            places = [place for place, one in enumerate(candidates) if one.modality.has_image is with_picture]
            if places:
                turns = [self._asked(query, candidates[place]) for place in places]
                with self._computing, torch.inference_mode():
                    found = self.batches.run(turns, lambda _: 1, self._computed)
                values |= dict(zip(places, found.tolist(), strict=True))
        return [values[place] for place in range(len(candidates))]

    def _asked(self, query: Query, candidate: Document) -> Turn:
        shown = {"query_image": query.image, "cand_image": candidate.image if candidate.modality.has_image else None}
        pictures = {name: self.images.upright(image) for name, image in shown.items() if image is not None}
        return _turn(asked(self.vocabulary, query, candidate), pictures)

    def _computed(self, turns: Sequence[Turn]) -> Tensor:
        ready = self.processor.apply_chat_template(
            list(turns),
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True, "padding_side": "right"},
        ).to(self.model.device, self.model.dtype)
        states = self.model.model(**ready, use_cache=False).last_hidden_state
        last = ready["attention_mask"].sum(1) - 1
        rows = states[torch.arange(len(turns), device=states.device), last.to(states.device)].float()
        return shares(rows, self.model.lm_head.weight, self.answers).cpu()


def load_chat_reranker(name: str, directory: Path, on: TorchDevice, images: ImageLoader) -> ChatReranker:
    """Raises ModelUnavailable, also for a model whose processor needs torchvision."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model: Any = load_pretrained(AutoModelForImageTextToText, directory, on, ())
    try:
        processor = AutoProcessor.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    # Each processor fails in its own way without torchvision or with a file missing.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(
            f"The processor in {directory} can't be made ({reason}).", "Many need torchvision: install the one that fits your torch."
        ) from None
    if processor.tokenizer.pad_token is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    vocabulary = read_vocabulary(directory)
    answers = answers_of(vocabulary, "Yes", "No", WORD_INITIAL)
    return ChatReranker(name, model, processor, vocabulary, answers, digest_of(directory), images)
