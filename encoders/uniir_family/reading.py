"""What is made of texts and pictures before a model sees them: CLIP's way and BLIP's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.uniir_family.pictures import cropped, squashed
from encoders.uniir_family.tokens import blip_ids, clip_ids


class Reading(Protocol):
    """Thread-safe."""

    @property
    def preprocessing(self) -> str:
        """All of this in words, for the identity of the vector space."""
        ...

    def ids(self, text: str) -> list[int]:
        """Token ids of a formatted text, start and end included, cut to the model's length, not padded."""
        ...

    def square(self, picture: Image.Image) -> NDArray[np.uint8]:
        """A picture's pixels, [side, side, 3]."""
        ...


@dataclass(frozen=True, slots=True)
class ClipReading:
    """Byte pairs, at most `context` of them, and the middle of a picture, `side` pixels wide and high."""

    side: int
    context: int

    @property
    def preprocessing(self) -> str:
        return f"faithful crop-{self.side} bicubic clip-mean-std; clip-bpe {self.context}"

    def ids(self, text: str) -> list[int]:
        return clip_ids(text, self.context)

    def square(self, picture: Image.Image) -> NDArray[np.uint8]:
        return cropped(picture, self.side)


@dataclass(frozen=True, slots=True)
class BlipReading:
    """Word pieces, at most `context` of them, and the whole picture squeezed to `side` pixels."""

    side: int
    context: int

    @property
    def preprocessing(self) -> str:
        return f"faithful squash-{self.side} bicubic clip-mean-std; bert-uncased {self.context}"

    def ids(self, text: str) -> list[int]:
        return blip_ids(text, self.context)

    def square(self, picture: Image.Image) -> NDArray[np.uint8]:
        return squashed(picture, self.side)
