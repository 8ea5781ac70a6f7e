"""How each family is asked whether a candidate fits: its prompt, its pictures, its words for yes and no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from PIL import Image

from models.answering import GLUED, WORD_INITIAL, Answers, Trunk, answers_of
from models.llava_next import PICTURE as LLAVA_PICTURE
from models.llava_next import LlavaNext
from models.qwen_vl import ANSWER, END, TURN, Generation, QwenVl
from models.qwen_vl import PICTURE as QWEN_PICTURE
from models.rows import Item, Pixels, expanded, only_last
from models.vocabulary import Vocabulary
from models.wording import formatted
from rerank.mllm.prompts import ANY, LAMRA_POINTWISE, QWEN3, Asked, Filled, filled, true_false
from uniir.documents import Document, Modality
from uniir.queries import Query

_SYSTEM = f"{TURN}system\nYou are a helpful assistant.{END}\n"
_QWEN3_DEFAULT = "Given a search query, retrieve relevant candidates that answer the query."
_WHOLE_TEXT, _LAMRA_TEXT = 2048, 256  # tokens of a candidate's text


class Judge(Protocol):
    """A loaded model with its prompt. `shown` and `item` are thread-safe."""

    @property
    def version(self) -> str:
        """Names the prompt: a score belongs to it."""
        ...

    @property
    def opens(self) -> Literal["faithful", "upright"]: ...

    @property
    def trunk(self) -> Trunk: ...

    @property
    def answers(self) -> Answers: ...

    def reads(self, query: Modality, candidate: Modality) -> bool: ...

    def shown(self, picture: Image.Image) -> Pixels: ...

    def item(self, query: Query, candidate: Document, pictures: dict[str, Pixels]) -> Item:
        """The prompt; `pictures` holds query_image and cand_image, where there are any."""
        ...


def asked(vocabulary: Vocabulary, query: Query, candidate: Document, tokens: int) -> Asked:
    """Query and candidate with texts that can't become a part of the prompt's structure."""
    text = candidate.text if candidate.modality.has_text else None
    return Asked(
        query_text=vocabulary.harmless(query.text or ""),
        query_image=query.image is not None,
        cand_text=vocabulary.cut(vocabulary.harmless(text or ""), tokens),
        cand_image=candidate.modality.has_image,
        instruction="" if query.instruction is None else vocabulary.harmless(query.instruction.wording),
    )


def item_of(prompt: Filled, ids: Sequence[int], picture_token: int, pictures: dict[str, Pixels]) -> Item:
    """The item whose last state is the answer's."""
    shown = tuple(pictures[name] for name in prompt.pictures)
    whole = expanded(ids, picture_token, shown)
    return Item(whole, only_last(whole.size), shown)


@dataclass(frozen=True, slots=True)
class TrueFalse:
    """LLaVA-NeXT without any training for it, asked True or False as in MM-Embed's section 4.2; `answers` counts both spellings."""

    trunk: LlavaNext
    answers: Answers

    version: ClassVar[str] = "true-false 1"
    opens: ClassVar[Literal["faithful", "upright"]] = "faithful"

    @classmethod
    def of(cls, trunk: LlavaNext) -> TrueFalse:
        return cls(trunk, answers_of(trunk.vocabulary, "True", "False", WORD_INITIAL))

    def reads(self, query: Modality, candidate: Modality) -> bool:
        return (None, query, candidate) in true_false()

    def shown(self, picture: Image.Image) -> Pixels:
        return self.trunk.shown(picture)

    def item(self, query: Query, candidate: Document, pictures: dict[str, Pixels]) -> Item:
        vocabulary = self.trunk.vocabulary
        dataset = None if query.instruction is None else query.instruction.dataset
        made_of = query.modality or Modality.TEXT
        template = true_false().get((dataset, made_of, candidate.modality)) or true_false()[None, made_of, candidate.modality]
        prompt = filled(f"[INST] {template} [/INST]", asked(vocabulary, query, candidate, _WHOLE_TEXT), LLAVA_PICTURE)
        return item_of(prompt, _open_ended(vocabulary, prompt.prompt), self.trunk.picture_token, pictures)


