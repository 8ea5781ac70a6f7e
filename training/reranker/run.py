"""The whole way: lists, features, fit, choice on validation, measurement, files."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.starter.encoder import StarterEncoder
from encoders.starter.heads import load_heads
from models.devices import Device
from rerank.features import NAMES, Rarity
from rerank.text import MODEL_FILE, RARITY_FILE, Regression
from training.reranker.bands import encoder_cuts, reranker_cuts, write_encoder_cuts
from training.reranker.comparing import Comparisons, rarity_of
from training.reranker.fitting import fit
from training.reranker.lists import FirstLists
from training.reranker.material import Material, read_material
from training.reranker.measure import Effect, effect, gains, kind_effects
from training.reranker.report import Report, write_report
from uniir.documents import Modality
from uniir.protocols import Steering

_LOG = logging.getLogger(__name__)
_LEARNT = Steering(Modality.TEXT, Modality.TEXT)
_TRIED = ((0, 2), (0, 1, 2), (0, 2, 3), (0, 1, 2, 3))  # places in NAMES; whole texts and single words are what it is about


class Run:
    """Readings and features are kept in the cache, so that a second run is quick."""

    def __init__(self, data: Path, cache: Path, device: Device) -> None:
        self._own = cache / "reranker"
        self._own.mkdir(parents=True, exist_ok=True)
        self._data, self._cache, self._device = data, cache / "starter", device

    def all(self, package: Path, reports: Path, cuts: Path) -> None:
        """Writes the model into `package`, the encoder's cut points into `cuts` and the report into `reports`."""
        heads = load_heads()
        material = read_material(self._data, self._cache, self._own, heads, self._device)
        learnt = [one for one in material.training if one.steering == _LEARNT]
        rarity = rarity_of(text for one in learnt for text in _texts(one))
        comparisons = Comparisons(StarterEncoder(heads, self._device), rarity, self._own / f"features-{_digest(rarity)}.npz")
        rows = [comparisons.rows(one) for one in learnt]
        chosen_on = [one for one in material.validation if one.steering == _LEARNT]
        chosen_rows = [comparisons.rows(one) for one in chosen_on]
        comparisons.save()
        trials = {used: fit(learnt, rows, used) for used in _TRIED}
        results = {used: _mean_gain(chosen_on, chosen_rows, trial) for used, trial in trials.items()}
        best = max(results, key=lambda used: (round(results[used], 2), -len(used)))
        _LOG.info("chosen: %s of %s", [NAMES[place] for place in best], {str(used): round(gain, 2) for used, gain in results.items()})
        regression = trials[best]
        report = self._measure(
            material, comparisons, regression, {", ".join(NAMES[place] for place in used): results[used] for used in _TRIED}
        )
        comparisons.save()
        by_relevance = reranker_cuts(material, comparisons, regression)
        _write_model(package, regression, rarity, by_relevance)
        write_encoder_cuts(cuts, heads, encoder_cuts(material))
        write_report(report, reports)

    def _measure(self, material: Material, comparisons: Comparisons, regression: Regression, trials: dict[str, float]) -> Report:
        sides = {}
        for side in ("validation", "local", "union", "mixed"):
            measured: list[tuple[Effect, NDArray[np.float64]]] = []
            for one in getattr(material, side):
                if one.steering.query is not Modality.TEXT or one.steering.target is Modality.IMAGE:
                    continue  # there is nothing for it to read
                before, after = gains(one, comparisons.rows(one), regression)
                measured.append((effect(one, before, after), after - before))
            sides[side] = ([one for one, _ in measured], kind_effects(measured))
            _LOG.info("%s: %s", side, [asdict(one) for one in sides[side][1]])
        return Report(regression, trials, sides)


def _mean_gain(lists: Sequence[FirstLists], rows: Sequence[NDArray[np.float32]], regression: Regression) -> float:
    pairs = [gains(one, given, regression) for one, given in zip(lists, rows, strict=True)]
    return 100 * float(np.mean([(after - before).mean() for before, after in pairs]))


def _texts(lists: FirstLists) -> list[str]:
    parts = (*lists.queries, *(one for row in lists.candidates for one in row))
    return [one.text for one in parts if one.text is not None]


def _digest(rarity: Rarity) -> str:
    return hashlib.sha256(json.dumps([rarity.of_known, rarity.of_unknown, NAMES]).encode()).hexdigest()[:16]


def _write_model(package: Path, regression: Regression, rarity: Rarity, cuts: dict[str, float]) -> None:
    package.mkdir(parents=True, exist_ok=True)
    opened = io.BytesIO()
    pieces = np.frombuffer("\n".join(rarity.of_known).encode(), np.uint8)
    np.savez_compressed(opened, pieces=pieces, rarity=np.array(list(rarity.of_known.values()), np.float16))
    (package / RARITY_FILE).write_bytes(opened.getvalue())
    described = {
        "features": NAMES,
        "weights": regression.weights,
        "intercept": regression.intercept,
        "rarity_of_unknown": rarity.of_unknown,
        "rarity_sha256": hashlib.sha256(opened.getvalue()).hexdigest(),
        "cuts": cuts,
    }
    (package / MODEL_FILE).write_text(json.dumps(described, indent=1) + "\n", "utf-8")
