"""Scores that were worked out lately, remembered by everything they depend on."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rerank.pictures import showing_pictures_to
from uniir.documents import Document, ImageReference
from uniir.errors import ModelUnavailable
from uniir.images import read_image
from uniir.queries import Query

_REMEMBERED = 200_000  # of some 100 bytes each


@dataclass(slots=True)
class Scores:
    """Of one reranker, the least lately used forgotten first. Safe to use from several threads."""

    most: int = _REMEMBERED
    _known: OrderedDict[str, float] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def of(
        self,
        reranker: str,
        version: str,
        query: Query,
        candidates: Sequence[Document],
        compute: Callable[[Sequence[Document]], Sequence[float]],
    ) -> NDArray[np.float32]:
        """[n], in order; `compute` is asked once, for those that are not known.

        Raises ModelUnavailable where a picture can't be read any more, and for a score that is no number.
        """
        with showing_pictures_to(reranker):
            asked = _asked(version, query)
            keys = [hashlib.sha256(f"{asked}\0{_shown(one)}".encode("utf-8", "surrogatepass")).hexdigest() for one in candidates]
            found = self._found(keys)
            missing = {key: one for key, one in zip(keys, candidates, strict=True) if key not in found}
            values = compute(list(missing.values())) if missing else []
        if not np.isfinite(values).all():
            raise ModelUnavailable(f"{reranker} leaves the range of its number type.", "Compute in bfloat16 or float32.")
        made = dict(zip(missing, values, strict=True))
        self._remember(made)
        return np.array([(found | made)[key] for key in keys], np.float32)

    def _found(self, keys: Sequence[str]) -> dict[str, float]:
        with self._lock:
            found = {key: self._known[key] for key in keys if key in self._known}
            for key in found:
                self._known.move_to_end(key)
            return found

    def _remember(self, made: dict[str, float]) -> None:
        with self._lock:
            self._known |= made
            while len(self._known) > self.most:
                self._known.popitem(last=False)


def _asked(version: str, query: Query) -> str:
    told = query.instruction
    return repr((version, query.text, _bytes_of(query.image), None if told is None else (told.wording, told.dataset)))


def _shown(candidate: Document) -> str:
    """What a candidate shows. The file's bytes count and not what the catalog remembers of them: it may have changed since."""
    text = candidate.text if candidate.modality.has_text else None
    return repr((str(candidate.modality), text, _bytes_of(candidate.image) if candidate.modality.has_image else None))


def _bytes_of(image: ImageReference | None) -> str | None:
    return None if image is None else hashlib.sha256(read_image(image.path)).hexdigest()
