"""How much there is to see in a picture: what is shown first should not be grey in grey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

_SIDE = 48


def colourfulness(thumbnail: Path) -> float:
    """About 0 for grey, 30 for a usual photograph, 100 for the most colourful; 0 for what can't be read.

    After Hasler and Süsstrunk, "Measuring colourfulness in natural images" (2003).
    """
    try:
        with Image.open(thumbnail) as picture:
            picture.draft("RGB", (_SIDE, _SIDE))
            pixels = np.asarray(picture.convert("RGB").resize((_SIDE, _SIDE)), np.float32)
    except (OSError, ValueError):
        return 0.0
    red, green, blue = np.moveaxis(pixels, -1, 0)
    opponents = np.stack([red - green, (red + green) / 2 - blue])
    spread, centre = opponents.std(axis=(1, 2)), opponents.mean(axis=(1, 2))
    return float(np.linalg.norm(spread) + 0.3 * np.linalg.norm(centre))
