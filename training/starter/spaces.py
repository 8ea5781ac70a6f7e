"""Content vectors of a task's queries and pool, and their inner products block by block, so that any turn can be tried at once."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from encoders.starter.heads import Heads, head_features
from encoders.starter.image_tower import ARCHITECTURES, TowerOutput
from encoders.starter.steering import Turn, balanced, turn, unit, with_axis
from training.starter.features import PictureFeatures, TextFeatures
from training.starter.pairs import Parts, RetrievalTask
from uniir.documents import Modality
from uniir.protocols import Steering


class ContentSpace:
    """Content of anything whose features are cached, as the encoder would make it."""

    def __init__(self, heads: Heads, pictures: Sequence[PictureFeatures], texts: TextFeatures) -> None:
        self._heads = heads
        self._texts = texts
        self._row: dict[str, int] = {}
        contents, bare = [], []
        for part in pictures:
            start = len(self._row)
            self._row |= {path: start + number for path, number in part.row.items()}
            contents.append(heads.image_content(_outputs(part)))
            bare.append(head_features(part.features.astype(np.float32)))
        self._pictures = np.concatenate(contents)
        self._bare_pictures = np.concatenate(bare)
        self._known_texts: dict[str, NDArray[np.float32]] = {}

    def content(self, parts: Sequence[Parts]) -> NDArray[np.float32]:
        """[n, content], unit length; a pair is the normalised sum of its parts."""
        total = np.zeros((len(parts), self._heads.choices.layout.content), np.float32)
        self._learn(one.text for one in parts if one.text is not None)
        for number, one in enumerate(parts):
            if one.text is not None:
                total[number] += self._known_texts[one.text]
        with_image = [number for number, one in enumerate(parts) if one.image is not None]
        if with_image:
            total[with_image] += self._pictures[[self._row[parts[number].image or ""] for number in with_image]]
        return unit(total)

    def _learn(self, texts: Iterable[str]) -> None:
        # The same pools are asked for again and again, and the text head is the slow part.
        missing = list(dict.fromkeys(text for text in texts if text not in self._known_texts))
        if missing:
            self._known_texts |= dict(zip(missing, self._heads.text_content(self._texts.of(missing)), strict=True))

    def bare_pictures(self, parts: Sequence[Parts]) -> NDArray[np.float32]:
        """The towers' own features of pictures, which no block may fall far below."""
        return self._bare_pictures[[self._row[one.image or ""] for one in parts]]

    def documents(self, parts: Sequence[Parts]) -> NDArray[np.float32]:
        """The same for candidates, whose pairs are balanced block by block."""
        total = self.content(parts)
        pairs = [number for number, one in enumerate(parts) if one.modality is Modality.IMAGE_TEXT]
        choices = self._heads.choices
        total[pairs] = balanced(total[pairs], choices.layout, choices.image_weights)
        return total

    def stored(self, parts: Sequence[Parts]) -> NDArray[np.float32]:
        """[n, dimension]: candidates as they stand in a store."""
        content, modalities = self.documents(parts), [one.modality for one in parts]
        return with_axis(content, modalities, self._heads.choices.axis_height, self._heads.commonness(content, modalities))

    def asked(self, parts: Sequence[Parts], towards: Turn) -> NDArray[np.float32]:
        """[n, dimension]: queries turned."""
        choices = self._heads.choices
        vectors = np.zeros((len(parts), choices.layout.dimension), np.float32)
        vectors[:, : choices.layout.content] = self.content(parts)
        kind = Steering(parts[0].modality, None)
        return turn(vectors, [kind] * len(parts), choices.layout, {kind: towards}, choices.axis_height)

    def with_crowds(self, arrays: Mapping[str, NDArray[np.float32]]) -> ContentSpace:
        """The same contents; how common candidates are is told by these crowds."""
        other = copy.copy(self)
        other._heads = replace(self._heads, tensors={**self._heads.tensors, **arrays})
        return other

    @property
    def blocks(self) -> tuple[int, int, int]:
        """Widths of the content's blocks."""
        return self._heads.choices.layout.blocks

    def turned(self, parts: Sequence[Parts], scales: Sequence[float]) -> NDArray[np.float32]:
        """Queries' content with rescaled blocks, unit length again."""
        return unit(self.content(parts) * self._heads.choices.layout.spread(scales))


