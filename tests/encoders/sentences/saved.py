"""Small models of random weights as sentence-transformers itself saves them."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import BertConfig, BertModel

from tests.encoders.zero_shot import saved as zero_shot

WIDTH = 32


def texts(directory: Path) -> None:
    """Reads texts alone, and has no prompts."""
    _text_model(directory).save(str(directory))


def prompted(directory: Path) -> None:
    """With prompts for queries and documents, as E5 has them."""
    model = _text_model(directory)
    model.prompts = {"query": "one: ", "document": "two: "}
    model.save(str(directory))


def instructed(directory: Path) -> None:
    """With a prompt that holds an instruction, as Qwen3-Embedding has it, and a projection."""
    model = _text_model(directory)
    model.append(Dense(WIDTH, 24))
    model.prompts = {"query": "Instruct: find the word\nQuery: "}
    model.save(str(directory))


def pictures(directory: Path) -> None:
    """A CLIP: texts and pictures, each by its own tower."""
    transformers.utils.logging.set_verbosity_error()
    zero_shot.clip(directory.parent / "clip-tower")
    SentenceTransformer(modules=[Transformer(str(directory.parent / "clip-tower"))]).save(str(directory))


def _text_model(directory: Path) -> SentenceTransformer:
    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    tokenizer = zero_shot._bert_tokenizer()
    model = BertModel(BertConfig(**zero_shot.TOWER, vocab_size=len(tokenizer), max_position_embeddings=64))
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    tower = directory.parent / "text-tower"
    model.save_pretrained(tower)
    tokenizer.save_pretrained(tower)
    return SentenceTransformer(modules=[Transformer(str(tower)), Pooling(WIDTH)])
