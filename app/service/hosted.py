"""What the routes ask of the service in this process: everything of `uniir.service`, and the files that stand behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from uniir.service import Service
from uniir.wire import JobAnswer


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file as it came: the name is the sender's, and nobody has looked at it."""

    name: str
    content: BinaryIO


class HostedService(Service, Protocol):
    """A service that owns its data. Files are found by id or hash, never by a path of the caller's."""

    def thumbnail(self, document: str, size: int) -> Path:
        """The JPEG file with the document's picture, its longest side `size` (256 or 1024) pixels. Raises NotFound."""
        ...

    def original(self, document: str) -> Path:
        """The file with the document's picture, or with its text where it has none. Raises NotFound."""
        ...

    def kept_thumbnail(self, sha256: str) -> Path:
        """The JPEG file with a kept query picture, 256 pixels. Raises NotFound."""
        ...

    def ingest_files(self, files: Sequence[UploadedFile], collection: str | None = None) -> JobAnswer:
        """Keeps the files and queues their ingest; their content is read before this returns. Raises UsageError."""
        ...
