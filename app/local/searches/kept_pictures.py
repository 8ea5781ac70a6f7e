"""Query pictures, kept for a while under their hash, so that a link reproduces a search."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from storage.thumbnails import Thumbnails, ThumbnailSize
from uniir.errors import InputFailure, NotFound, QueryError, StoreUnavailable
from uniir.images import FileImages
from uniir.wire import KeptPicture

_SUFFIX = ".original"


@dataclass(frozen=True, slots=True)
class Bound:
    """How much is kept; what was not used for longest goes first."""

    pictures: int = 2_000
    bytes: int = 10**9


class KeptPictures:
    """A directory of pictures as they came, each with its thumbnails."""

    def __init__(
        self,
        directory: Path,
        images: FileImages,
        bound: Bound | None = None,
        restored: Callable[[str], bytes | None] = lambda sha256: None,
    ) -> None:
        """`restored` knows the bytes of pictures that are kept elsewhere for good, such as those of judged queries."""
        self._directory = directory
        self._images = images
        self._thumbnails = Thumbnails(directory)
        self._restored = restored
        self._bound = bound or Bound()
        self._keeping = threading.Lock()

    def keep(self, picture: bytes) -> KeptPicture:
        """Keeps a picture. Raises QueryError for what is none, is damaged or has too many pixels."""
        sha256 = hashlib.sha256(picture).hexdigest()
        try:
            width, height = self._images.measured_bytes(picture)
            upright = self._images.upright_bytes(picture)
        except InputFailure as failure:
            raise QueryError(f"The picture can't be used: {failure.reason}.", _WAYS_OUT.get(failure.code, _WAY_OUT)) from None
        with self._keeping:
            self._thumbnails.write(sha256, upright)
            self._write(self._file(sha256), picture)
            self._make_room()
        return KeptPicture(id=sha256, width=width, height=height)

    def original(self, sha256: str) -> Path:
        """The picture as it came; it counts as used now. Raises NotFound."""
        return self._used(sha256, self._file(sha256))

    def thumbnail(self, sha256: str) -> Path:
        """At most 256 pixels long. Raises NotFound."""
        return self._used(sha256, self._thumbnails.path(sha256, ThumbnailSize.SMALL))

    def _used(self, sha256: str, wanted: Path) -> Path:
        try:
            os.utime(self._file(sha256))
        except OSError:
            picture = self._restored(sha256)
            if picture is not None:
                self.keep(picture)
                return wanted
            raise NotFound(
                "The picture of this search is not kept any more.", "Pictures are kept for a while; choose the picture again."
            ) from None
        return wanted

    def _file(self, sha256: str) -> Path:
        return self._directory / sha256[:2] / f"{sha256}{_SUFFIX}"

    def _write(self, file: Path, picture: bytes) -> None:
        unfinished = file.with_suffix(".new")
        try:
            unfinished.write_bytes(picture)
            unfinished.replace(file)
        except OSError as error:
            raise StoreUnavailable(f"The picture can't be kept in {self._directory}: {error.strerror or error}.", "Make room.") from error

    def _make_room(self) -> None:
        """Takes away what was not used for longest, until the rest is within the bound."""
        kept = sorted(((file.stat(), file) for file in self._directory.glob(f"??/*{_SUFFIX}")), key=lambda one: -one[0].st_mtime_ns)
        size = 0
        for number, (status, file) in enumerate(kept, start=1):
            size += status.st_size
            if number > 1 and (number > self._bound.pictures or size > self._bound.bytes):
                file.unlink(missing_ok=True)
                self._thumbnails.remove(file.stem)


_WAY_OUT = "Choose a JPEG, PNG, WebP, GIF, BMP or TIFF file."
_WAYS_OUT = {
    "image-too-large": "Choose one with fewer pixels.",
    "image-damaged": "Open it in another program and save it anew, or choose another.",
}
