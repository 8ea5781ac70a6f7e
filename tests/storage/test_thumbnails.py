"""Thumbnails: sizes, sharing, and files that are whole or not there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from storage.thumbnails import Thumbnails, ThumbnailSize
from tests.folders import image

SHA = "ab" * 32


@pytest.mark.parametrize(
    ("size", "small", "large"),
    [((2000, 1000), (256, 128), (1024, 512)), ((10, 300), (9, 256), (10, 300)), ((1, 1), (1, 1), (1, 1)), ((5000, 2), (256, 1), (1024, 1))],
)
def test_a_picture_gets_two_sizes_and_never_grows(
    tmp_path: Path, size: tuple[int, int], small: tuple[int, int], large: tuple[int, int]
) -> None:
    thumbnails = Thumbnails(tmp_path)
    thumbnails.write(SHA, image(1, size))
    sizes = []
    for which in (ThumbnailSize.SMALL, ThumbnailSize.LARGE):
        with Image.open(thumbnails.path(SHA, which)) as opened:
            sizes.append(opened.size)
    assert sizes == [small, large]


def test_removing_leaves_nothing_and_may_be_done_twice(tmp_path: Path) -> None:
    thumbnails = Thumbnails(tmp_path)
    thumbnails.write(SHA, image(1))
    assert list(thumbnails.hashes()) == [SHA]
    thumbnails.remove(SHA)
    thumbnails.remove(SHA)
    assert not list(thumbnails.hashes())
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_threads_that_write_the_same_picture_do_not_disturb_each_other(tmp_path: Path) -> None:
    thumbnails = Thumbnails(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: thumbnails.write(SHA, image(2, (400, 300))), range(40)))
    with Image.open(thumbnails.path(SHA, ThumbnailSize.LARGE)) as opened:
        opened.load()
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 2