@dataclass(frozen=True, slots=True)
class BlockScores:
    """Inner products of queries and pool for each block, [blocks, queries, pool], with the query's own picture barred."""

    task: RetrievalTask
    query: Modality
    blocks: NDArray[np.float32]
    lengths: NDArray[np.float32]  # [blocks, queries], squared length of each block of the queries
    pool_modalities: tuple[Modality, ...]
    bare: NDArray[np.float32] | None  # [queries, pool], by the towers without heads; only between texts and between pictures

    @classmethod
    def of(cls, task: RetrievalTask, space: ContentSpace) -> BlockScores:
        bounds = np.cumsum((0, *space.blocks))
        queries, pool = space.content(task.queries), space.documents(task.pool)
        slices = [slice(start, end) for start, end in itertools.pairwise(bounds)]
        blocks = np.stack([queries[:, one] @ pool[:, one].T for one in slices])
        blocks[:, own_pictures(task)] = -np.inf
        lengths = np.stack([(queries[:, one] ** 2).sum(axis=1) for one in slices])
        kinds = tuple(one.modality for one in task.pool)
        bare = None
        if {task.queries[0].modality, *kinds} == {Modality.IMAGE}:
            bare = space.bare_pictures(task.queries) @ space.bare_pictures(task.pool).T
            bare[own_pictures(task)] = -np.inf
        elif {task.queries[0].modality, *kinds} == {Modality.TEXT}:
            bare = blocks[1]
        return cls(task, task.queries[0].modality, blocks, lengths, kinds, bare)

    def cosines(self, scales: Sequence[float]) -> NDArray[np.float32]:
        """[queries, pool] for queries whose blocks are rescaled and whose content has unit length again."""
        used = [number for number, scale in enumerate(scales) if scale]
        total = sum(np.float32(scales[number]) * self.blocks[number] for number in used)
        length = np.sqrt(sum(np.float32(scale) ** 2 * part for scale, part in zip(scales, self.lengths, strict=True)))
        return np.asarray(total / np.maximum(length, 1e-9)[:, None], np.float32)


def scores(task: RetrievalTask, space: ContentSpace, towards: Turn) -> NDArray[np.float32]:
    """[queries, pool]: inner products as a store computes them, own picture barred."""
    result = space.asked(task.queries, towards) @ space.stored(task.pool).T
    result[own_pictures(task)] = -np.inf
    return result


def own_pictures(task: RetrievalTask) -> NDArray[np.bool_]:
    """[queries, pool]: candidates that show the query's very picture and are not right, barred as in the data's own baselines."""
    places: dict[str, list[int]] = {}
    for number, candidate in enumerate(task.pool):
        if candidate.image is not None:
            places.setdefault(candidate.image, []).append(number)
    barred = np.zeros((len(task.queries), len(task.pool)), bool)
    for row, (query, positives) in enumerate(zip(task.queries, task.positives, strict=True)):
        if query.image is not None:
            barred[row, [place for place in places.get(query.image, ()) if place not in positives]] = True
    return barred


def _outputs(pictures: PictureFeatures) -> tuple[TowerOutput, ...]:
    """The cached features in the form in which the towers give them."""
    features, logits = pictures.features.astype(np.float32), pictures.logits.astype(np.float32)
    outputs, start = [], 0
    for architecture in ARCHITECTURES:
        middle, end = start + 1280, start + 1280 + architecture.last_block
        outputs.append(TowerOutput(features[:, start:middle], features[:, middle:end], logits))
        start = end
    return tuple(outputs)
