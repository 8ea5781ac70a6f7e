"""What an encoder's scores mean in words: data that `python -m training.reranker` derives from evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from uniir.documents import Modality
from uniir.hits import BandCuts

_FILES = MappingProxyType({"starter": "encoders.starter"})


def band_cuts(encoder: str, query: Modality, target: Modality | None) -> BandCuts | None:
    """For scores of this kind of search; `target` None is a mixed list. None where nothing was measured."""
    return _all_of(encoder).get((query, target))


@cache
def _all_of(encoder: str) -> Mapping[tuple[Modality, Modality | None], BandCuts]:
    if encoder not in _FILES:
        return MappingProxyType({})
    rows = json.loads((files(_FILES[encoder]) / "data" / "bands.json").read_text("utf-8"))["cuts"]
    return MappingProxyType(
        {
            (Modality(row["query"]), None if row["target"] == "any" else Modality(row["target"])): BandCuts(row["strong"], row["good"])
            for row in rows
        }
    )
