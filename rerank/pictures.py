"""Pictures of candidates: whether they are still there, and what it means where one can't be shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from uniir.documents import Document
from uniir.errors import InputFailure, ModelUnavailable


def picture_is_there(candidate: Document) -> bool:
    """Whether a candidate with a picture still has its file; true of a text."""
    return not candidate.modality.has_image or (candidate.image is not None and candidate.image.path.is_file())


@contextmanager
def showing_pictures_to(reranker: str) -> Iterator[None]:
    """Raises ModelUnavailable for a picture that can't be read any more."""
    try:
        yield
    except InputFailure as failure:
        raise ModelUnavailable(f"A picture can't be shown to {reranker}: {failure.reason}.") from None
