"""Tasks of all three sides as first lists: to learn from, to choose on, to report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from encoders.starter.heads import Heads
from evaluation.mbeir.reading import read_candidates, read_queries
from models.devices import Device
from training.reranker.lists import FirstLists, first_lists
from training.starter.evaluation_data import EvaluationTask, evaluation_tasks
from training.starter.features import PictureFeatures, View, extract_pictures, picture_features, text_features
from training.starter.measure import parts_of
from training.starter.pairs import RetrievalTask, mbeir_split, text_split
from training.starter.spaces import ContentSpace
from uniir.documents import Modality

_FILES = ("mbeir_union_train", "mbeir_flickr8k_more_train", "mbeir_flickr8k_val")
_MOST_LEARNT, _MOST_CHOSEN_ON = 250, 300  # queries of one set


@dataclass(frozen=True, slots=True)
class Material:
    """`local` has each task over its own pool, `union` over all of them; `mixed` is `union` without a target."""

    training: tuple[FirstLists, ...]
    validation: tuple[FirstLists, ...]
    local: tuple[FirstLists, ...]
    union: tuple[FirstLists, ...]
    mixed: tuple[FirstLists, ...]


def read_material(data: Path, cache: Path, own_cache: Path, heads: Heads, device: Device) -> Material:
    """Vectors of pictures come from the starter's cache; texts from an own one, so that two trainings may run at once."""
    split = mbeir_split(data)
    barred = {text for task in split.validation if task.dataset != "flickr8k" for text in task.texts}
    pairs = text_split(data, barred)
    learnt = _with_targets((*split.training, *pairs.training))
    chosen = _with_targets((*split.validation, *pairs.validation))
    texts = text_features([text for task, _ in (*learnt, *chosen) for text in task.texts], cache=own_cache, device=device)
    space = ContentSpace(heads, [_pictures(data, cache, name, device) for name in _FILES], texts)
    tasks = evaluation_tasks(data / "eval")
    seen = _evaluation_space(data, cache, own_cache, tasks, heads, device)
    return Material(
        tuple(first_lists(learnt, space, heads.choices, _MOST_LEARNT)),
        tuple(first_lists(chosen, space, heads.choices, _MOST_CHOSEN_ON)),
        tuple(first_lists([(one.local, one.target) for one in tasks], seen, heads.choices)),
        tuple(first_lists([(one.union, one.target) for one in tasks], seen, heads.choices)),
        tuple(first_lists([(one.union, None) for one in tasks], seen, heads.choices)),
    )


def _with_targets(tasks: Sequence[RetrievalTask]) -> list[tuple[RetrievalTask, Modality | None]]:
    return [(task, task.pool[task.positives[0][0]].modality) for task in tasks if task.queries]


def _pictures(data: Path, cache: Path, name: str, device: Device) -> PictureFeatures:
    root = extract_pictures(data / "train" / "images", cache / "pictures")
    folder = data / "train"
    asked = [one.image for one in read_queries(folder / "query" / "union_train" / f"{name}.jsonl.gz")]
    offered = [one.image for one in read_candidates(folder / "cand_pool" / "global" / f"{name}_cand_pool.jsonl.gz")]
    paths = [path for path in (*asked, *offered) if path is not None]
    return picture_features(root, paths, view=View.STRAIGHT, cache=cache, device=device)


def _evaluation_space(
    data: Path, cache: Path, own_cache: Path, tasks: Sequence[EvaluationTask], heads: Heads, device: Device
) -> ContentSpace:
    wanted_texts, wanted_pictures = parts_of(tasks)
    texts = text_features(wanted_texts, cache=own_cache, device=device)
    pictures = picture_features(data / "eval", sorted(wanted_pictures), view=View.STRAIGHT, cache=cache, device=device)
    return ContentSpace(heads, (pictures,), texts)
