"""Cut points for the words strong, good and weak: of the encoder's scores for each kind of search, and of the reranker's probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoders.starter.heads import Heads
from evaluation.metrics.bands import lowest_with_precision
from rerank.text import Regression
from training.reranker.comparing import Comparisons
from training.reranker.lists import FirstLists
from training.reranker.material import Material
from uniir.documents import Modality
from uniir.protocols import Steering

# Shares of hits with such a score that are labelled right. Low, since labels name one right answer where a pool holds several.
STRONG, GOOD = 1 / 3, 1 / 10
_ALWAYS = 2.0  # no inner product of unit vectors reaches it


@dataclass(frozen=True, slots=True)
class Cuts:
    steering: Steering
    strong: float
    good: float


def encoder_cuts(material: Material) -> list[Cuts]:
    """For searches with a target from every task's own pool and the union, for mixed lists from the union.

    In a mixed list only hits of the modality that the task is about are judged; the others have no labels.
    """
    kinds: dict[Steering, list[FirstLists]] = {}
    for one in (*material.local, *material.union, *material.mixed):
        kinds.setdefault(one.steering, []).append(one)
    targets = {one.name: one.steering.target for one in material.local}
    found = []
    for steering, lists in kinds.items():
        judged = [_judged(one, targets[one.name]) for one in lists]
        cuts = lowest_with_precision(
            [one.scores[mask] for one, mask in zip(lists, judged, strict=True)],
            [one.relevant[mask] for one, mask in zip(lists, judged, strict=True)],
            (STRONG, GOOD),
        )
        if cuts[1] is not None:
            found.append(Cuts(steering, round(_ALWAYS if cuts[0] is None else cuts[0], 4), round(cuts[1], 4)))
    return found


def reranker_cuts(material: Material, comparisons: Comparisons, regression: Regression) -> dict[str, float]:
    """From lists of texts that were searched for by text."""
    lists = [one for one in (*material.local, *material.union) if one.steering == Steering(Modality.TEXT, Modality.TEXT)]
    probabilities = [regression.probabilities(comparisons.rows(one)) for one in lists]
    strong, good = lowest_with_precision(probabilities, [one.relevant for one in lists], (STRONG, GOOD))
    return {"strong": round(_ALWAYS if strong is None else strong, 4), "good": round(_ALWAYS if good is None else good, 4)}


def write_encoder_cuts(file: Path, heads: Heads, cuts: Sequence[Cuts]) -> None:
    rows: list[Mapping[str, object]] = [
        {
            "query": str(one.steering.query),
            "target": "any" if one.steering.target is None else str(one.steering.target),
            "strong": one.strong,
            "good": one.good,
        }
        for one in sorted(cuts, key=lambda one: str(one.steering))
    ]
    described = {"heads": heads.digest, "precision": {"strong": STRONG, "good": GOOD}, "cuts": rows}
    file.write_text(json.dumps(described, indent=1) + "\n", "utf-8")


def _judged(lists: FirstLists, target: Modality | None) -> np.ndarray:
    if lists.steering.target is not None:
        return np.ones(lists.relevant.shape, bool)
    return np.array([[one.modality is target for one in row] for row in lists.candidates], bool)
