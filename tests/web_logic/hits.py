"""Hits as the service sends them, with what a test cares about."""

from __future__ import annotations

from typing import Any

from uniir.documents import Modality
from uniir.hits import Band
from uniir.wire import HitAnswer


def hit(rank: int = 1, modality: Modality = Modality.TEXT, band: Band | None = None, **parts: Any) -> HitAnswer:
    values: dict[str, Any] = {
        "rank": rank,
        "id": f"{rank:013d}",
        "modality": modality,
        "score": 0.5,
        "text": "A sour apple." if modality.has_text else None,
        "path": "/corpus/catalogue.jsonl",
        "locator": None,
        "image": "/corpus/pictures/apple.webp" if modality.has_image else None,
        "metadata": {},
        "parts": {},
        "band": band,
    }
    return HitAnswer(**(values | parts))
