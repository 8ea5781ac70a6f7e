"""Qwen3-VL-Embedding: the state of the last token, any prefix of which is a vector too (Matryoshka)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import torch
from PIL import Image
from torch.nn import functional

from encoders.mllm.pooling import pooled
from models.qwen_vl import ANSWER, END, LEAST_SLOTS, PICTURE, TURN, Generation, Positions, QwenVl, generation_of, load_qwen_vl
from models.rows import Item, expanded, only_last, rows_of
from models.torch_devices import TorchDevice
from uniir.documents import Modality
from uniir.errors import UsageError
from uniir.instructions import Instruction

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

_DEFAULT = "Represent the user's input."
_NOTHING = "NULL"
_MOST_SLOTS = 1800
_TEXT_TOKENS = 8192 - _MOST_SLOTS
_PADDING = 0


@dataclass(frozen=True, slots=True)
class Qwen3VlEmbedding:
    """Implements `Retriever`. `cut` is how many numbers of the state are kept."""

    model: QwenVl
    cut: int

    architecture: ClassVar[str] = "Qwen3-VL-Embedding"
    accepts: ClassVar[frozenset[Modality]] = frozenset(Modality)
    opens: ClassVar[Literal["faithful", "upright"]] = "upright"

    @property
    def dimension(self) -> int:
        return self.cut

    @property
    def preprocessing(self) -> str:
        last = self._item(None, None, _DEFAULT).ids[-1]  # which one that is, the checkpoint's tokenizer decides
        return f"qwen3-vl-embedding 2; last token {last}; upright; {LEAST_SLOTS} to {_MOST_SLOTS} per picture; text {_TEXT_TOKENS}"

    def query(self, text: str | None, picture: Image.Image | None, instruction: Instruction | None, target: Modality | None) -> Item:
        return self._item(text, picture, _DEFAULT if instruction is None else ended(instruction.wording))

    def document(self, text: str | None, picture: Image.Image | None) -> Item:
        return self._item(text, picture, _DEFAULT)

    def _item(self, text: str | None, picture: Image.Image | None, instruction: str) -> Item:
        vocabulary = self.model.vocabulary
        shown = () if picture is None else (self.model.shown(picture),)
        words = vocabulary.cut(vocabulary.harmless(text or ""), _TEXT_TOKENS)
        content = f"{PICTURE if shown else ''}{words}" or _NOTHING
        prompt = f"{TURN}system\n{vocabulary.harmless(instruction)}{END}\n{TURN}user\n{content}{ANSWER}"
        whole = expanded(vocabulary.ids(prompt), self.model.picture_token, shown)
        return Item(whole, only_last(whole.size), shown)

    def embed(self, items: Sequence[Item]) -> Tensor:
        with torch.inference_mode():
            rows = rows_of(items, _PADDING, self.model.device)
            whole = pooled(self.model.states(rows, Positions.GRID), rows.kept)
            return functional.normalize(whole[:, : self.cut], dim=-1)


def ended(instruction: str) -> str:
    """Stripped, with a full stop unless it ends in punctuation."""
    bare = instruction.strip()
    return bare if not bare or unicodedata.category(bare[-1]).startswith("P") else f"{bare}."


def load_qwen3_vl_embedding(directory: Path, on: TorchDevice, adapter: Path | None, dimension: int | None) -> Qwen3VlEmbedding:
    """Raises UsageError also for a dimension that the model has not."""
    generation = generation_of(directory, Generation.QWEN3)
    model = load_qwen_vl(directory, generation, on, _MOST_SLOTS, head=False, adapter=adapter)
    if dimension is not None and not 1 <= dimension <= model.width:
        raise UsageError(
            f"{directory} has vectors of {model.width} numbers; {dimension} of them can't be kept.", f"Ask for 1 to {model.width}."
        )
    return Qwen3VlEmbedding(model, dimension or model.width)
