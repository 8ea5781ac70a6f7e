"""How good each hit of a list is in words; a list never gets better downwards."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from uniir.hits import Band, BandCuts

_ORDER = (Band.WEAK, Band.GOOD, Band.STRONG)


def bands_of(
    scores: Sequence[float], cuts: BandCuts | None, relevance: Sequence[float | None], relevance_cuts: BandCuts | None
) -> list[Band | None]:
    """By place. `scores` fall, as first found; `relevance` is by the new place, None where a hit was not read.

    Where all of the first hits were read, the reranker's probability decides; in a list that was read in part only, its places keep
    the words that the first order gave them, since a probability and a score can't be compared. Scores that do not fall are those of an
    order that the query's words made: then each hit has the word for its own, since a place says nothing about a score.
    """
    by_score = [None if cuts is None else cuts.of(score) for score in scores]
    read = next((place for place, value in enumerate(relevance) if value is None), len(relevance))
    if relevance_cuts is None or read == 0 or any(value is not None for value in relevance[read:]):
        falling = all(earlier >= later for earlier, later in pairwise(scores))
        return _never_rising(by_score) if falling else by_score
    judged: list[Band | None] = [relevance_cuts.of(value) for value in relevance[:read] if value is not None]
    return _never_rising([*judged, *by_score[read:]])


def _never_rising(bands: Sequence[Band | None]) -> list[Band | None]:
    least: Band | None = None
    found: list[Band | None] = []
    for band in bands:
        if band is None:
            found.append(None)
            continue
        least = band if least is None else min(least, band, key=_ORDER.index)
        found.append(least)
    return found
