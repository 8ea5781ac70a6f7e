"""Between table rows and the words everybody speaks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import RowMapping

from storage.sql.schema import documents
from uniir.documents import Document, ImageReference, Modality, Source
from uniir.ledger import SourceKey, SourceKind, SourceRecord

_T = TypeVar("_T")
BLOCK = 500  # values in one IN list: every SQLite allows 999
PAGE = 5000  # rows in one read of a walk


def in_blocks(values: Sequence[_T]) -> Iterator[list[_T]]:
    """The values, at most BLOCK at a time."""
    remaining = iter(values)
    while block := list(islice(remaining, BLOCK)):
        yield block


def to_bytes(vector: NDArray[np.float16]) -> bytes:
    return vector.astype("<f2").tobytes()


def from_bytes(data: bytes) -> NDArray[np.float16]:
    return np.frombuffer(data, dtype="<f2").astype(np.float16)


def to_source(row: RowMapping) -> SourceRecord:
    key = SourceKey(row["root"], row["path"], row["locator"])
    return SourceRecord(row["id"], key, SourceKind(row["kind"]), row["signature"], row["sha256"])


CONTENT = tuple(
    documents.c[name] for name in ("id", "modality", "text", "image_path", "image_sha256", "locator", "metadata", "external_id")
)


def to_document(row: RowMapping, root: str, path: str) -> Document:
    """The CONTENT of a row of `documents`, with root and path of its source. A stored image path may be absolute, which joining keeps."""
    image = ImageReference(Path(root, row["image_path"]), row["image_sha256"]) if row["image_path"] is not None else None
    return Document(
        id=row["id"],
        modality=Modality(row["modality"]),
        text=row["text"],
        image=image,
        source=Source(root, path, row["locator"]),
        metadata=row["metadata"],
        external_id=row["external_id"],
    )


def from_document(document: Document) -> Mapping[str, Any]:
    """The content columns of a document; a picture below the root is stored relative to it, so that roots can move."""
    image_path = None
    if document.image is not None:
        image_path = os.fspath(document.image.path)
        if document.image.path.is_relative_to(document.source.root):
            image_path = os.path.relpath(image_path, document.source.root)
    return {
        "locator": document.source.locator,
        "external_id": document.external_id,
        "modality": document.modality,
        "text": document.text,
        "image_path": image_path,
        "image_sha256": document.image.sha256 if document.image else None,
        "metadata": dict(document.metadata),
        "fingerprint": document.fingerprint,
    }
