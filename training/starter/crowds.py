"""Who asks across modalities: the training queries that tell how common a document is, thinned to a few hundred centres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from encoders.starter.commonness import Crowd
from encoders.starter.heads import ASKING, crowd_names
from encoders.starter.steering import unit
from uniir.protocols import Steering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from encoders.starter.steering import Turn
    from training.starter.pairs import RetrievalTask
    from training.starter.spaces import ContentSpace

_CENTRES = 512
_ROUNDS = 8


def gathered(tasks: Sequence[RetrievalTask], space: ContentSpace, turns: Mapping[Steering, Turn]) -> dict[str, NDArray[np.float32]]:
    """The crowds' arrays under their names in the heads file, from what was learnt."""
    arrays: dict[str, NDArray[np.float32]] = {}
    for modality, asking in ASKING.items():
        across = [task for task in tasks if task.queries and (task.queries[0].modality, task.pool[0].modality) == (asking, modality)]
        queries = list(dict.fromkeys(one for task in across for one in task.queries))
        documents = list(dict.fromkeys(one for task in across for one in task.pool))
        content = space.turned(queries, turns[Steering(asking, modality)].scales)[:, : sum(space.blocks[:2])]
        crowd = _thinned(content).centred_on(space.documents(documents))
        arrays |= dict(zip(crowd_names(asking), (crowd.centres, crowd.log_shares), strict=True))
    return arrays


def _thinned(content: NDArray[np.float32]) -> Crowd:
    """Means of clusters (k-means on the sphere); a cluster counts as often as it has members."""
    random = np.random.default_rng(0)
    centres = content[random.choice(len(content), min(_CENTRES, len(content)), replace=False)]
    for _ in range(_ROUNDS):
        nearest = (content @ unit(centres).T).argmax(axis=1)
        sizes = np.bincount(nearest, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, content)
        centres = np.asarray(sums[sizes > 0] / sizes[sizes > 0, None], np.float32)
        sizes = sizes[sizes > 0]
    return Crowd(centres, np.log(sizes / sizes.sum()).astype(np.float32))
