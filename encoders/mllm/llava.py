"""LLaVA-E, LLaVA-P (MM-Embed section 4.1, tables 11 and 12) and E5-V: one state of a causal LLaVA-NeXT."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import torch
from PIL import Image

from encoders.mllm.pooling import pooled
from models.llava_next import PICTURE, LlavaNext, load_llava_next
from models.rows import Item, Pixels, Rows, expanded, only_last, rows_of
from models.torch_devices import TorchDevice
from uniir.documents import Modality
from uniir.instructions import Instruction

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

_TEXT_TOKENS = 512
_BOS, _EOS = "<s>", "</s>"
_E5_V = "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n"
_E5_V_MARKERS = ("<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>")
_ONE_WORD = "Describe the above in one word:"


def _content(text: str, picture: Image.Image | None) -> str:
    """Picture, then text, a line each, whichever there is."""
    return "\n".join([*([] if picture is None else [PICTURE]), *([text] if text else [])])


@dataclass(frozen=True, slots=True)
class Seeing:
    """How pictures are shown, and the states behind them; `tiles` says so for the identity of the vectors."""

    shown: Callable[[Image.Image], Pixels]
    states: Callable[[Rows], Tensor]
    tiles: str


@dataclass(frozen=True, slots=True)
class Llava:
    """Implements `Retriever` for prompts whose last state is the vector. `ending` stands behind the prompt's ids, and nothing else does."""

    model: LlavaNext
    architecture: str
    accepts: frozenset[Modality]
    told: Callable[[str, Image.Image | None, Instruction | None, Modality | None], str]  # a query's prompt
    shown: Callable[[str, Image.Image | None], str]  # a document's
    ending: tuple[int, ...]
    seeing: Seeing

    opens: ClassVar[Literal["faithful", "upright"]] = "faithful"

    @property
    def dimension(self) -> int:
        return self.model.width

    @property
    def preprocessing(self) -> str:
        return (
            f"{self.architecture.lower()} 2; {self.seeing.tiles} of {self.model.model.config.vision_config.image_size}; text {_TEXT_TOKENS}"
        )

    def query(self, text: str | None, picture: Image.Image | None, instruction: Instruction | None, target: Modality | None) -> Item:
        return self._item(self.told(self._words(text), picture, instruction, target), picture)

    def document(self, text: str | None, picture: Image.Image | None) -> Item:
        return self._item(self.shown(self._words(text), picture), picture)

    def _words(self, text: str | None) -> str:
        return self.model.vocabulary.cut(self.model.vocabulary.harmless(text or ""), _TEXT_TOKENS)

    def _item(self, prompt: str, picture: Image.Image | None) -> Item:
        shown = () if picture is None else (self.seeing.shown(picture),)
        whole = expanded([*self.model.vocabulary.open_ended_ids(prompt), *self.ending], self.model.picture_token, shown)
        return Item(whole, only_last(whole.size), shown)

    def embed(self, items: Sequence[Item]) -> Tensor:
        with torch.inference_mode():
            rows = rows_of(items, 0, self.model.device)
            return pooled(self.seeing.states(rows), rows.kept)


def _whole(model: LlavaNext) -> Seeing:
    """One tile, as in MM-Embed's training."""
    return Seeing(model.shown_whole, model.states_of_whole, "one tile")


def _in_tiles(model: LlavaNext) -> Seeing:
    """As many as the resolution wants, as LLaVA-NeXT was made."""
    return Seeing(model.shown, model.states, "tiles")


def load_llava_e(directory: Path, on: TorchDevice, adapter: Path | None) -> Llava:
    """The state of the end token, behind instruction and query. Raises UsageError, ModelUnavailable."""
    model = load_llava_next(directory, on, head=False, adapter=adapter, markers=(_BOS, _EOS))

    def told(text: str, picture: Image.Image | None, instruction: Instruction | None, target: Modality | None) -> str:
        before = "" if instruction is None else f"{model.vocabulary.harmless(instruction.wording)}\n"
        return f"{before}Query: {_content(text, picture)}"

    return Llava(model, "LLaVA-E", frozenset(Modality), told, _content, (model.vocabulary.id_of(_EOS),), _whole(model))


def load_llava_p(directory: Path, on: TorchDevice, adapter: Path | None) -> Llava:
    """The state of the last token of a question for one word, as trained on M-BEIR. Raises UsageError, ModelUnavailable."""
    model = load_llava_next(directory, on, head=False, adapter=adapter, markers=(_BOS, _EOS, "[image]", "[text]", "[image,text]"))

    def told(text: str, picture: Image.Image | None, instruction: Instruction | None, target: Modality | None) -> str:
        wanted = target or (None if instruction is None else instruction.target)
        tag = "" if wanted is None else f"[{wanted}] "
        asked = Modality.of(text=bool(text), image=picture is not None)
        if instruction is not None and (instruction.dataset, asked, wanted) in one_word_prompts():
            # Filled by hand: a brace in somebody's text is no field.
            return tag + one_word_prompts()[instruction.dataset, asked, wanted].replace("{text}", text)
        return f"{tag}{_content(text, picture)}\n{_ONE_WORD}"

    def shown(text: str, picture: Image.Image | None) -> str:
        return f"{_content(text, picture)}\n{_ONE_WORD}"

    return Llava(model, "LLaVA-P", frozenset(Modality), told, shown, (), _whole(model))


def load_llava_p_untrained(directory: Path, on: TorchDevice, adapter: Path | None) -> Llava:
    """The same without any training, asked as the paper asks it (footnote 9): a text or a picture, alike as query and as document."""
    model = load_llava_next(directory, on, head=False, adapter=adapter, markers=(_BOS, _EOS))

    def shown(text: str, picture: Image.Image | None) -> str:
        return f"{_content(text, picture)}\nSummary above {'sentence' if picture is None else 'image'} in one word:"

    return Llava(model, "LLaVA-P zero-shot", _ONE_PART, lambda text, picture, _, __: shown(text, picture), shown, (), _in_tiles(model))


def load_e5_v(directory: Path, on: TorchDevice, adapter: Path | None) -> Llava:
    """E5-V, whose template ends in a turn of its own. Raises UsageError, ModelUnavailable."""
    model = load_llava_next(directory, on, head=False, adapter=adapter, markers=_E5_V_MARKERS)

    def shown(text: str, picture: Image.Image | None) -> str:
        question = f"Summary above {'sentence' if picture is None else 'image'} in one word: "
        return _E5_V.replace("{}", f"{_content(text, picture)}\n{question}")

    return Llava(model, "E5-V", _ONE_PART, lambda text, picture, _, __: shown(text, picture), shown, (), _in_tiles(model))


_ONE_PART = frozenset({Modality.TEXT, Modality.IMAGE})


@cache
def one_word_prompts() -> Mapping[tuple[str | None, Modality | None, Modality | None], str]:
    """LLaVA-P's prompts by data set, what is asked with, and what is wanted (MM-Embed table 12)."""
    rows = (files("encoders.mllm") / "data" / "llava_p.tsv").read_text("utf-8").splitlines()
    read = csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE)
    return MappingProxyType(
        {(row["dataset"], Modality(row["query"]), Modality(row["target"])): row["template"].replace("\\n", "\n") for row in read}
    )
