"""Pictures as UniIR's models want them: squares of whole numbers, made by Pillow as the authors' transforms make them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
_LONGEST = 16  # times the side; a longer picture is not resized as a whole, since a thread of pixels would fill the memory


def cropped(picture: Image.Image, side: int) -> NDArray[np.uint8]:
    """CLIP: the shorter side resized to `side` (bicubic), then the centre; [side, side, 3]."""
    width, height = picture.size
    shorter = min(width, height)
    size = tuple(side if length == shorter else side * length // shorter for length in (width, height))
    left, top = (round((length - side) / 2) for length in size)
    if max(size) <= _LONGEST * side:
        whole = picture if picture.size == size else picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)
        return np.asarray(whole.crop((left, top, left + side, top + side)))
    across, down = width / size[0], height / size[1]
    box = (left * across, top * down, (left + side) * across, (top + side) * down)
    return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC, box=box))


def squashed(picture: Image.Image, side: int) -> NDArray[np.uint8]:
    """BLIP: resized to a square whatever its proportions; [side, side, 3]."""
    return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))
