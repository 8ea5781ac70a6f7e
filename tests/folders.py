"""Folders as literals: `lay(root, {"cat.jpg": picture("red"), "cat.txt": "a cat", "bad.png": b"no", "more": {"x.md": "deep"}})`."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link to a target as written."""

    target: str


Content: TypeAlias = "str | bytes | Link | Mapping[str, Content]"
Tree: TypeAlias = Mapping[str, Content]


def lay(root: Path, tree: Tree) -> Path:
    """Makes the files below `root` and returns it; a name may hold slashes."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        match content:
            case str():
                place.write_bytes(content.encode())
            case bytes():
                place.write_bytes(content)
            case Link(target):
                os.symlink(target, place)
            case _:
                lay(place, content)
    return root


def picture(look: str | int = "red", size: tuple[int, int] = (24, 16), kind: str = "JPEG", **options: Any) -> bytes:
    """The bytes of a small picture file: of one colour, or of the noise that a number seeds."""
    return encoded(image(look, size), kind, **options)


def image(look: str | int = "red", size: tuple[int, int] = (24, 16)) -> Image.Image:
    """The picture itself, RGB. Numbers give coarse noise, so that different numbers look different to any encoder."""
    if isinstance(look, str):
        return Image.new("RGB", size, look)
    coarse = np.random.default_rng(look).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.NEAREST)


def encoded(one: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as the bytes of a file of this kind."""
    buffer = io.BytesIO()
    one.save(buffer, kind, **options)
    return buffer.getvalue()


def touch(file: Path, later_by_ns: int = 1_000_000_000) -> None:
    """Moves the modification time of a file, and nothing else."""
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + later_by_ns))


def rewrite(file: Path, content: str | bytes) -> None:
    """Other bytes, with a modification time that is other for sure."""
    before = file.stat().st_mtime_ns
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    if file.stat().st_mtime_ns == before:
        touch(file)


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    """Modification time and bytes of every file below a root: what no command may change."""
    return {
        os.fsdecode(os.path.relpath(file, root)): (file.lstat().st_mtime_ns, b"" if file.is_symlink() else file.read_bytes())
        for file in sorted(root.rglob("*"))
        if file.is_file() or file.is_symlink()
    }
