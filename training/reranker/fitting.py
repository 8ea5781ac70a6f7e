"""The logistic regression, fitted on the first lists of the learning side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from rerank.text import Regression
from training.reranker.lists import FirstLists

_SCALE = 1000  # the regression's own penalty is fixed, so the sum of the weights says how much it counts


def fit(lists: Sequence[FirstLists], rows: Sequence[NDArray[np.float32]], used: Sequence[int]) -> Regression:
    """Every set counts alike; lists without a right answer teach nothing and are left out. Features not `used` weigh 0."""
    features, labels, weights = [], [], []
    for one, given in zip(lists, rows, strict=True):
        found = one.relevant.any(axis=1)
        flat = given[found].reshape(-1, given.shape[-1])
        told = one.relevant[found].ravel()
        known = ~np.isnan(flat).any(axis=1)
        features.append(flat[known][:, used])
        labels.append(told[known])
        weights.append(np.full(int(known.sum()), _SCALE / max(int(known.sum()), 1)))
    table = np.concatenate(features)
    mean, deviation = table.mean(axis=0), table.std(axis=0)
    model = LogisticRegression(max_iter=1000).fit((table - mean) / deviation, np.concatenate(labels), sample_weight=np.concatenate(weights))
    scaled = model.coef_[0] / deviation
    full = np.zeros(rows[0].shape[-1])
    full[list(used)] = scaled
    return Regression(tuple(round(float(weight), 5) for weight in full), round(float(model.intercept_[0] - mean @ scaled), 5))
