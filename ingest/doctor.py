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


class WordsIndex(Protocol):
    """The lexical index as the doctor sees it."""

    def lost(self) -> Sequence[int]: ...

    def restore(self, ids: Sequence[int]) -> None: ...


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
    words: WordsIndex
    thumbnails: ThumbnailShelf
    images: FileImages
    requests: Sequence[Request]


def examine(patient: Patient) -> Iterator[Finding]:
    """Every finding, catalog first; looks only. Raises StoreUnavailable."""
    yield from _examine_space(_Space(patient.archive, patient.store, "", _INGEST, f"{_REPAIR}, or `uniir rebuild`"))
    yield from _lacking_fields(patient.store)
    yield from _missing_words(patient.words)
    yield from _missing_thumbnails(patient)
    yield from _files(patient)


def examine_beside(archive: Archive, store: VectorStore, encoder: str) -> Iterator[Finding]:
    """The same of a space that is not searched, as far as it has anything of its own. Raises StoreUnavailable."""
    yield from _examine_space(_Space(archive, store, f" in the space of {encoder}", f"`uniir spaces add --encoder {encoder}`", _REPAIR))


@dataclass(frozen=True, slots=True)
class _Space:
    """One space's rows and vectors; `where` is said of it in every finding."""

    archive: Archive
    store: VectorStore
    where: str
    way_on: str  # with what is half done
    way_back: str  # for what was lost


def _examine_space(space: _Space) -> Iterator[Finding]:
    yield from _unfinished(space)
    known, stored = _all_ids(space.archive.indexed_ids()), _all_ids(space.store.scan())
    yield from _missing_vectors(space, np.setdiff1d(known, stored).tolist())
    yield from _stray_vectors(space, np.setdiff1d(stored, known).tolist())
    yield from _wrong_vectors(space, np.intersect1d(known, stored))
    yield from _other_metadata(space)


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


def _unfinished(space: _Space) -> Iterator[Finding]:
    count = space.archive.unfinished_count()
    if count:
        message = f"documents were left half done by a run that did not end{space.where}"
        yield Finding("unfinished", count, message, (), space.way_on)


def _missing_vectors(space: _Space, lacking: Sequence[int]) -> Iterator[Finding]:
    def mend() -> None:
        put_back(space.archive.stored_vectors_of(lacking), space.store)
        space.store.finish()

    message = f"searchable documents have no vector in the store{space.where}"
    yield from _finding("vectors-missing", [format_id(one) for one in lacking], message, space.way_back, mend)


def _stray_vectors(space: _Space, stray: Sequence[int]) -> Iterator[Finding]:
    def mend() -> None:
        space.store.delete(stray)
        space.store.finish()

    message = f"vectors belong to no searchable document{space.where}"
    yield from _finding("vectors-stray", [format_id(one) for one in stray], message, _REPAIR, mend)


def _wrong_vectors(space: _Space, both: NDArray[np.int64]) -> Iterator[Finding]:
    """A sample, searched with the catalog's vector: the store must find the document itself, with an inner product of one."""
    sample = np.random.default_rng(0).choice(both, min(_SAMPLE, both.size), replace=False).tolist()
    rows = [row for row in space.archive.stored_vectors_of(sample) if row.vector is not None]
    if not rows:
        return
    vectors = np.stack([row.vector for row in rows if row.vector is not None]).astype(np.float32)
    neighbours = space.store.search(vectors, 1, EVERYTHING)
    wrong = [
        format_id(row.document)
        for row, vector, score in zip(rows, vectors, neighbours.scores[:, 0], strict=True)
        if abs(float(score) - float(vector @ vector)) > _SAME
    ]
    message = f"of {len(rows)} sampled vectors are not found by themselves{space.where}"
    yield from _finding("vectors-wrong", wrong, message, "`uniir rebuild`")


def _other_metadata(space: _Space) -> Iterator[Finding]:
    """Of every document: a filter that goes by what was once true would lose it."""
    if not space.store.declared:
        return
    archive, store = space.archive, space.store
    other = [one for page in archive.indexed_ids() for one in store.otherwise(archive.stored_vectors_of(page.tolist()))]

    def mend() -> None:
        put_back(archive.stored_vectors_of(other), store)
        store.finish()

    message = f"documents have other metadata in the vector store{space.where}"
    yield from _finding("metadata-stale", [format_id(one) for one in other], message, space.way_back, mend)


def _lacking_fields(store: VectorStore) -> Iterator[Finding]:
    keys = [".".join(key.names) for key in store.lacking]
    message = "keys of the setting metadata_fields are not in the vector store yet, so it does not filter by them"
    yield from _finding("fields-lacking", keys, message, "`uniir rebuild`")


def _missing_words(words: WordsIndex) -> Iterator[Finding]:
    lost = words.lost()
    message = "documents are not found by their words"
    yield from _finding("words-missing", [format_id(one) for one in lost], message, _REPAIR, lambda: words.restore(lost))


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
