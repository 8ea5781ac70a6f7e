"""all-MiniLM-L6-v2 in int8 (sentence-transformers, Apache-2.0) with BERT's uncased vocabulary (Google, Apache-2.0)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

from encoders.starter.weights import MINILM
from models.devices import Device

WIDTH = 384
MAX_TOKENS = 256  # what all-MiniLM-L6-v2 was trained and published with; the rest of a longer text is not seen


def load_tokenizer() -> Tokenizer:
    """BERT's uncased word pieces. Safe to use from several threads."""
    lines = (files("encoders.starter") / "data" / "vocab.txt").read_text("utf-8").split("\n")
    vocabulary = {piece: number for number, piece in enumerate(lines) if piece}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


class TextTower:
    """Mean of MiniLM's last hidden states. Safe to call from several threads."""

    def __init__(self, device: Device) -> None:
        """Raises ModelUnavailable where the weights are missing or not the pinned ones."""
        self._session = device.onnx_session(MINILM.read())
        self._inputs = frozenset(entry.name for entry in self._session.get_inputs())
        self._device = device

    def run(self, token_ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """One row per text, [n, 384], unit length."""
        encoded = self._device.map(self._encode, token_ids)
        return np.stack(encoded) if encoded else np.empty((0, WIDTH), np.float32)

    def run_pieces(self, token_ids: Sequence[Sequence[int]]) -> Sequence[NDArray[np.float32]]:
        """The last hidden states of each text, [pieces, 384]."""
        return list(self._device.map(self._hidden, token_ids))

    def _encode(self, token_ids: Sequence[int]) -> NDArray[np.float32]:
        mean = self._hidden(token_ids).mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def _hidden(self, token_ids: Sequence[int]) -> NDArray[np.float32]:
        # One text at a time: the int8 model scales its activations by the whole batch, padding included,
        # so that in company a text would get another vector than alone (0.01 off in cosine).
        ids = np.array([token_ids], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, {name: value for name, value in given.items() if name in self._inputs})[0]
        return np.asarray(hidden[0], np.float32)
