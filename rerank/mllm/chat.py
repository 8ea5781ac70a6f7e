"""Any multimodal language model of the transformers library, asked through its own chat template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.answering import WORD_INITIAL, Answers, answers_of, shares
from models.loading import load_pretrained
from models.torch_devices import TorchDevice
from models.vocabulary import Vocabulary, read_vocabulary
from rerank.mllm.judges import asked
from uniir.documents import Document, ImageReference
from uniir.errors import InputFailure, ModelUnavailable
from uniir.hits import BandCuts
from uniir.protocols import ImageLoader
from uniir.queries import Query

_QUESTION = "\nDoes the candidate satisfy the query? Answer Yes or No."
_TEXT = 2048  # tokens of a candidate's text


@dataclass(frozen=True, slots=True)
class ChatReranker:
    """Implements `uniir.protocols.Reranker`, one pair at a time, since every processor pads in its own way."""

    name: str
    model: Any
    processor: Any
    vocabulary: Vocabulary
    answers: Answers
    images: ImageLoader
    reading: str = "texts and pictures"
    cuts: BandCuts | None = None
    _computing: Lock = field(default_factory=Lock)

    def reads(self, query: Query, candidate: Document) -> bool:
        there = candidate.image is not None and candidate.image.path.is_file()
        return query.modality is not None and (there or not candidate.modality.has_image)

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        """Raises ModelUnavailable also where a picture can't be read any more."""
        try:
            return np.array([self._probability(query, one) for one in candidates], np.float32)
        except InputFailure as failure:
            raise ModelUnavailable(f"A picture can't be shown to {self.name}: {failure.reason}.") from None

    def _probability(self, query: Query, candidate: Document) -> float:
        told = asked(self.vocabulary, query, candidate, _TEXT)
        content = [*self._part("Query: ", told.query_text, query.image)]
        content += self._part("\nCandidate: ", told.cand_text, candidate.image if told.cand_image else None)
        content.append({"type": "text", "text": _QUESTION})
        with self._computing, torch.inference_mode():
            ready = self.processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
            ).to(self.model.device)
            states = self.model.model(**ready, use_cache=False).last_hidden_state[:, -1].float()
            return float(shares(states, self.model.lm_head.weight, self.answers)[0])

    def _part(self, before: str, text: str, image: ImageReference | None) -> list[dict[str, Any]]:
        shown = [] if image is None else [{"type": "image", "image": self.images.upright(image)}]
        return [{"type": "text", "text": before}, *shown, {"type": "text", "text": text}]


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
    vocabulary = read_vocabulary(directory)
    return ChatReranker(name, model, processor, vocabulary, answers_of(vocabulary, "Yes", "No", WORD_INITIAL), images)
