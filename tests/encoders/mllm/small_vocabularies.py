"""Small tokenizers in the layout of real ones."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

_TEXTS = [
    "Instruct: Retrieve an image that matches the caption.",
    "Query: a cat on a mat, and a dog in the snow",
    "Summarize above sentence in one word: ",
    "Summary above image in one word: ",
    "You are a helpful assistant. Represent the user's input.",
    "system user assistant",
]


def llama_like(size: int) -> Tokenizer:
    """Start 1, end 2 around every text; `<image>` and `<pad>` are the two ids behind the embedding table's rows."""
    tokenizer = _byte_level(size, ["<unk>", "<s>", "</s>"])
    tokenizer.add_special_tokens(["<image>", "<pad>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return tokenizer


def qwen_like(size: int, added: Sequence[str] = ()) -> Tokenizer:
    """No start, no end; turns and pictures are marked by special tokens behind the ordinary ones."""
    tokenizer = _byte_level(size, [])
    tokenizer.add_special_tokens(
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>", *added]
    )
    return tokenizer


def _byte_level(size: int, special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    answers = ["Yes", "No", "yes", "no", "True", "False"] * 20  # single pieces, as in every large vocabulary
    tokenizer.train_from_iterator([*_TEXTS * 3, *answers], trainer)
    assert tokenizer.get_vocab_size() == size
    return tokenizer
