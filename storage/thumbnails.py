"""Small pictures for pages, kept under the hash of the original: equal files share them."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from enum import IntEnum
from pathlib import Path

from PIL import Image

from uniir.errors import StoreUnavailable, UsageError
from uniir.images import WORKING_SIDE

_QUALITY = 82
_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}-\d+\.jpg")


class ThumbnailSize(IntEnum):
    """The longest side in pixels; smaller pictures stay as they are."""

    SMALL = 256
    LARGE = WORKING_SIDE


class Thumbnails:
    """A directory of JPEG files."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, sha256: str, size: ThumbnailSize) -> Path:
        """Where the thumbnail of the picture with this hash stands, whether or not it does."""
        return self._directory / sha256[:2] / f"{sha256}-{size}.jpg"

    def exist(self, sha256: str) -> bool:
        return all(self.path(sha256, size).is_file() for size in ThumbnailSize)

    def write(self, sha256: str, picture: Image.Image) -> None:
        """Both sizes of an upright RGB picture; a file appears whole or not at all. Raises StoreUnavailable."""
        try:
            self._write(sha256, picture)
        except OSError as error:
            raise StoreUnavailable(
                f"Thumbnails can't be written to {self._directory}: {error.strerror or error}.", "Make room, or mend the permissions."
            ) from error

    def _write(self, sha256: str, picture: Image.Image) -> None:
        self.path(sha256, ThumbnailSize.LARGE).parent.mkdir(parents=True, exist_ok=True)
        for size in sorted(ThumbnailSize, reverse=True):
            reduced = picture
            if max(picture.size) > size:
                scale = size / max(picture.size)
                target = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
                reduced = picture.resize(target, Image.Resampling.BICUBIC, reducing_gap=2.0)
            path = self.path(sha256, size)
            unfinished = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
            reduced.save(unfinished, "JPEG", quality=_QUALITY)
            unfinished.replace(path)

    def files(self, sha256: str) -> Iterator[tuple[str, Path]]:
        """The thumbnails of a picture that are there, by names that `put_back` takes."""
        for path in (self.path(sha256, one) for one in ThumbnailSize):
            if path.is_file():
                yield f"{path.parent.name}/{path.name}", path

    def put_back(self, name: str, file: Path) -> None:
        """A thumbnail out of another place, unless it is here. Raises UsageError for what is no name of one, StoreUnavailable."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no thumbnail's name.", "Take another backup.")
        path = self._directory / name
        try:
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_name(f".{path.name}.{os.getpid()}")
                shutil.copyfile(file, unfinished)
                unfinished.replace(path)
        except OSError as error:
            raise StoreUnavailable(
                f"Thumbnails can't be written to {self._directory}: {error.strerror or error}.", "Make room, or mend the permissions."
            ) from error

    def size(self, sha256: str) -> int:
        """Bytes that the picture's thumbnails take."""
        size = 0
        for path in (self.path(sha256, one) for one in ThumbnailSize):
            with suppress(OSError):
                size += path.stat().st_size
        return size

    def remove(self, sha256: str) -> None:
        for size in ThumbnailSize:
            self.path(sha256, size).unlink(missing_ok=True)

    def hashes(self) -> Iterator[str]:
        """The hash of every picture that has a thumbnail here, each once."""
        for directory in sorted(self._directory.glob("[0-9a-f][0-9a-f]")):
            yield from sorted({path.name.split("-")[0] for path in directory.glob("*.jpg")})
