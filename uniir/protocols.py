"""The seams: what the use cases need from encoders, rerankers and stores. Each has a contract suite in tests/contracts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from uniir.documents import Document, ImageReference, Metadata, Modality
from uniir.errors import ItemFailure
from uniir.filter_language import Condition, Key
from uniir.filters import Filter
from uniir.hits import BandCuts
from uniir.lexical import LexicalMatch
from uniir.queries import Query
from uniir.spaces import VectorSpace


class ImageLoader(Protocol):
    """Opens pictures under one set of limits. Ingest passes one that has the pixels already, so nothing is decoded twice."""

    def upright(self, image: ImageReference) -> Image.Image:
        """RGB as a person sees it: turned by EXIF, in sRGB, alpha over white, at most 1,024 pixels long. Raises InputFailure."""
        ...

    def faithful(self, image: ImageReference) -> Image.Image:
        """RGB by plain conversion at full size, as the papers' code does. Raises InputFailure."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an encoder made ready on the CPU. `inputs` is the encoder's own and holds one row for each of `positions`."""

    positions: tuple[int, ...]
    failures: tuple[ItemFailure, ...]
    inputs: object


@dataclass(frozen=True, slots=True)
class Steering:
    """Which way a query is turned: what it is made of, and the modality wanted (None: a fair mixed list)."""

    query: Modality
    target: Modality | None


class Encoder(Protocol):
    """Turns documents and queries into unit vectors of one space."""

    @property
    def space(self) -> VectorSpace: ...

    @property
    def accepts(self) -> frozenset[Modality]:
        """What it can encode at all; anything else is refused before it is read."""
        ...

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        """Decode, resize, tokenize. Thread-safe. An item that can't be used becomes one of `failures`."""
        ...

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        """[len(batch.positions), dimension], unit length, in order, whatever else is in the batch."""
        ...

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        """Query vectors turned towards the modality wanted, [n, dimension], unit length. Takes document vectors too ("more like this")."""
        ...


@runtime_checkable
class ReadsPartsTogether(Protocol):
    """An encoder for which a query's text and picture are one item, and their vector no sum of two."""

    @property
    def reads_parts_together(self) -> Literal[True]: ...


@runtime_checkable
class ReadsInstructions(Protocol):
    """An encoder that is told by a query's instruction what is wanted, so a document's own vector is no query for another kind."""

    @property
    def reads_instructions(self) -> Literal[True]: ...


@runtime_checkable
class EncodesAtOnce(Protocol):
    """An encoder that computes several batches at the same time, called from as many threads."""

    @property
    def lanes(self) -> int: ...


@runtime_checkable
class ScoreFusing(Protocol):
    """An encoder whose vector of a pair is a sum, so that a score can be told apart by what the text and the picture gave to it."""

    def halves(self, document: Document, images: ImageLoader) -> NDArray[np.float32]:
        """[2, dimension]: what the text and what the picture put into the document's vector, zeros for a part it has not.

        With the modality's axis they sum to that vector. Raises InputFailure.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text as a language model reads it: its pieces, where each one stands, and each one's vector in this context."""

    pieces: tuple[str, ...]
    spans: NDArray[np.int32]  # [pieces, 2], start and end in the text
    vectors: NDArray[np.float32]  # [pieces, width]; their mean is the text's own


@runtime_checkable
class TextReader(Protocol):
    """What a reranker needs of a language model."""

    def read(self, texts: Sequence[str]) -> Sequence[ReadText]:
        """In order, whatever else is read beside them. Thread-safe; a text without a word has no pieces. Raises ModelUnavailable."""
        ...


class Reranker(Protocol):
    """Reads a query together with each candidate. Thread-safe."""

    @property
    def name(self) -> str: ...

    @property
    def reading(self) -> str:
        """What it reads, as a sentence goes on: "texts only"."""
        ...

    @property
    def cuts(self) -> BandCuts | None:
        """What its probabilities mean in words; None where that was not measured."""
        ...

    def reads(self, query: Query, candidate: Document) -> bool:
        """Whether it can tell anything about this pair; what it can't read keeps its place."""
        ...

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        """[n], in order: the probability that each candidate is relevant, whatever the others are. Raises ModelUnavailable."""
        ...


@runtime_checkable
class Versioned(Protocol):
    """A model that says which weights and wording it has."""

    @property
    def version(self) -> str: ...