@dataclass(frozen=True, slots=True)
class YesNo:
    """LLaVA-NeXT asked one plain question that shows everything there is of query and candidate."""

    trunk: LlavaNext
    answers: Answers

    version: ClassVar[str] = "yes-no 1"
    opens: ClassVar[Literal["faithful", "upright"]] = "faithful"

    @classmethod
    def of(cls, trunk: LlavaNext) -> YesNo:
        return cls(trunk, answers_of(trunk.vocabulary, "Yes", "No", WORD_INITIAL))

    def reads(self, query: Modality, candidate: Modality) -> bool:
        return True

    def shown(self, picture: Image.Image) -> Pixels:
        return self.trunk.shown(picture)

    def item(self, query: Query, candidate: Document, pictures: dict[str, Pixels]) -> Item:
        vocabulary = self.trunk.vocabulary
        prompt = filled(f"[INST] {ANY} [/INST]", asked(vocabulary, query, candidate, _WHOLE_TEXT), LLAVA_PICTURE)
        return item_of(prompt, _open_ended(vocabulary, prompt.prompt), self.trunk.picture_token, pictures)


def _open_ended(vocabulary: Vocabulary, prompt: str) -> list[int]:
    """Ids without an end, behind which nothing would be answered."""
    ids = vocabulary.ids(prompt)
    return ids[:-1] if ids[-1] == vocabulary.tokenizer.token_to_id("</s>") else ids


@dataclass(frozen=True, slots=True)
class LamraPointwise:
    """LamRA-Rank and U-MARVEL's own reranker, one candidate at a time; texts are written as in training."""

    trunk: QwenVl
    answers: Answers

    version: ClassVar[str] = "lamra-pointwise 1"
    opens: ClassVar[Literal["faithful", "upright"]] = "faithful"

    @classmethod
    def of(cls, trunk: QwenVl) -> LamraPointwise:
        return cls(trunk, answers_of(trunk.vocabulary, "Yes", "No", GLUED))

    def reads(self, query: Modality, candidate: Modality) -> bool:
        return True

    def shown(self, picture: Image.Image) -> Pixels:
        return self.trunk.shown(picture)

    def item(self, query: Query, candidate: Document, pictures: dict[str, Pixels]) -> Item:
        prompt = filled(in_a_turn(self.trunk, LAMRA_POINTWISE), written(self.trunk.vocabulary, query, candidate), QWEN_PICTURE)
        return item_of(prompt, self.trunk.vocabulary.bare_ids(prompt.prompt), self.trunk.picture_token, pictures)


def in_a_turn(trunk: QwenVl, template: str) -> str:
    """The template as a person's turn, behind which the model answers."""
    return f"{'' if trunk.generation is Generation.QWEN3 else _SYSTEM}{TURN}user\n{template}{ANSWER}"


def written(vocabulary: Vocabulary, query: Query, candidate: Document) -> Asked:
    """Instruction and query as one text, and every text in the form that LamRA was trained on."""
    plain = asked(vocabulary, query, candidate, _LAMRA_TEXT)
    told = f"{plain.instruction} {plain.query_text}" if plain.instruction else plain.query_text
    return Asked(formatted(told), plain.query_image, formatted(plain.cand_text), plain.cand_image)


@dataclass(frozen=True, slots=True)
class Qwen3Reranker:
    """Qwen3-VL-Reranker: yes against no, under the instruction."""

    trunk: QwenVl
    answers: Answers

    version: ClassVar[str] = "qwen3-vl-reranker 1"
    opens: ClassVar[Literal["faithful", "upright"]] = "upright"

    @classmethod
    def of(cls, trunk: QwenVl) -> Qwen3Reranker:
        return cls(trunk, answers_of(trunk.vocabulary, "yes", "no", GLUED))

    def reads(self, query: Modality, candidate: Modality) -> bool:
        return True

    def shown(self, picture: Image.Image) -> Pixels:
        return self.trunk.shown(picture)

    def item(self, query: Query, candidate: Document, pictures: dict[str, Pixels]) -> Item:
        plain = asked(self.trunk.vocabulary, query, candidate, _WHOLE_TEXT)
        told = Asked(plain.query_text, plain.query_image, plain.cand_text, plain.cand_image, plain.instruction or _QWEN3_DEFAULT)
        prompt = filled(QWEN3, told, QWEN_PICTURE)
        return item_of(prompt, self.trunk.vocabulary.bare_ids(prompt.prompt), self.trunk.picture_token, pictures)
