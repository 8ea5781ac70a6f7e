"""Documents into vectors: a batch at a time, and one by one where a batch fails, so that one document costs no other its place."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniir.documents import Document
from uniir.errors import InputFailure, UniirError
from uniir.protocols import Encoder, EncodesAtOnce, ImageLoader, Prepared

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Encoded:
    """By fingerprint: vectors in the precision the catalog keeps, and why a document has none."""

    vectors: Mapping[str, NDArray[np.float16]]
    failures: Mapping[str, InputFailure]


class DocumentEncoder:
    """An encoder with the pictures it reads. Thread-safe."""

    def __init__(self, encoder: Encoder, images: ImageLoader) -> None:
        self._encoder = encoder
        self._images = images

    @property
    def lanes(self) -> int:
        """How many batches may be encoded at the same time."""
        return self._encoder.lanes if isinstance(self._encoder, EncodesAtOnce) else 1

    def prepare(self, documents: Sequence[Document]) -> Prepared:
        return self._encoder.prepare(documents, self._images)

    def read(self, documents: Sequence[Document]) -> Encoded:
        """Reads the files and encodes them. Raises what the encoder raises where it fails on everything."""
        return self.encode(documents, self.prepare(documents))

    def encode(self, documents: Sequence[Document], prepared: Prepared) -> Encoded:
        """Of documents that were prepared. Raises UniirError, and what the encoder raises where it fails on everything."""
        failures = {documents[one.position].fingerprint: InputFailure(one.code, one.reason) for one in prepared.failures}
        ready = [documents[position] for position in prepared.positions]
        if not ready:
            return Encoded({}, failures)
        try:
            rows = self._encoder.encode(prepared).astype(np.float16)
        except UniirError:
            raise
        except Exception:
            _log.exception("a batch of %d could not be encoded; its documents are tried one by one", len(ready))
            singly = self._encode_singly(ready)
            if not singly.vectors and len(ready) > 1:
                raise  # nothing works: that is no document's fault
            return Encoded(singly.vectors, {**failures, **singly.failures})
        return Encoded({document.fingerprint: row for document, row in zip(ready, rows, strict=True)}, failures)

    def _encode_singly(self, documents: Sequence[Document]) -> Encoded:
        vectors: dict[str, NDArray[np.float16]] = {}
        failures: dict[str, InputFailure] = {}
        for document in documents:
            try:
                vectors[document.fingerprint] = self._encode_alone(document)
            except InputFailure as failure:
                failures[document.fingerprint] = failure
            except UniirError:
                raise
            except Exception as error:
                _log.exception("%s could not be encoded", document.source.file)
                failures[document.fingerprint] = InputFailure("encode-failed", f"the encoder failed on it ({error})")
        return Encoded(vectors, failures)

    def _encode_alone(self, document: Document) -> NDArray[np.float16]:
        prepared = self.prepare([document])
        if prepared.failures:
            raise InputFailure(prepared.failures[0].code, prepared.failures[0].reason)
        vector: NDArray[np.float16] = self._encoder.encode(prepared)[0].astype(np.float16)
        return vector
