"""The whole way from pictures and texts to heads and a report."""

from __future__ import annotations

import datetime
import hashlib
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.starter.heads import Choices, Heads, head_features
from encoders.starter.steering import MODALITIES, Layout, Turn
from evaluation.mbeir.reading import read_candidates, read_instructions, read_queries
from models.devices import Device
from training.starter import about
from training.starter.choose import (
    Trial,
    axes_for,
    choose_open_turn,
    choose_push,
    choose_scales,
    choose_uncommon,
    fairness,
    mixed_tasks,
)
from training.starter.crowds import gathered
from training.starter.evaluation_data import evaluation_tasks, published_baselines
from training.starter.features import PictureFeatures, View, extract_pictures, picture_features, text_features
from training.starter.heads_file import PICTURE, assemble, class_sentences, combine, fixed_arrays, mixed_down, write_heads
from training.starter.instructions import Comparison, compare, instructed_tasks, worth_it
from training.starter.measure import RawSpace, TaskReport, fairness_table, measure_task, parts_of
from training.starter.model import HEAD
from training.starter.pairs import RetrievalTask, everything, mbeir_split, text_split
from training.starter.report import Report, write_report
from training.starter.spaces import ContentSpace
from training.starter.train import Material, Recipe, Trainer
from uniir.documents import Modality
from uniir.protocols import Steering

