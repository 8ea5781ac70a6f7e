"""Small models with random weights, as transformers itself saves them, tokenizer and picture processor beside them."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertTokenizer,
    Blip2Config,
    Blip2ForImageTextRetrieval,
    BlipConfig,
    BlipForImageTextRetrieval,
    BlipImageProcessorPil,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionModelWithProjection,
    PreTrainedTokenizerFast,
    Siglip2Config,
    Siglip2ImageProcessorPil,
    Siglip2Model,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

SIDE, PATCH, WIDTH = 32, 8, 32
TOWER = {"hidden_size": WIDTH, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2}
VISION = TOWER | {"image_size": SIDE, "patch_size": PATCH}
CONTEXT = 20
WORDS = ("a", "an", "dog", "train", "runs", "cat", "the", "in", "snow", "word", "one", "two")


def clip(directory: Path) -> None:
    _saved_clip(CLIPModel(_clip_configuration()), directory)


def clip_text(directory: Path) -> None:
    configuration = _clip_configuration().text_config
    _saved(CLIPTextModelWithProjection(configuration), directory)
    _clip_tokenizer().save_pretrained(directory)


def clip_vision(directory: Path) -> None:
    _saved(CLIPVisionModelWithProjection(_clip_configuration().vision_config), directory)
    _clip_processor().save_pretrained(directory)


def siglip(directory: Path) -> None:
    text = TOWER | {"vocab_size": 300, "max_position_embeddings": CONTEXT, "projection_size": WIDTH}
    _saved(SiglipModel(SiglipConfig(text_config=text, vision_config=VISION)), directory)
    _letters_tokenizer().save_pretrained(directory)
    SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(directory)


def siglip2(directory: Path) -> None:
    text = TOWER | {"vocab_size": 300, "max_position_embeddings": CONTEXT, "projection_size": WIDTH}
    vision = TOWER | {"patch_size": PATCH, "num_patches": 16}
    _saved(Siglip2Model(Siglip2Config(text_config=text, vision_config=vision)), directory)
    _letters_tokenizer().save_pretrained(directory)
    Siglip2ImageProcessorPil(patch_size=PATCH, max_num_patches=16).save_pretrained(directory)


def blip(directory: Path) -> None:
    text = TOWER | {"vocab_size": 60, "max_position_embeddings": CONTEXT, "encoder_hidden_size": WIDTH}
    configuration = BlipConfig(text_config=text, vision_config=VISION, image_text_hidden_size=24)
    _saved(BlipForImageTextRetrieval(configuration), directory)
    _bert_tokenizer().save_pretrained(directory)
    BlipImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(directory)


def blip2(directory: Path) -> None:
    qformer = TOWER | {"vocab_size": 60, "max_position_embeddings": CONTEXT, "encoder_hidden_size": WIDTH, "use_qformer_text_input": True}
    language = {"model_type": "opt", "vocab_size": 60, "hidden_size": 16, "ffn_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    configuration = Blip2Config(
        vision_config=VISION, qformer_config=qformer, text_config=language, num_query_tokens=4, image_text_hidden_size=24
    )
    model = Blip2ForImageTextRetrieval(configuration)
    torch.nn.init.normal_(model.query_tokens)  # zeros would see nothing
    _saved(model, directory)
    _bert_tokenizer().save_pretrained(directory)
    BlipImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(directory)


ALL: dict[str, Callable[[Path], None]] = {"clip": clip, "siglip": siglip, "siglip2": siglip2, "blip": blip, "blip2": blip2}


def _clip_configuration() -> CLIPConfig:
    vocabulary = len(_clip_vocabulary())
    text = TOWER | {"vocab_size": vocabulary, "max_position_embeddings": CONTEXT, "eos_token_id": vocabulary - 1, "projection_dim": 24}
    return CLIPConfig(text_config=text, vision_config=VISION | {"projection_dim": 24}, projection_dim=24)


def _saved_clip(model: Any, directory: Path) -> None:
    _saved(model, directory)
    _clip_tokenizer().save_pretrained(directory)
    _clip_processor().save_pretrained(directory)


def _clip_processor() -> CLIPImageProcessorPil:
    return CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})


def _saved(model: Any, directory: Path) -> None:
    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    for parameter in model.parameters():
        if parameter.dim() > 1:  # wider than the library's own start, so that different inputs differ clearly
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(directory)


def _clip_vocabulary() -> dict[str, int]:
    alphabet = [character for _, character in sorted(pre_tokenizers_alphabet().items())]
    pieces = [*alphabet, *(f"{character}</w>" for character in alphabet), "<|startoftext|>", "<|endoftext|>"]
    return {piece: number for number, piece in enumerate(pieces)}


def pre_tokenizers_alphabet() -> dict[int, str]:
    """The printable characters that byte-level tokenizers write bytes with."""
    return dict(enumerate(sorted(pre_tokenizers.ByteLevel.alphabet())))


def _clip_tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer(vocab=_clip_vocabulary(), merges=[])


def _bert_tokenizer() -> BertTokenizer:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *string.ascii_lowercase]
    return BertTokenizer(vocab={piece: number for number, piece in enumerate(dict.fromkeys(pieces))})


def _letters_tokenizer() -> PreTrainedTokenizerFast:
    """One id for each letter, an end token behind the text, and that same token as padding, as SigLIP has it."""
    pieces = ["<unk>", "</s>", *string.ascii_letters, *string.digits, *string.punctuation, "▁"]
    tokenizer = Tokenizer(models.WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>", pad_token="</s>", padding_side="right")