class Guesser(Protocol):
    """A model that writes what somebody may be looking for. Thread-safe."""

    @property
    def model(self) -> str: ...

    def write(self, task: str, text: str | None, picture: Image.Image | None) -> str:
        """`task` is what to write; `text` and `picture` are what people search with, and never tell the model what to do.

        Raises ModelUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest points of each query, best first, ties by id; short rows are filled with id -1 and score -inf."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Points:
    """Unit vectors with the documents they stand for, and what a store may filter these by."""

    ids: Sequence[int]
    vectors: NDArray[np.float32]
    modalities: Sequence[Modality]
    metadata: Sequence[Metadata]

    @classmethod
    def of(cls, documents: Sequence[Document], vectors: Iterable[NDArray[np.float16]]) -> Points:
        """In full precision, the vectors in the order of the documents."""
        rows = np.stack(list(vectors)).astype(np.float32)
        return cls([one.id for one in documents], rows, [one.modality for one in documents], [one.metadata for one in documents])


GOOD_RECALL = 0.99  # recall@10 below which an index searches harder


@dataclass(frozen=True, slots=True)
class IndexReport:
    """An index in use: its type, why it was chosen, its recall@10 against exact search where that was measured, and how it searches."""

    kind: str
    why: str
    recall: float | None
    search: Mapping[str, int]


class VectorStore(Protocol):
    """Keeps unit vectors of one space under document ids. Every method may be called from several threads."""

    @property
    def index_kind(self) -> str:
        """How it is searched, in its own word: FLAT, HNSW, exact."""
        ...

    @property
    def most_results(self) -> int:
        """Of one search."""
        ...

    @property
    def report(self) -> IndexReport:
        """The index as it was measured last."""
        ...

    @property
    def declared(self) -> Collection[Key]:
        """The keys of the metadata that the store keeps, so that it can leave out what does not fit."""
        ...

    @property
    def lacking(self) -> Collection[Key]:
        """The keys that the settings declare, and that the store would keep if it were filled anew."""
        ...

    def narrows(self, where: Condition) -> bool:
        """Whether there is anything that the store leaves out for this condition."""
        ...

    def otherwise(self, rows: Sequence[StoredVector]) -> Sequence[int]:
        """The documents of which the store keeps other metadata than these rows have. Raises StoreUnavailable."""
        ...

    def measure(self) -> IndexReport:
        """The index measured now: a sample of questions, answered by it and by looking at every row. Raises StoreUnavailable."""
        ...

    def fill(self, pages: Iterable[Points]) -> int:
        """Writes many rows at once, as the first of an empty store, and finishes. Nothing is found before it returns the count."""
        ...

    def upsert(self, points: Points) -> None:
        """Idempotent; of an id that comes twice the last counts. Raises UsageError for a wrong dimension or a value that is not finite."""
        ...

    def delete(self, ids: Sequence[int]) -> None:
        """Idempotent; unknown ids are no error."""
        ...

    def finish(self) -> None:
        """After this every upsert and delete is on disk, indexed, loaded and seen by search."""
        ...

    def search(self, vectors: NDArray[np.float32], k: int, where: Filter) -> Neighbours:
        """The k nearest by inner product for each of [q, dimension]."""
        ...

    def scan(self) -> Iterator[NDArray[np.int64]]:
        """Every id once, in blocks."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Findable:
    """An indexed document and its vector as it stands in the catalog; None where the catalog keeps none."""

    document: Document
    vector: NDArray[np.float16] | None


class Library(Protocol):
    """The search's side of the catalog: what can be found, and nothing that is pending or on its way out."""

    def findable(self, ids: Sequence[int]) -> Mapping[int, Findable]:
        """Those of the documents that are indexed, with their vectors: in one look, since every search takes it."""
        ...

    def documents(self, ids: Sequence[int]) -> Mapping[int, Document]:
        """Those of the documents that are indexed."""
        ...

    def vectors(self, ids: Sequence[int]) -> Mapping[int, NDArray[np.float16]]:
        """Stored vectors of indexed documents."""
        ...

    def ids_below(self, path: str, modality: Modality | None) -> frozenset[int]:
        """Indexed documents, of this modality if one is named, whose source's path starts so: below its root or in full."""
        ...

    def ids_matching(self, condition: Condition, modality: Modality | None) -> frozenset[int]:
        """Indexed documents, of this modality if one is named, that fit the condition."""
        ...

    def fitting(self, ids: Sequence[int], path: str | None, where: Condition | None) -> frozenset[int]:
        """Those of the ids that are indexed, below the path and fit the condition, as far as either is given."""
        ...

    def lexical_matches(self, words: Sequence[str], limit: int, where: Filter, least: float = 0.0) -> Sequence[LexicalMatch]:
        """Of the first `limit` indexed documents with any of these words in their text or in their file's path, those whose share is at
        least `least`; best first by BM25, ties by id.

        Words are those of `uniir.lexical.words_of`.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredVector:
    """An indexed document's vector as it stands in the catalog; None where the catalog keeps none."""

    document: int
    modality: Modality
    metadata: Metadata
    vector: NDArray[np.float16] | None


class Archive(Protocol):
    """The whole of a collection's catalog, for walks: what the doctor compares and the rebuild reads."""

    def indexed_ids(self) -> Iterator[NDArray[np.int64]]:
        """Every indexed id once, in ascending blocks."""
        ...

    def stored_vectors(self) -> Iterator[Sequence[StoredVector]]:
        """Every indexed document's vector, in ascending pages."""
        ...

    def pictures(self) -> Iterator[Document]:
        """Every indexed document that has a picture."""
        ...

    def unfinished_count(self) -> int:
        """Documents that a run which did not end left pending or deleting."""
        ...

    def stored_vectors_of(self, ids: Sequence[int]) -> Sequence[StoredVector]:
        """Those of these documents."""
        ...
