"""The whole way: lists by meaning and by words, effects of every way to fuse them, the databases' rankings, the page."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from encoders.starter.encoder import StarterEncoder
from encoders.starter.heads import load_heads
from models.devices import Device
from search.fusion import DEPTH
from storage.sql.databases.engines import open_catalog
from training.starter.evaluation_data import EvaluationTask, evaluation_tasks
from training.starter.features import View, picture_features, text_features
from training.starter.measure import parts_of
from training.starter.pairs import RetrievalTask
from training.starter.spaces import ContentSpace
from training.words.known import known_items
from training.words.measure import Effect, Lists, effect, gains, lists
from training.words.report import Ranking, Report, write_report
from training.words.rereading import Rereading, Together, both_by_default
from training.words.shelf import Shelf, shelf
from uniir.documents import Modality

_LOG = logging.getLogger(__name__)
_TS_RANKS = ("ts_rank", "ts_rank_cd")


def run(data: Path, cache: Path, reports: Path, postgres: str | None, device: Device) -> None:
    """Writes words.json and words.md into `reports`."""
    heads = load_heads()
    tasks = evaluation_tasks(data / "eval")
    union = tasks[0].union
    known, names = known_items(data / "eval", union)
    space = _space(data, cache, [*tasks, *(EvaluationTask(one, one, Modality.IMAGE, ()) for one in known)], device)
    asked = [one for one in tasks if one.local.queries[0].text is not None]
    sides: dict[str, list[Effect]] = {"local": [], "union": [], "mixed": [], "known": []}
    rereading = Rereading(StarterEncoder(heads, device), cache / "words" / "rereading.npz")
    together: dict[str, list[Together]] = {"local": [], "union": []}
    for one in asked:
        with shelf(one.local.pool) as own:
            found = lists(one.local, one.target, space, heads.choices, own)
            sides["local"].append(_told(found))
            together["local"] += [rereading.together(one.local, found)] if both_by_default(found) else []
    with shelf(union.pool) as everything:
        for one in asked:
            found = lists(one.union, one.target, space, heads.choices, everything)
            sides["union"].append(_told(found))
            together["union"] += [rereading.together(one.union, found)] if both_by_default(found) else []
            sides["mixed"].append(_told(lists(one.union, None, space, heads.choices, everything)))
    with shelf(union.pool, names) as named:
        sides["known"] += [_told(lists(one, None, space, heads.choices, named)) for one in known]
    rankings = [] if postgres is None else _rankings([one.union for one in asked if one.target is not Modality.IMAGE], union, postgres)
    write_report(Report(sides, rankings, together), reports)


def _space(data: Path, cache: Path, tasks: Sequence[EvaluationTask], device: Device) -> ContentSpace:
    texts, pictures = parts_of(tasks)
    root, own, shared = data / "eval", cache / "words", cache / "starter"
    own.mkdir(parents=True, exist_ok=True)
    seen = picture_features(root, sorted(pictures), view=View.STRAIGHT, cache=shared, device=device)
    return ContentSpace(load_heads(), (seen,), text_features(texts, cache=own, device=device))


def _told(found: Lists) -> Effect:
    measured = effect(found)
    _LOG.info("%s -> %s: %s", measured.name, measured.target, {name: round(100 * one.value, 2) for name, one in measured.ways.items()})
    return measured


def _rankings(tasks: Sequence[RetrievalTask], union: RetrievalTask, postgres: str) -> list[Ranking]:
    """Words alone, over all pools together."""
    engines = open_catalog(postgres)
    try:
        there = Shelf(engines, union.pool, [""] * len(union.pool))
        with shelf(union.pool) as here:
            return [_ranking(task, here, there) for task in tasks]
    finally:
        engines.close()


def _ranking(task: RetrievalTask, here: Shelf, there: Shelf) -> Ranking:
    texts = [one.text or "" for one in task.queries]
    stores = {"SQLite, bm25": here, "Postgres, BM25": there}
    found = {name: [[one.document for one in store.matches(text, None, DEPTH)] for text in texts] for name, store in stores.items()}
    found |= {name: [there.by_ts_rank(text, name, DEPTH) for text in texts] for name in _TS_RANKS}
    return Ranking(task.name, {name: 100 * float(np.mean(gains(ranked, task.positives))) for name, ranked in found.items()})
