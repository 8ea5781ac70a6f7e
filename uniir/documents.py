"""What a collection holds: documents, and where each one came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Metadata: TypeAlias = Mapping[str, Json]


class Modality(StrEnum):
    """What something is made of, in M-BEIR's spelling."""

    TEXT = "text"
    IMAGE = "image"
    IMAGE_TEXT = "image,text"

    @classmethod
    def of(cls, *, text: bool, image: bool) -> Modality:
        """The modality of something that has these parts; raises ValueError for nothing at all."""
        match text, image:
            case True, True:
                return cls.IMAGE_TEXT
            case True, False:
                return cls.TEXT
            case False, True:
                return cls.IMAGE
            case _:
                raise ValueError("neither a text nor an image")

    @classmethod
    def spelled(cls, value: object) -> Modality:
        """As data sets write it: `text,image` is `image,text`, and capitals and blanks do not count. Raises ValueError."""
        parts = {part.strip() for part in str(value).lower().split(",")}
        if not parts <= {"image", "text"}:
            raise ValueError(f"{value!r} is not a valid modality, which is text, image or image,text")
        return cls.of(text="text" in parts, image="image" in parts)

    @property
    def has_text(self) -> bool:
        return self is not Modality.IMAGE

    @property
    def has_image(self) -> bool:
        return self is not Modality.TEXT


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A picture by its file, never by its pixels; `sha256` is of the file's bytes where it is known."""

    path: Path
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document stands: a file below a root, and a place in it (`chars=0-812`, `did=9:17`)."""

    root: str
    path: str
    locator: str | None = None

    @property
    def file(self) -> Path:
        """The absolute path of the file."""
        return Path(self.root, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One searchable thing: a text, an image, or both together."""

    id: int
    modality: Modality
    text: str | None = None
    image: ImageReference | None = None
    source: Source
    metadata: Metadata = field(default_factory=dict)
    external_id: str | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what an encoder reads: equal documents share one vector, wherever they stand."""
        image = self.image.sha256 if self.image else None
        return hashlib.sha256(json.dumps([self.modality, self.text, image]).encode()).hexdigest()
