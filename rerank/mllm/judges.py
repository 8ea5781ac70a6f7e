"""How each family is asked whether a candidate fits: its prompt, its pictures, its words for yes and no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from models.answering import GLUED, WORD_INITIAL, Answers, answers_of
from models.llava_next import PICTURE as LLAVA_PICTURE
from models.llava_next import LlavaNext
from models.qwen_vl import ANSWER, END, TURN, Generation, QwenVl
from models.qwen_vl import PICTURE as QWEN_PICTURE
from models.rows import Item, Pixels, expanded, only_last
from models.vocabulary import Vocabulary
from models.wording import formatted
from rerank.mllm.prompts import ANY, LAMRA_POINTWISE, QWEN3, Asked, Filled, filled, true_false_prompts
from uniir.documents import Document, Modality
from uniir.queries import Query

_SYSTEM = f"{TURN}system\nYou are a helpful assistant.{END}\n"
_QWEN3_DEFAULT = "Given a search query, retrieve relevant candidates that answer the query."
_QWEN3_NOTHING = "NULL"
_WHOLE_TEXT, _LAMRA_TEXT = 2048, 256  # tokens of a query's text, and of a candidate's


def _anything(query: Modality, candidate: Modality) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Judge:
    """A loaded model with its prompt. `version` names the prompt: a score belongs to it. Thread-safe but for the trunk's states."""

    version: str
    opens: Literal["faithful", "upright"]
    trunk: LlavaNext | QwenVl
    answers: Answers
    prompt: Callable[[Query, Document], Filled]
    ids: Callable[[str], Sequence[int]]
    reads: Callable[[Modality, Modality], bool] = _anything

    def item(self, query: Query, candidate: Document, pictures: dict[str, Pixels]) -> Item:
        """The prompt, whose last state is the answer's; `pictures` holds query_image and cand_image, where there are any."""
        prompt = self.prompt(query, candidate)
        shown = tuple(pictures[name] for name in prompt.pictures)
        whole = expanded(self.ids(prompt.prompt), self.trunk.picture_token, shown)
        return Item(whole, only_last(whole.size), shown)


def asked(vocabulary: Vocabulary, query: Query, candidate: Document, tokens: int = _WHOLE_TEXT) -> Asked:
    """Query and candidate with texts that can't become a part of the prompt's structure."""
    text = candidate.text if candidate.modality.has_text else None
    return Asked(
        query_text=vocabulary.cut(vocabulary.harmless(query.text or ""), tokens),
        query_image=query.image is not None,
        cand_text=vocabulary.cut(vocabulary.harmless(text or ""), tokens),
        cand_image=candidate.modality.has_image,
        instruction="" if query.instruction is None else vocabulary.harmless(query.instruction.wording),
    )


def true_false(trunk: LlavaNext) -> Judge:
    """LLaVA-NeXT without any training for it, asked True or False as in MM-Embed's section 4.2; both spellings count."""
    vocabulary, templates = trunk.vocabulary, true_false_prompts()

    def prompt(query: Query, candidate: Document) -> Filled:
        dataset = None if query.instruction is None else query.instruction.dataset
        made_of = query.modality or Modality.TEXT
        template = templates.get((dataset, made_of, candidate.modality)) or templates[None, made_of, candidate.modality]
        return filled(_in_llavas_turn(vocabulary, template), asked(vocabulary, query, candidate), LLAVA_PICTURE)

    def reads(query: Modality, candidate: Modality) -> bool:
        return (None, query, candidate) in templates

    answers = answers_of(vocabulary, "True", "False", WORD_INITIAL)
    return Judge("true-false 1", "faithful", trunk, answers, prompt, vocabulary.open_ended_ids, reads)


def yes_no(trunk: LlavaNext) -> Judge:
    """LLaVA-NeXT asked one plain question that shows everything there is of query and candidate."""
    vocabulary = trunk.vocabulary

    def prompt(query: Query, candidate: Document) -> Filled:
        return filled(_in_llavas_turn(vocabulary, ANY), asked(vocabulary, query, candidate), LLAVA_PICTURE)

    return Judge("yes-no 1", "faithful", trunk, answers_of(vocabulary, "Yes", "No", WORD_INITIAL), prompt, vocabulary.open_ended_ids)


def _in_llavas_turn(vocabulary: Vocabulary, template: str) -> str:
    """As a person's turn to the language model below: ChatML for the one of 34 B, else Mistral's."""
    if vocabulary.tokenizer.token_to_id(TURN) is None:
        return f"[INST] {template} [/INST]"
    return f"{TURN}system\nAnswer the questions.{END}{TURN}user\n{template}{END}{TURN}assistant\n"


def lamra_pointwise(trunk: QwenVl) -> Judge:
    """LamRA-Rank and U-MARVEL's own reranker, one candidate at a time; texts are written as in training."""
    vocabulary = trunk.vocabulary

    def prompt(query: Query, candidate: Document) -> Filled:
        return filled(in_a_turn(trunk, LAMRA_POINTWISE), written(vocabulary, query, candidate), QWEN_PICTURE)

    return Judge("lamra-pointwise 1", "faithful", trunk, answers_of(vocabulary, "Yes", "No", GLUED), prompt, vocabulary.bare_ids)


def in_a_turn(trunk: QwenVl, content: str) -> str:
    """A person's turn, behind which the model answers."""
    return f"{'' if trunk.generation is Generation.QWEN3 else _SYSTEM}{TURN}user\n{content}{ANSWER}"


def written(vocabulary: Vocabulary, query: Query, candidate: Document) -> Asked:
    """Instruction and query as one text, and every text in the form that LamRA was trained on."""
    plain = asked(vocabulary, query, candidate, _LAMRA_TEXT)
    told = f"{plain.instruction} {plain.query_text}" if plain.instruction else plain.query_text
    # Once more, since that form drops carriage returns, and a marker that one of them held open is closed up.
    query_text, cand_text = (vocabulary.harmless(formatted(text)) for text in (told, plain.cand_text))
    return Asked(query_text, plain.query_image, cand_text, plain.cand_image)


def qwen3_reranker(trunk: QwenVl) -> Judge:
    """Qwen3-VL-Reranker: yes against no, under the instruction."""
    vocabulary = trunk.vocabulary

    def prompt(query: Query, candidate: Document) -> Filled:
        plain = asked(vocabulary, query, candidate)
        cand_text = plain.cand_text if plain.cand_text or plain.cand_image else _QWEN3_NOTHING
        told = replace(plain, cand_text=cand_text, instruction=plain.instruction or _QWEN3_DEFAULT)
        return filled(QWEN3, told, QWEN_PICTURE)

    return Judge("qwen3-vl-reranker 1", "upright", trunk, answers_of(vocabulary, "yes", "no", GLUED), prompt, vocabulary.bare_ids)
