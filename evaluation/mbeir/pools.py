"""Candidate pools: their lines as entries to embed, and what is known of a candidate by its did."""

from __future__ import annotations

import gzip
import io
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from evaluation.embedding import MODALITIES, Embedded, Entry
from evaluation.mbeir.reading import MbeirCandidate, candidate_in, read_candidates
from uniir.documents import Document, ImageReference, Modality, Source


class Candidates(Protocol):
    """What is known of candidates by their dids."""

    def modality_of_did(self, did: str) -> Modality | None: ...

    def documents(self, dids: Sequence[str]) -> list[Document]:
        """In this order; those that are not there, or hold nothing, are left out."""
        ...


def candidates_of(files: Sequence[Path]) -> Iterator[MbeirCandidate]:
    """The lines of the files one after the other; a did that an earlier file has is left out."""
    return (one for _, one in _numbered(files))


def _numbered(files: Sequence[Path]) -> Iterator[tuple[int, MbeirCandidate]]:
    """Each candidate with its file's place among the files."""
    earlier: set[str] = set()
    for number, file in enumerate(files):
        own = set()
        for one in read_candidates(file):
            if one.did not in earlier:
                if len(files) > 1:
                    own.add(one.did)
                yield number, one
        earlier |= own


def entries_of(root: Path, files: Sequence[Path]) -> Iterator[Entry]:
    """One entry for each candidate, numbered from 0."""
    for number, one in enumerate(candidates_of(files)):
        yield Entry(one.did, one.modality, document_of(root, one, number))


def document_of(root: Path, candidate: MbeirCandidate, number: int) -> Document | None:
    """What an encoder reads: the parts that are there, whatever the line calls them; None for none."""
    text = candidate.text if candidate.text and candidate.text.strip() else None
    image = picture_of(root, candidate.image)
    if text is None and image is None:
        return None
    modality = Modality.of(text=text is not None, image=image is not None)
    source = Source(str(root), candidate.image or "cand_pool", candidate.did)
    return Document(id=number, modality=modality, text=text, image=image, source=source, external_id=candidate.did)


def picture_of(root: Path, path: str | None) -> ImageReference | None:
    """A picture by its path below the root."""
    return ImageReference(root / path) if path else None


class Pool:
    """An embedded pool that knows where each did stands."""

    def __init__(self, root: Path, files: Sequence[Path], embedded: Embedded) -> None:
        self.root, self.files, self.embedded = root, files, embedded
        self._unpacked: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self.embedded.ids)

    def row_of(self, did: str) -> int | None:
        """The row of a did; None where the pool has it not."""
        ids = self.embedded.ids
        place = int(np.searchsorted(ids, np.array(did.encode(), ids.dtype), sorter=self._order))
        row = int(self._order[min(place, len(ids) - 1)])
        return row if self.embedded.id_of(row) == did else None

    def modality_of(self, row: int) -> Modality:
        return MODALITIES[int(self.embedded.modalities[row])]

    def modality_of_did(self, did: str) -> Modality | None:
        """The modality that the line of a did names; None where the pool has it not."""
        row = self.row_of(did)
        return None if row is None else self.modality_of(row)

    def documents(self, dids: Sequence[str]) -> list[Document]:
        """What these candidates are, in this order, read from their lines. Those that are not there, or hold nothing, are left out."""
        rows = [row for did in dids if (row := self.row_of(did)) is not None]
        files, offsets = self._places
        found = []
        with ExitStack() as stack:
            opened = {number: stack.enter_context(self._opened(number)) for number in {files[row] for row in rows}}
            for row in rows:
                opened[files[row]].seek(offsets[row])
                line = opened[files[row]].readline()
                found.append(document_of(self.root, candidate_in(line, self.files[files[row]]), row))
        return [one for one in found if one is not None]

    def _opened(self, number: int) -> IO[bytes]:
        if self.files[number].suffix != ".gz":
            return self.files[number].open("rb")
        # A compressed file can't be read from the middle.
        if number not in self._unpacked:
            self._unpacked[number] = gzip.decompress(self.files[number].read_bytes())
        return io.BytesIO(self._unpacked[number])

    @cached_property
    def _places(self) -> tuple[array[int], array[int]]:
        """Which file each row's line is in, and where it begins there."""
        files, offsets = array("H"), array("Q")
        for number, one in _numbered(self.files):
            files.append(number)
            offsets.append(one.offset)
        return files, offsets

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self.embedded.ids, kind="stable")
