"""LamRA-Ret (causal, one state) and U-MARVEL (both ways, mean of all states) on Qwen-VL trunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
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


@dataclass(frozen=True, slots=True)
class QwenRetriever:
    """Implements `Retriever`. `before` is how an instruction stands before a query; `kept` says which places are pooled."""

    model: QwenVl
    architecture: str
    preprocessing: str
    before: Callable[[str], str]
    prompt: Callable[[str, Image.Image | None], str]
    kept: Callable[[NDArray[np.int64]], NDArray[np.bool_]]
    states: Callable[[Rows], Tensor]

    accepts: ClassVar[frozenset[Modality]] = frozenset(Modality)
    opens: ClassVar[Literal["faithful", "upright"]] = "faithful"

    @property
    def dimension(self) -> int:
        return self.model.width

    def query(self, text: str | None, picture: Image.Image | None, instruction: Instruction | None, target: Modality | None) -> Item:
        told = "" if instruction is None else f"{self.before(self._harmless(instruction.wording))} "
        return self._item(formatted(f"{told}{self._harmless(text)}"), picture)

    def document(self, text: str | None, picture: Image.Image | None) -> Item:
        return self._item(self.model.vocabulary.cut(formatted(self._harmless(text)), _TEXT_TOKENS), picture)

    def _harmless(self, text: str | None) -> str:
        """Without carriage returns, which the form of training drops: a marker that one of them holds open would be closed up."""
        return self.model.vocabulary.harmless((text or "").replace("\r", ""))

    def _item(self, text: str, picture: Image.Image | None) -> Item:
        shown = () if picture is None else (self.model.shown(picture),)
        turn = f"{TURN}user\n{PICTURE if shown else ''}{self.prompt(text, picture)}"
        system = "" if self.model.generation is Generation.QWEN3 else _SYSTEM
        whole = expanded(self.model.vocabulary.bare_ids(f"{system}{turn}"), self.model.picture_token, shown)
        return Item(whole, self.kept(whole), shown)

    def embed(self, items: Sequence[Item]) -> Tensor:
        with torch.inference_mode():
            rows = rows_of(items, _PADDING, self.model.device)
            return pooled(self.states(rows), rows.kept)


def lamra_ret(model: QwenVl) -> QwenRetriever:
    """The state before the answer. Positions are plain on Qwen2-VL, by the grid on Qwen2.5-VL."""
    positions = Positions.PLAIN if model.generation is Generation.QWEN2 else Positions.GRID

    def prompt(text: str, picture: Image.Image | None) -> str:
        # A picture alone is asked about only where there is no text at all.
        what = "image and sentence" if picture is not None and text else "sentence" if picture is None else "image"
        # What follows in training, `<emb>` included, is never seen by the state that is taken.
        return f"{text}\nSummarize above {what} in one word: {ANSWER}"

    return QwenRetriever(
        model,
        "LamRA-Ret",
        f"lamra-ret 1; {positions} positions; {_MOST_SLOTS} per picture; text {_TEXT_TOKENS}",
        lambda wording: wording,
        prompt,
        lambda ids: only_last(ids.size),
        lambda rows: model.states(rows, positions),
    )


def u_marvel(model: QwenVl) -> QwenRetriever:
    """The mean of all states but the instruction's, plain positions, no features of early vision layers."""
    opening, closing = (model.vocabulary.id_of(marker) for marker in (_OPEN, _CLOSE))

    def kept(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        opened, closed = (np.flatnonzero(ids == marker) for marker in (opening, closing))
        places = np.ones(ids.size, np.bool_)
        if opened.size:
            places[opened[0] : closed[0] + 1] = False
        return places

    return QwenRetriever(
        model,
        "U-MARVEL",
        f"u-marvel 1; no question; plain positions; {_MOST_SLOTS} per picture; text {_TEXT_TOKENS}",
        lambda wording: f"{_OPEN}{wording}{_CLOSE}",
        lambda text, picture: f"{text}{ANSWER}{_EMBED}.{ANSWER}",
        kept,
        lambda rows: model.states(rows, Positions.PLAIN, deep=False),
    )


def load_lamra_ret(directory: Path, on: TorchDevice, adapter: Path | None) -> QwenRetriever:
    """Raises UsageError, ModelUnavailable."""
    generation = generation_of(directory, Generation.QWEN2, Generation.QWEN2_5)
    return lamra_ret(load_qwen_vl(directory, generation, on, _MOST_SLOTS, head=False, adapter=adapter, markers=(_EMBED,)))


def load_u_marvel(directory: Path, on: TorchDevice, adapter: Path | None) -> QwenRetriever:
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
    return u_marvel(loaded)