_LOG = logging.getLogger(__name__)
_TRAIN_FILES = ("mbeir_union_train", "mbeir_flickr8k_more_train")
_VALIDATION_FILE = "mbeir_flickr8k_val"
_IN_MIXED_LISTS = {
    "flickr8k",
    "fashion",
    "grocery",
    "exercises",
    "recipes",
    "pacs",
    "animals",
    "clothing",
    "multi30k_captions",
    "wikiqa_answers",
}
_UNCHOSEN = Choices(
    layout=Layout(HEAD, 384, PICTURE),
    image_weights=(1.0, 1.0, 1.0),
    text_weights=(1.0, 1.0, 0.0),
    axis_height=1.0,
    top_classes=10,
    turns={},
    prefixed=frozenset(),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What validation decided, with the evidence for the report."""

    choices: Choices
    trials: tuple[Trial, ...]
    comparisons: tuple[Comparison, ...]
    fairness: dict[str, dict[str, dict[str, float]]]


class Run:
    """One training run with everything before and after it; features are cached, so that a second run is mostly training."""

    def __init__(self, data: Path, cache: Path, device: Device, seeds: int) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        self._data, self._cache, self._device, self._seeds = data, cache, device, seeds
        self._started = time.monotonic()
        self._split = mbeir_split(data)
        barred = {text for task in self._split.validation if task.dataset != "flickr8k" for text in task.texts}
        self._text_split = text_split(data, barred)

    def all(self, out: Path, reports: Path) -> None:
        """Trains, chooses, writes the heads, measures, reports."""
        pictures = extract_pictures(self._data / "train" / "images", self._cache / "pictures")
        views = self._views(pictures, _TRAIN_FILES)
        later = self._views(pictures, (_VALIDATION_FILE,))
        straight, validation = views[0], later[0]
        _LOG.info("%d training pictures, %d for validation", len(straight.row), len(validation.row))
        whole_tasks, whole_pairs = everything(self._data)
        every = (*whole_tasks, *whole_pairs, *self._split.validation, *self._text_split.validation)
        instructed = instructed_tasks(
            self._split.validation, read_instructions(self._data / "train" / "instructions" / "query_instructions.tsv")
        )
        said = [text for _, task in instructed for text in task.texts]
        texts = text_features(
            [*class_sentences(), *said, *(text for task in every for text in task.texts)], cache=self._cache, device=self._device
        )
        fixed = fixed_arrays(straight, texts, PICTURE)
        material = Material(views, texts, fixed["image.mean"], fixed["image.inverse_deviation"])
        learnt = (*self._split.training, *self._text_split.training)
        first = self._runs(material, self._split.training, self._text_split.training, range(self._seeds))
        heads = _joined(first, fixed, material, learnt)
        chosen = self._choose(heads, ContentSpace(heads, (straight, validation), texts), instructed)
        _LOG.info("chosen; training on everything")
        # Usual practice: once all is chosen, what was held out is learnt as well, and the choices stay as they are.
        whole = replace(material, views=tuple(PictureFeatures.joined(both) for both in zip(views, later, strict=True)))
        second = self._runs(whole, whole_tasks, whole_pairs, range(self._seeds, 2 * self._seeds))
        heads = replace(_joined((*first, *second), fixed, material, learnt), choices=chosen.choices)
        crowds = gathered((*whole_tasks, *whole_pairs), ContentSpace(heads, (straight, validation), texts), chosen.choices.turns)
        heads = assemble(heads.choices, heads.tensors, crowds)
        _LOG.info("measuring")
        measured = self._measure(heads)
        report = Report(
            date=datetime.date.today().isoformat(),
            seeds=self._seeds,
            minutes=round((time.monotonic() - self._started) / 60, 1),
            recipe=Recipe(),
            choices=chosen.choices,
            trials=chosen.trials,
            comparisons=chosen.comparisons,
            validation_fairness=chosen.fairness,
            tasks=tuple(measured),
            fairness=tuple(fairness_table(measured)),
            published=published_baselines(self._data / "README.md"),
        )
        write_heads(heads, about.described(report), out)
        write_report(report, reports)
        _LOG.info("done in %.1f minutes", (time.monotonic() - self._started) / 60)

    def _views(self, root: Path, files: tuple[str, ...]) -> tuple[PictureFeatures, ...]:
        return tuple(self._pictures(root, files, view) for view in View)

    def _pictures(self, root: Path, files: tuple[str, ...], view: View) -> PictureFeatures:
        parts = []
        for file in files:
            folder = self._data / "train"
            asked = [one.image for one in read_queries(folder / "query" / "union_train" / f"{file}.jsonl.gz")]
            offered = [one.image for one in read_candidates(folder / "cand_pool" / "global" / f"{file}_cand_pool.jsonl.gz")]
            paths = [path for path in (*asked, *offered) if path is not None]
            parts.append(picture_features(root, paths, view=view, cache=self._cache, device=self._device))
        return PictureFeatures.joined(parts)

    def _runs(
        self, material: Material, tasks: Sequence[RetrievalTask], pairs: Sequence[RetrievalTask], seeds: Iterable[int]
    ) -> list[dict[str, NDArray[np.float32]]]:
        return [self._train_once(material, tasks, pairs, seed) for seed in seeds]

    def _train_once(
        self, material: Material, tasks: Sequence[RetrievalTask], pairs: Sequence[RetrievalTask], seed: int
    ) -> dict[str, NDArray[np.float32]]:
        """One seed's heads, kept in the cache so that an interrupted command goes on where it was."""
        recipe = Recipe()
        views = material.views
        settings = f"{recipe} {len(material.texts.row)} {len(views)} {len(views[0].row)}"
        file = self._cache / f"trained-{hashlib.sha256(settings.encode()).hexdigest()[:16]}-{seed}.npz"
        if not file.exists():
            started = time.monotonic()
            trained = Trainer(material, tasks, pairs, recipe, seed).run()
            np.savez(file, **trained)  # type: ignore[arg-type]
            _LOG.info("trained seed %d in %.0f s", seed, time.monotonic() - started)
        with np.load(file) as stored:
            return dict(stored)

    def _choose(self, heads: Heads, space: ContentSpace, instructed: list[tuple[RetrievalTask, RetrievalTask]]) -> Chosen:
        tasks = (*self._split.validation, *self._text_split.validation)
        trials = choose_scales(tasks, space)
        learnt = (*self._split.training, *self._text_split.training)
        crowded = space.with_crowds(gathered(learnt, space, {steering: trial.turn for steering, trial in trials.items()}))
        trials = choose_uncommon(trials, tasks, learnt, crowded)
        in_lists = [task for task in tasks if task.dataset in _IN_MIXED_LISTS]
        turns: dict[Steering, Turn] = {}
        fair: dict[str, dict[str, dict[str, float]]] = {}
        pushes = []
        for query in Modality:
            own = {target: trials.get(Steering(query, target), _nearest(trials, query, target)) for target in MODALITIES}
            for target, trial in own.items():
                mixed = [one for one in mixed_tasks(in_lists, space, query, trial.turn.scales) if one.target is target]
                pushes.append(choose_push(mixed) if mixed else 1.0)
                turns[Steering(query, target)] = trial.turn
            # By picture features alone all texts are equal, and equals would count as found.
            shared = [trial.turn.scales for trial in own.values() if any(trial.turn.scales[:2])]
            tried = list(dict.fromkeys([*shared, (1.0, 1.0, 1.0), (1.0, 0.4, 0.5), (1.0, 0.6, 1.0)]))
            open_turn = choose_open_turn(in_lists, space, query, tried)
            turns[Steering(query, None)] = open_turn
            fair[str(query)] = {
                "plain": _named(fairness(mixed_tasks(in_lists, space, query, (1.0, 1.0, 1.0)), (0.0, 0.0, 0.0))),
                "shipped": _named(fairness(mixed_tasks(in_lists, space, query, open_turn.scales), open_turn.axes)),
            }
        push = max(pushes)  # one for all, so that a score means the same whatever was asked
        turns = {
            steering: turn if steering.target is None else replace(turn, axes=axes_for(steering.target, push))
            for steering, turn in turns.items()
        }
        comparisons = compare(instructed, space, turns)
        choices = replace(_UNCHOSEN, turns=turns, prefixed=worth_it(comparisons))
        return Chosen(choices, tuple(trials.values()), tuple(comparisons), fair)

    def _measure(self, heads: Heads) -> list[TaskReport]:
        root = self._data / "eval"
        tasks = evaluation_tasks(root)
        wanted_texts, wanted_pictures = parts_of(tasks)
        texts = text_features(wanted_texts, cache=self._cache, device=self._device)
        pictures = picture_features(root, sorted(wanted_pictures), view=View.STRAIGHT, cache=self._cache, device=self._device)
        features = head_features(pictures.features.astype(np.float32))
        raw = RawSpace(
            {text: texts.vectors[row] for text, row in texts.row.items()}, {path: features[row] for path, row in pictures.row.items()}
        )
        space = ContentSpace(heads, (pictures,), texts)
        return [measure_task(task, space, raw, heads.choices) for task in tasks]


def _joined(
    runs: Sequence[dict[str, NDArray[np.float32]]],
    fixed: dict[str, NDArray[np.float32]],
    material: Material,
    learnt: Iterable[RetrievalTask],
) -> Heads:
    trained = combine(runs)
    texts = sorted({text for task in learnt for text in task.texts})
    trained["head.mix"] = mixed_down(assemble(_UNCHOSEN, trained, fixed), material.views[0], material.texts.of(texts), HEAD)
    return assemble(_UNCHOSEN, trained, fixed)


def _nearest(trials: dict[Steering, Trial], query: Modality, target: Modality) -> Trial:
    """What to do for a kind of search without validation: as for the nearest kind that has one."""
    order = [Steering(query, Modality.IMAGE_TEXT), Steering(query, Modality.IMAGE), Steering(query, Modality.TEXT)]
    order += [Steering(one, target) for one in Modality]
    return next(trials[one] for one in order if one in trials)


def _named(values: dict[Modality, float]) -> dict[str, float]:
    return {str(target): round(value, 2) for target, value in values.items()}
