"""What a multimodal language model would answer first: the share of one answer against another, for many prompts that begin alike."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import torch

from models.batching import Batches
from models.rows import Item, Rows, rows_of
from models.vocabulary import Vocabulary
from uniir.errors import ModelUnavailable

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

GLUED, WORD_INITIAL = ("",), ("", "▁", "Ġ")
_WORTH = 8  # places that must be shared, and prompts, before reading them once pays
_PADDING = 0


class Trunk(Protocol):
    """A language model with its pictures and its head to the vocabulary."""

    @property
    def head(self) -> Any: ...

    @property
    def picture_token(self) -> int: ...

    @property
    def device(self) -> torch.device: ...

    def read(self, rows: Rows) -> Any: ...

    def states_behind(self, whole: Rows, read: Any, length: int) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Answers:
    """The token ids that mean yes, and those that mean no."""

    yes: tuple[int, ...]
    no: tuple[int, ...]


def answers_of(vocabulary: Vocabulary, yes: str, no: str, spellings: Sequence[str]) -> Answers:
    """By piece and never by tokenizing, which puts a start or a blank before it; a spelling that only one of them has is left out.

    Raises ModelUnavailable where there is no such token for both.
    """
    id_of = vocabulary.tokenizer.token_to_id
    pairs = [(id_of(f"{before}{yes}"), id_of(f"{before}{no}")) for before in spellings]
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    if not both:
        raise ModelUnavailable(f"The tokenizer has no single tokens for the answers {yes!r} and {no!r}.", "Fetch the checkpoint again.")
    return Answers(tuple(one for one, _ in both), tuple(other for _, other in both))


def probabilities(trunk: Trunk, items: Sequence[Item], answers: Answers, batches: Batches) -> Tensor:
    """[n], float32: how likely yes is against no behind each prompt. What all prompts begin with is read once."""
    with torch.inference_mode():
        shared = shared_places(items, trunk.picture_token)
        read = trunk.read(rows_of([_beginning(items[0], shared, trunk.picture_token)], _PADDING, trunk.device)) if shared else None

        def compute(batch: Sequence[Item]) -> Tensor:
            rows = rows_of(batch, _PADDING, trunk.device)
            if read is None:
                states = trunk.states_behind(rows, None, 0)
            else:
                seen = copy.deepcopy(read)
                seen.batch_repeat_interleave(len(batch))
                states = trunk.states_behind(rows, seen, shared)
            last = states[rows.kept[:, shared:].to(states.device)].float()
            return shares(last, trunk.head.weight, answers)

        return batches.run(items, lambda item: item.ids.size - shared, compute).float().cpu()


def shares(states: Tensor, table: Tensor, answers: Answers) -> Tensor:
    """In float32, since the difference of two half-precision logits ties."""
    yes, no = (torch.logsumexp(states @ table[list(ids)].to(states.device, torch.float32).T, dim=-1) for ids in (answers.yes, answers.no))
    return torch.sigmoid(yes - no)


def shared_places(items: Sequence[Item], picture_token: int) -> int:
    """How many places all prompts begin with, their pictures included; 0 where that is not worth a reading of its own."""
    if len(items) < 2:
        return 0
    first = items[0]
    length = min(item.ids.size for item in items) - 1
    for item in items[1:]:
        different = (first.ids[:length] != item.ids[:length]).nonzero()[0]
        length = int(different[0]) if different.size else length
    place = 0
    for number, picture in enumerate(first.pictures):
        start = place + int((first.ids[place:] == picture_token).argmax())
        same = all(number < len(item.pictures) and item.pictures[number] is picture for item in items)
        if start < length and (not same or start + picture.slots > length):
            length = start
        place = start + picture.slots
    return length if length >= _WORTH else 0


def _beginning(item: Item, length: int, picture_token: int) -> Item:
    slots = int((item.ids[:length] == picture_token).sum())
    pictures = []
    for picture in item.pictures:
        if slots <= 0:
            break
        pictures.append(picture)
        slots -= picture.slots
    return Item(item.ids[:length], item.kept[:length], tuple(pictures))
