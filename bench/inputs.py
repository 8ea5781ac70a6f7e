"""Made-up corpora in `.bench`, the same on every machine, made once and then reused."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from bench.report import PLACE, progress

_SHORTEST, _LONGEST = 500, 1000  # pixels of the longer side
_PER_FOLDER = 1000


def pictures(count: int) -> Path:
    """A folder of different JPEG files of 500 to 1,000 pixels, cut out of the photographs that come with scikit-image."""
    folder = PLACE / f"pictures-{count}"
    if not _is_whole(folder):
        progress(f"making {count} pictures in {folder}")
        originals = [Image.open(file).convert("RGB") for file in _photographs()]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda number: _variation(originals, number).save(folder / f"{number:06}.jpg", quality=88), range(count)))
        _mark_whole(folder)
    return folder


def texts(count: int) -> Path:
    """A tree of small text files, a thousand in a folder."""
    folder = PLACE / f"texts-{count}"
    if not _is_whole(folder):
        progress(f"making {count} texts in {folder}")
        for number in range(count):
            place = folder / f"{number // _PER_FOLDER:04}"
            if number % _PER_FOLDER == 0:
                place.mkdir()
            (place / f"{number:06}.txt").write_text(sentence(number))
        _mark_whole(folder)
    return folder


def mixed(count: int) -> Path:
    """One picture for nine texts, evenly spread over folders of a thousand files."""
    folder = PLACE / f"mixed-{count}"
    if not _is_whole(folder):
        images, notes = sorted(pictures(count // 10).glob("*.jpg")), sorted(texts(count - count // 10).rglob("*.txt"))
        for files in (images, notes):
            for number, file in enumerate(files):
                place = folder / f"{number * count // (len(files) * _PER_FOLDER):04}"
                place.mkdir(exist_ok=True)
                os.link(file, place / file.with_stem(f"{file.stem}-{file.suffix[1:]}").name)  # equal stems would make pairs
        _mark_whole(folder)
    return folder


def sentence(seed: int, words: int = 30) -> str:
    """Words of the starter encoder's vocabulary that never stood together, always the same for a seed."""
    return " ".join(random.Random(seed).choices(_words(), k=words)) + "."


@cache
def _words() -> Sequence[str]:
    vocabulary = (files("encoders.starter") / "data" / "vocab.txt").read_text("utf-8").split("\n")
    return [word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 2]


def _photographs() -> Sequence[Path]:
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("The pictures are made from those of scikit-image, which is not installed: `make install`.")
    names = (
        "astronaut.png",
        "chelsea.png",
        "coffee.png",
        "hubble_deep_field.jpg",
        "ihc.png",
        "motorcycle_left.png",
        "retina.jpg",
        "rocket.jpg",
    )
    return [Path(spec.origin).parent / "data" / name for name in names]


def _variation(originals: Sequence[Image.Image], seed: int) -> Image.Image:
    """A crop, scaled, sometimes mirrored, in other colours."""
    chosen = random.Random(seed)
    original = chosen.choice(originals)
    width, height = (round(side * chosen.uniform(0.5, 1.0)) for side in original.size)
    left, top = chosen.randint(0, original.width - width), chosen.randint(0, original.height - height)
    scale = chosen.randint(_SHORTEST, _LONGEST) / max(width, height)
    picture = original.crop((left, top, left + width, top + height))
    picture = picture.resize((round(width * scale), round(height * scale)), Image.Resampling.BICUBIC)
    if chosen.random() < 0.5:
        picture = ImageOps.mirror(picture)
    recoloured = Image.merge("RGB", [ImageEnhance.Brightness(band).enhance(chosen.uniform(0.7, 1.3)) for band in picture.split()])
    return ImageEnhance.Contrast(recoloured).enhance(chosen.uniform(0.7, 1.3))


def _is_whole(folder: Path) -> bool:
    """Whether the folder was made to its end; what was left half made is removed, so that it can be made anew."""
    if folder.with_suffix(".whole").exists():
        return True
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return False


def _mark_whole(folder: Path) -> None:
    folder.with_suffix(".whole").touch()
