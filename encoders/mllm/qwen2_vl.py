"""LamRA-Ret (causal, one state) and U-MARVEL (both ways, mean of all states) on Qwen-VL trunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np
import torch
from PIL import Image

from encoders.mllm.bidirectional import require_bidirectional
from encoders.mllm.pooling import pooled
from models.qwen_vl import ANSWER, END, PICTURE, TURN, Generation, Positions, QwenVl, generation_of, load_qwen_vl
from models.rows import Item, Rows, expanded, only_last, rows_of
from models.torch_devices import TorchDevice
from models.wording import formatted
from uniir.documents import Modality
from uniir.errors import ModelUnavailable
from uniir.instructions import Instruction

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

_TEXT_TOKENS = 1024
_MOST_SLOTS = 300
_SYSTEM = f"{TURN}system\nYou are a helpful assistant.{END}\n"
_OPEN, _CLOSE, _EMBED = "<instruction_start>", "<instruction_end>", "<emb>"
_PADDING = 0  # any id will do: what is padded is neither attended nor pooled


def _summarise(text: str, picture: Image.Image | None) -> str:
    """LamRA's question: a picture alone is asked about only where there is no text at all."""
    what = "image and sentence" if picture is not None and text else "sentence" if picture is None else "image"
    return f"\nSummarize above {what} in one word: "


def _system(generation: Generation) -> str:
    return "" if generation is Generation.QWEN3 else _SYSTEM


def _harmless(model: QwenVl, text: str | None) -> str:
    """Without carriage returns, which the form of training drops: a marker that one of them holds open would be closed up."""
    return model.vocabulary.harmless((text or "").replace("\r", ""))


def _document(model: QwenVl, text: str | None) -> str:
    return model.vocabulary.cut(formatted(_harmless(model, text)), _TEXT_TOKENS)


@dataclass(frozen=True, slots=True)
class LamraRet:
    """Implements `Retriever`: the state before the answer. Positions are plain on Qwen2-VL, by the grid on Qwen2.5-VL."""

    model: QwenVl

    architecture: ClassVar[str] = "LamRA-Ret"
    accepts: ClassVar[frozenset[Modality]] = frozenset(Modality)
    opens: ClassVar[Literal["faithful", "upright"]] = "faithful"

    @property
    def dimension(self) -> int:
        return self.model.width

    @property
    def positions(self) -> Positions:
        return Positions.PLAIN if self.model.generation is Generation.QWEN2 else Positions.GRID

    @property
    def preprocessing(self) -> str:
        return f"lamra-ret 1; {self.positions} positions; {_MOST_SLOTS} per picture; text {_TEXT_TOKENS}"

    def query(self, text: str | None, picture: Image.Image | None, instruction: Instruction | None, target: Modality | None) -> Item:
        told = "" if instruction is None else f"{_harmless(self.model, instruction.wording)} "
        return self._item(formatted(f"{told}{_harmless(self.model, text)}"), picture)

    def document(self, text: str | None, picture: Image.Image | None) -> Item:
        return self._item(_document(self.model, text), picture)

    def _item(self, text: str, picture: Image.Image | None) -> Item:
        shown = () if picture is None else (self.model.shown(picture),)
        content = f"{PICTURE if shown else ''}{text}{_summarise(text, picture)}"
        # What follows in training, `<emb>` included, is never seen by the state that is taken.
        ids = self.model.vocabulary.bare_ids(f"{_system(self.model.generation)}{TURN}user\n{content}{ANSWER}")
        whole = expanded(ids, self.model.picture_token, shown)
        return Item(whole, only_last(whole.size), shown)

    def embed(self, items: Sequence[Item]) -> Tensor:
        with torch.inference_mode():
            rows = rows_of(items, _PADDING, self.model.device)
            return pooled(self.model.states(rows, self.positions), rows.kept)


@dataclass(frozen=True, slots=True)
class UMarvel:
    """Implements `Retriever`: the mean of all states but the instruction's, plain positions, no features of early vision layers."""

    model: QwenVl

    architecture: ClassVar[str] = "U-MARVEL"
    accepts: ClassVar[frozenset[Modality]] = frozenset(Modality)
    opens: ClassVar[Literal["faithful", "upright"]] = "faithful"

    @property
    def dimension(self) -> int:
        return self.model.width

    @property
    def preprocessing(self) -> str:
        return f"u-marvel 1; no question; plain positions; {_MOST_SLOTS} per picture; text {_TEXT_TOKENS}"

    def query(self, text: str | None, picture: Image.Image | None, instruction: Instruction | None, target: Modality | None) -> Item:
        told = "" if instruction is None else f"{_OPEN}{_harmless(self.model, instruction.wording)}{_CLOSE} "
        return self._item(formatted(f"{told}{_harmless(self.model, text)}"), picture)

    def document(self, text: str | None, picture: Image.Image | None) -> Item:
        return self._item(_document(self.model, text), picture)

    def _item(self, text: str, picture: Image.Image | None) -> Item:
        shown = () if picture is None else (self.model.shown(picture),)
        prompt = f"{_system(self.model.generation)}{TURN}user\n{PICTURE if shown else ''}{text}{ANSWER}{_EMBED}.{ANSWER}"
        vocabulary = self.model.vocabulary
        whole = expanded(vocabulary.bare_ids(prompt), self.model.picture_token, shown)
        kept = np.ones(whole.size, np.bool_)
        opened, closed = (np.flatnonzero(whole == vocabulary.id_of(marker)) for marker in (_OPEN, _CLOSE))
        if opened.size:
            kept[opened[0] : closed[0] + 1] = False
        return Item(whole, kept, shown)

    def embed(self, items: Sequence[Item]) -> Tensor:
        with torch.inference_mode():
            rows = rows_of(items, _PADDING, self.model.device)
            return pooled(self.model.states(rows, Positions.PLAIN, deep=False), rows.kept)


def load_lamra_ret(directory: Path, on: TorchDevice, adapter: Path | None) -> LamraRet:
    """Raises UsageError, ModelUnavailable."""
    generation = generation_of(directory, Generation.QWEN2, Generation.QWEN2_5)
    return LamraRet(load_qwen_vl(directory, generation, on, _MOST_SLOTS, head=False, adapter=adapter, markers=(_EMBED,)))


def load_u_marvel(directory: Path, on: TorchDevice, adapter: Path | None) -> UMarvel:
    """Raises UsageError, and ModelUnavailable also for a stack that turns out causal or a tokenizer without U-MARVEL's markers."""
    generation = generation_of(directory, Generation.QWEN2, Generation.QWEN3)
    markers = (_EMBED, _OPEN, _CLOSE)
    loaded = load_qwen_vl(directory, generation, on, _MOST_SLOTS, head=False, adapter=adapter, markers=markers)
    language = loaded.model.language_model
    language.config.is_causal = False  # the mask is made by the configuration, whatever the layers say
    rows = language.embed_tokens.num_embeddings
    for marker in markers:
        if loaded.vocabulary.id_of(marker) >= rows:
            raise ModelUnavailable(
                f"{directory} has no embedding for {marker}.", "Fetch the trained checkpoint, not the model it began from."
            )

    def states(ids: Tensor, attention: Tensor) -> Tensor:
        return loaded.states(Rows(ids, attention, attention.bool(), ()), Positions.PLAIN)

    with torch.inference_mode():
        require_bidirectional(states, rows, on.device, on.dtype)
    return UMarvel(loaded)
