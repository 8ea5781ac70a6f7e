"""CLIP's byte pairs (OpenAI, MIT) and BERT's uncased word pieces (Google, Apache-2.0) as UniIR uses them. No hub is asked."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

import ftfy
from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE, WordPiece

CLIP_VOCABULARY = 49408
CLIP_START, CLIP_END = 49406, 49407
CLIP_PADDING = 0  # OpenAI's own; other ports pad with the end token, which feature fusion would see
BERT_VOCABULARY = 30524
BERT_PADDING = 0
_BERT_START, _BERT_END = 101, 102  # [CLS], [SEP]
BLIP_CONTEXT = 100

_BLANKS = re.compile(r"\s+")
_CLIP_WORDS = r"'[s\x{17f}]|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"  # the long s counts as an s where case does not count


def clip_ids(text: str, context: int) -> list[int]:
    """Start, byte pairs, end; at most `context` ids, the last of which is the end even where the text was cut. Not padded."""
    clean = html.unescape(html.unescape(ftfy.fix_text(text))).strip()
    clean = _BLANKS.sub(" ", clean).strip().lower()
    ids = _clip_tokenizer().encode(clean).ids[: context - 2]
    return [CLIP_START, *ids, CLIP_END]


def blip_ids(text: str, context: int) -> list[int]:
    """[CLS], word pieces, [SEP]; at most `context` ids. Not padded."""
    if not text.isascii():
        # Characters that this Python does not know count as control characters, as in BERT's own code; `tokenizers` knows others.
        text = "".join(character for character in text if character in "\t\n\r" or unicodedata.category(character)[0] != "C")
    return [_BERT_START, *_bert_tokenizer().encode(text).ids[: context - 2], _BERT_END]


@lru_cache(maxsize=1)
def _clip_tokenizer() -> Tokenizer:
    lines = (files("encoders.uniir_family") / "data" / "clip_merges.txt").read_text("utf-8").split("\n")[1:]
    merges = [(first, second) for first, _, second in (line.partition(" ") for line in lines) if second]
    alphabet = [character for _, character in sorted(_byte_characters().items(), key=lambda entry: _byte_order(entry[0]))]
    pieces = [*alphabet, *(f"{character}</w>" for character in alphabet), *("".join(pair) for pair in merges)]
    specials = ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: number for number, piece in enumerate([*pieces, *specials])}
    tokenizer = Tokenizer(BPE(vocabulary, merges, end_of_word_suffix="</w>", unk_token=specials[1]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(special, normalized=False, special=True) for special in specials])
    return tokenizer


def _byte_characters() -> dict[int, str]:
    """The printable character that stands for each byte: itself, or one from 256 on for those that do not print."""
    printing = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    characters = {byte: chr(byte) for byte in printing}
    for place, byte in enumerate(byte for byte in range(256) if byte not in characters):
        characters[byte] = chr(256 + place)
    return characters


def _byte_order(byte: int) -> tuple[bool, int]:
    """Bytes that print come first in the vocabulary."""
    return _byte_characters()[byte] != chr(byte), byte


@lru_cache(maxsize=1)
def _bert_tokenizer() -> Tokenizer:
    lines = (files("encoders.starter") / "data" / "vocab.txt").read_text("utf-8").split("\n")
    vocabulary = {piece: number for number, piece in enumerate(lines) if piece}
    for added in ("[DEC]", "[ENC]"):
        vocabulary[added] = len(vocabulary)
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ("[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]", "[DEC]", "[ENC]")
    tokenizer.add_special_tokens([AddedToken(special, normalized=False, special=True) for special in specials])
    return tokenizer
