"""The doctor: compares catalog, vectors, thumbnails and files both ways, and knows how to mend what can be mended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ingest.changes import Changes, Request
from ingest.compare import Verdict
from ingest.rebuild import put_back
from ingest.walk import Found
from uniir.documents import Document
from uniir.errors import InputFailure
from uniir.filters import EVERYTHING
from uniir.ids import format_id
from uniir.images import FileImages
from uniir.ledger import Ledger, SourceKind
from uniir.protocols import Archive, VectorStore

_EXAMPLES = 3
_SAMPLE = 64
_SAME = 0.002  # of an inner product: half precision rounds unit vectors by less


class ThumbnailShelf(Protocol):
    """Thumbnails as the doctor sees them."""

    def exist(self, sha256: str) -> bool: ...

    def write(self, sha256: str, picture: Image.Image) -> None: ...

    def remove(self, sha256: str) -> None: ...

    def hashes(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be. `mend` puts it right, where that needs no person's decision."""

    check: str
    count: int
    message: str
    examples: tuple[str, ...]
    way_out: str
    mend: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Patient:
    """One collection with all it is made of. `requests` is what was ingested into it, as it was walked."""

    archive: Archive
    ledger: Ledger
    store: VectorStore
    thumbnails: ThumbnailShelf
    images: FileImages
    requests: Sequence[Request]


def examine(patient: Patient) -> Iterator[Finding]:
    """Every finding, catalog first; looks only. Raises StoreUnavailable."""
    yield from _unfinished(patient)
    known, stored = _all_ids(patient.archive.indexed_ids()), _all_ids(patient.store.scan())
    yield from _missing_vectors(patient, np.setdiff1d(known, stored).tolist())
    yield from _stray_vectors(patient, np.setdiff1d(stored, known).tolist())
    yield from _wrong_vectors(patient, np.intersect1d(known, stored))
    yield from _missing_thumbnails(patient)
    yield from _files(patient)


def orphan_thumbnails(thumbnails: ThumbnailShelf, unused: Callable[[Sequence[str]], Sequence[str]]) -> Iterator[Finding]:
    """Thumbnails of pictures that no document of any collection shows; `unused` picks those out."""
    orphans = unused(list(thumbnails.hashes()))

    def mend() -> None:
        for sha256 in orphans:
            thumbnails.remove(sha256)

    yield from _finding("thumbnails-stray", orphans, "pictures have thumbnails and no document", _REPAIR, mend)


_REPAIR = "`uniir doctor --repair`"
_INGEST = "`uniir ingest` the same paths again"


def _finding(check: str, found: Sequence[str], message: str, way_out: str, mend: Callable[[], None] | None = None) -> Iterator[Finding]:
    if found:
        yield Finding(check, len(found), message, tuple(found[:_EXAMPLES]), way_out, mend)


def _all_ids(blocks: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, dtype=np.int64), *blocks])


def _unfinished(patient: Patient) -> Iterator[Finding]:
    count = patient.archive.unfinished_count()
    if count:
        yield Finding("unfinished", count, "documents were left half done by a run that did not end", (), _INGEST)


def _missing_vectors(patient: Patient, lacking: Sequence[int]) -> Iterator[Finding]:
    def mend() -> None:
        put_back(patient.archive.stored_vectors_of(lacking), patient.store)
        patient.store.finish()

    message = "searchable documents have no vector in the store"
    yield from _finding("vectors-missing", [format_id(one) for one in lacking], message, f"{_REPAIR}, or `uniir rebuild`", mend)


def _stray_vectors(patient: Patient, stray: Sequence[int]) -> Iterator[Finding]:
    def mend() -> None:
        patient.store.delete(stray)
        patient.store.finish()

    yield from _finding("vectors-stray", [format_id(one) for one in stray], "vectors belong to no searchable document", _REPAIR, mend)


def _wrong_vectors(patient: Patient, both: NDArray[np.int64]) -> Iterator[Finding]:
    """A sample, searched with the catalog's vector: the store must find the document itself, with an inner product of one."""
    sample = np.random.default_rng(0).choice(both, min(_SAMPLE, both.size), replace=False).tolist()
    rows = [row for row in patient.archive.stored_vectors_of(sample) if row.vector is not None]
    if not rows:
        return
    vectors = np.stack([row.vector for row in rows if row.vector is not None]).astype(np.float32)
    neighbours = patient.store.search(vectors, 1, EVERYTHING)
    wrong = [
        format_id(row.document)
        for row, vector, score in zip(rows, vectors, neighbours.scores[:, 0], strict=True)
        if abs(float(score) - float(vector @ vector)) > _SAME
    ]
    yield from _finding("vectors-wrong", wrong, f"of {len(rows)} sampled vectors are not found by themselves", "`uniir rebuild`")


def _missing_thumbnails(patient: Patient) -> Iterator[Finding]:
    lacking = [document for document in patient.archive.pictures() if not _has_thumbnail(patient, document)]

    def mend() -> None:
        for document in lacking:
            if document.image is not None and document.image.sha256 is not None:
                try:
                    patient.thumbnails.write(document.image.sha256, patient.images.upright(document.image))
                except InputFailure:
                    continue  # the file itself is a finding of its own

    paths = [str(document.image.path) for document in lacking if document.image is not None]
    yield from _finding("thumbnails-missing", paths, "pictures have no thumbnail", _REPAIR, mend)


def _has_thumbnail(patient: Patient, document: Document) -> bool:
    return document.image is None or document.image.sha256 is None or patient.thumbnails.exist(document.image.sha256)


def _files(patient: Patient) -> Iterator[Finding]:
    """Files against the ledger, by name, size and time."""
    found: dict[Verdict, dict[str, None]] = {}
    for request in patient.requests:
        for compared in Changes(request, patient.ledger):
            if not (isinstance(compared.found, Found) and compared.found.kind is SourceKind.MANIFEST):  # its lines say it all
                found.setdefault(compared.verdict, {})[f"{compared.key.file}{compared.key.locator and '#'}{compared.key.locator}"] = None
    checks = (
        (Verdict.GONE, "files-gone", "files are gone and their documents still there", "`uniir ingest --prune`, or put them back"),
        (Verdict.CHANGED, "files-changed", "files have changed since they were ingested", _INGEST),
        (Verdict.NEW, "files-new", "files are not ingested yet", _INGEST),
        (Verdict.OBSTACLE, "files-unreadable", "places can't be read", "Mount or mend them, then `uniir ingest` again"),
    )
    for verdict, check, message, way_out in checks:
        yield from _finding(check, list(found.get(verdict, ())), message, way_out)
