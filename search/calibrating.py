"""A reranker's values as the collection's own probabilities. The order stays the reranker's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from search.reranking import Reranked
from uniir.calibration import Calibration


def calibrated(reranked: Reranked, calibration: Calibration) -> Reranked:
    """The same order with probabilities and cuts that were measured here."""
    if not reranked.relevance:
        return reranked
    values = calibration.of(np.fromiter(reranked.relevance.values(), np.float64, len(reranked.relevance)))
    relevance = {place: round(float(value), 6) for place, value in zip(reranked.relevance, values, strict=True)}
    return replace(reranked, relevance=relevance, cuts=calibration.cuts)
