"""LamRA-Rank over lists: the model names the best of a few, and the best of each few meet again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from models.qwen_vl import PICTURE as QWEN_PICTURE
from models.qwen_vl import QwenVl
from models.rows import Item, Pixels, expanded, only_last, rows_of
from rerank.mllm.judges import in_a_turn, written
from rerank.mllm.prompts import LAMRA_LISTWISE, filled
from rerank.pictures import picture_is_there, showing_pictures_to
from uniir.documents import Document, ImageReference
from uniir.errors import ModelUnavailable
from uniir.hits import BandCuts
from uniir.protocols import ImageLoader
from uniir.queries import Query

AT_ONCE = 5  # candidates, as in training
_LEAD = "Ans: ("


@dataclass(frozen=True, slots=True)
class LamraListwise:
    """Implements `Reranker`, but that a candidate's probability is that of being the best among those it stands with, and `Versioned`."""

    name: str
    trunk: QwenVl
    version: str
    images: ImageLoader
    reading: str = "texts and pictures, several at once"
    cuts: BandCuts | None = None
    _computing: threading.Lock = field(default_factory=threading.Lock)

    def reads(self, query: Query, candidate: Document) -> bool:
        return query.modality is not None and picture_is_there(candidate)

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        """[n], sums to one. Raises ModelUnavailable."""
        if not candidates:
            return np.empty(0, np.float32)
        with showing_pictures_to(self.name):
            shown = None if query.image is None else self._shown(query.image)
            pictures = [self._shown(one.image) if one.modality.has_image and one.image is not None else None for one in candidates]
        with self._computing:
            values = self._best(query, shown, list(candidates), pictures)
        if not np.isfinite(values).all():
            raise ModelUnavailable(f"{self.name} leaves the range of its number type.", "Compute in bfloat16 or float32.")
        return values

    def _best(self, query: Query, shown: Pixels | None, candidates: list[Document], pictures: list[Pixels | None]) -> NDArray[np.float32]:
        """Groups in order; each candidate's share of its group, times its group's share among the groups' best."""
        if len(candidates) == 1:
            return np.ones(1, np.float32)
        starts = range(0, len(candidates), AT_ONCE)
        groups = [self._shares(query, shown, candidates[at : at + AT_ONCE], pictures[at : at + AT_ONCE]) for at in starts]
        if len(groups) == 1:
            return groups[0]
        winners = [at + int(group.argmax()) for at, group in zip(starts, groups, strict=True)]
        among = self._best(query, shown, [candidates[one] for one in winners], [pictures[one] for one in winners])
        return np.concatenate([group * share for group, share in zip(groups, among, strict=True)])

    def _shares(
        self, query: Query, shown: Pixels | None, candidates: Sequence[Document], pictures: Sequence[Pixels | None]
    ) -> NDArray[np.float32]:
        if len(candidates) == 1:
            return np.ones(1, np.float32)
        vocabulary = self.trunk.vocabulary
        digits = [vocabulary.id_of(str(number + 1)) for number in range(len(candidates))]
        item = self._item(query, shown, candidates, pictures)
        with torch.inference_mode():
            rows = rows_of([item], 0, self.trunk.device)
            last = self.trunk.states_behind(rows, None, 0)[0, -1].float()
            logits = self.trunk.head.weight[digits].to(last.device, torch.float32) @ last
        return np.asarray(torch.softmax(logits, -1).cpu().numpy(), np.float32)

    def _item(self, query: Query, shown: Pixels | None, candidates: Sequence[Document], pictures: Sequence[Pixels | None]) -> Item:
        """The answer's first words are put in, so that the next token is a number."""
        vocabulary = self.trunk.vocabulary
        texts = [written(vocabulary, query, one) for one in candidates]
        prompt = filled(LAMRA_LISTWISE, texts[0], QWEN_PICTURE).prompt
        for number, (text, picture) in enumerate(zip(texts, pictures, strict=True), start=1):
            prompt += f"({number}) {QWEN_PICTURE if picture is not None else ''}{text.cand_text}"
        ids = vocabulary.bare_ids(in_a_turn(self.trunk, prompt) + _LEAD)
        there = tuple(one for one in (shown, *pictures) if one is not None)
        whole = expanded(ids, self.trunk.picture_token, there)
        return Item(whole, only_last(whole.size), there)

    def _shown(self, image: ImageReference) -> Pixels:
        return self.trunk.shown(self.images.faithful(image))
