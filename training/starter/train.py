"""Trains the heads: contrastive, every step one batch of captions, one of text pairs, and a few of the other tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.starter.features import PictureFeatures, TextFeatures
from training.starter.model import HeadsModule
from training.starter.pairs import Parts, RetrievalTask


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of one training run; the values are facts of measurements on the validation files."""

    epochs: int = 60  # over the captioned pictures
    caption_batch: int = 512
    text_batch: int = 512
    task_batch: int = 192
    tasks_per_step: int = 2
    text_weight: float = 0.3
    task_weight: float = 0.6  # 1.0 gains more there but costs two points of R@5 on Flickr8k's dev pictures
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    warm_up: float = 0.1


@dataclass(frozen=True, slots=True)
class Material:
    """Tower features on the training side. `views` show the same pictures straight and mirrored."""

    views: tuple[PictureFeatures, ...]
    texts: TextFeatures
    mean: NDArray[np.float32]
    inverse_deviation: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of texts and pictures in the feature arrays, -1 where a part is absent."""

    text: Tensor
    image: Tensor

    @classmethod
    def of(cls, parts: Sequence[Parts], material: Material) -> _Rows:
        text = [-1 if one.text is None else material.texts.row[one.text] for one in parts]
        image = [-1 if one.image is None else material.views[0].row[one.image] for one in parts]
        return cls(torch.tensor(text), torch.tensor(image))

    def __getitem__(self, chosen: Tensor) -> _Rows:
        return _Rows(self.text[chosen], self.image[chosen])


class _Task:
    """A retrieval task with its feature rows; draws batches."""

    def __init__(self, task: RetrievalTask, material: Material) -> None:
        self.queries = _Rows.of(task.queries, material)
        self.pool = _Rows.of(task.pool, material)
        self.positives = task.positives
        self._places = [frozenset(places) for places in task.positives]

    def draw(self, size: int, random: np.random.Generator) -> tuple[_Rows, _Rows, Tensor]:
        """Queries, one positive of each, and the [n, n] mask of other candidates of the batch that are right as well."""
        chosen = random.choice(len(self.positives), min(size, len(self.positives)), replace=False)
        picked = [self.positives[number][random.integers(len(self.positives[number]))] for number in chosen]
        columns: dict[int, list[int]] = {}
        for column, place in enumerate(picked):
            columns.setdefault(place, []).append(column)
        right = np.zeros((len(picked), len(picked)), bool)
        for row, number in enumerate(chosen):
            right[row, [column for place in self._places[number].intersection(columns) for column in columns[place]]] = True
        np.fill_diagonal(right, False)
        return self.queries[torch.from_numpy(chosen)], self.pool[torch.tensor(picked)], torch.from_numpy(right)


class Trainer:
    """One training run over fixed material; `seed` decides everything that is drawn."""

    def __init__(
        self, material: Material, tasks: Sequence[RetrievalTask], texts: Sequence[RetrievalTask], recipe: Recipe, seed: int
    ) -> None:
        torch.manual_seed(seed)
        self._random = np.random.default_rng(seed)
        self._recipe = recipe
        self._views = [torch.from_numpy(view.features) for view in material.views]
        self._mean, self._inverse = torch.from_numpy(material.mean), torch.from_numpy(material.inverse_deviation)
        self._texts = torch.from_numpy(material.texts.vectors) * material.texts.vectors.shape[1] ** 0.5
        # Captions have a loss of their own, so their two tasks are not drawn again.
        self._captions = next(_Task(one, material) for one in tasks if one.name == "flickr8k/3")
        others = [one for one in tasks if one.dataset != "flickr8k"]
        self._others = [_Task(one, material) for one in others]
        self._other_odds = _odds(others)
        self._pairs = [_Task(one, material) for one in texts]
        self._pair_odds = _odds(texts)
        self._module = HeadsModule(self._views[0].shape[1], self._texts.shape[1])

    def run(self) -> dict[str, NDArray[np.float32]]:
        """Trains and returns the heads' arrays."""
        recipe = self._recipe
        steps = recipe.epochs * (len(self._captions.positives) // recipe.caption_batch)
        scale = [self._module.log_scale]
        rest = [parameter for name, parameter in self._module.named_parameters() if name != "log_scale"]
        optimizer = torch.optim.AdamW(
            [{"params": rest, "weight_decay": recipe.weight_decay}, {"params": scale, "weight_decay": 0.0}], lr=recipe.learning_rate
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps, pct_start=recipe.warm_up)
        self._module.train()
        for _ in range(steps):
            loss = self._caption_loss() + recipe.text_weight * self._text_loss() + recipe.task_weight * self._task_loss()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        return self._module.arrays()

    def _caption_loss(self) -> Tensor:
        """Picture against each of two of its captions, both ways, and the captions against each other."""
        task = self._captions
        chosen = self._random.choice(len(task.positives), self._recipe.caption_batch, replace=False)
        captions = torch.tensor([self._two_of(task.positives[number]) for number in chosen])
        pictures = self._encode(task.queries[torch.from_numpy(chosen)])
        one, other = (self._encode(task.pool[captions[:, side]]) for side in (0, 1))
        return self._both_ways(pictures, one) / 2 + self._both_ways(pictures, other) / 2 + 0.3 * self._both_ways(one, other)

    def _two_of(self, places: Sequence[int]) -> tuple[int, int]:
        first = int(self._random.integers(len(places)))
        step = int(self._random.integers(1, max(len(places), 2)))
        return places[first], places[(first + step) % len(places)]

    def _text_loss(self) -> Tensor:
        task = self._pairs[self._random.choice(len(self._pairs), p=self._pair_odds)]
        queries, positives, right = task.draw(self._recipe.text_batch, self._random)
        return self._both_ways(self._encode(queries), self._encode(positives), right)

    def _task_loss(self) -> Tensor:
        losses = []
        for number in self._random.choice(len(self._others), self._recipe.tasks_per_step, p=self._other_odds, replace=False):
            queries, positives, right = self._others[number].draw(self._recipe.task_batch, self._random)
            losses.append(self._both_ways(self._encode(queries), self._encode(positives), right))
        return torch.stack(losses).mean()

    def _encode(self, rows: _Rows) -> Tensor:
        """Unit rows; something with text and picture is the normalised sum of both, as at search time."""
        total = torch.zeros(len(rows.text), self._module.image.out_features)
        with_text, with_image = rows.text >= 0, rows.image >= 0
        if with_text.any():
            total = total.index_add(0, with_text.nonzero()[:, 0], self._module.encode_texts(self._texts[rows.text[with_text]]))
        if with_image.any():
            chosen = rows.image[with_image]
            shown = torch.from_numpy(self._random.integers(0, len(self._views), len(chosen)))
            features = torch.empty(len(chosen), self._views[0].shape[1])
            for number, view in enumerate(self._views):
                features[shown == number] = view[chosen[shown == number]].float()
            standardised = (features - self._mean) * self._inverse
            total = total.index_add(0, with_image.nonzero()[:, 0], self._module.encode_images(standardised))
        return functional.normalize(total, dim=-1)

    def _both_ways(self, queries: Tensor, candidates: Tensor, right: Tensor | None = None) -> Tensor:
        logits = self._module.scale * queries @ candidates.T
        if right is not None:
            logits = logits.masked_fill(right, -torch.inf)
        wanted = torch.arange(len(logits))
        return (functional.cross_entropy(logits, wanted) + functional.cross_entropy(logits.T, wanted)) / 2


def _odds(tasks: Sequence[RetrievalTask]) -> NDArray[np.float64]:
    # The root keeps a set of thirty queries from being drawn as often as one of ten thousand, and the other way round.
    sizes = np.sqrt([len(task.queries) for task in tasks])
    return np.asarray(sizes / sizes.sum())
