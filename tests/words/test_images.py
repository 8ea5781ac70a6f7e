"""Image hygiene: what is taken, what is refused, and how a picture stands upright."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.folders import encoded, image, picture
from uniir.documents import ImageReference
from uniir.errors import InputFailure
from uniir.images import FileImages, read_image

IMAGES = FileImages()


def upright(data: bytes) -> Image.Image:
    return IMAGES.upright_bytes(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_kind_becomes_rgb_of_its_colours(kind: str) -> None:
    made = upright(picture("red", (40, 30), kind))
    assert (made.mode, made.size) == ("RGB", (40, 30))
    red, green, blue = np.asarray(made).reshape(-1, 3).mean(axis=0)
    assert red > 240
    assert green < 15
    assert blue < 15


def test_cmyk_becomes_rgb() -> None:
    made = upright(encoded(image("red").convert("CMYK"), "JPEG"))
    assert made.mode == "RGB"
    assert made.getpixel((3, 3))[0] > 240  # type: ignore[index]


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    made = np.asarray(upright(encoded(Image.fromarray(ramp), "PNG")))[..., 0]
    assert abs(made.astype(int) - (ramp // 257)).max() <= 1
    assert made.std() > 60


@pytest.mark.parametrize("mode", ["P", "L", "LA", "1", "RGBA"])
def test_every_mode_is_taken(mode: str) -> None:
    made = upright(encoded(image(1).convert(mode), "PNG"))
    assert (made.mode, made.size) == ("RGB", (24, 16))


def test_what_is_transparent_is_white() -> None:
    made = upright(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG"))
    assert made.getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (2, (1, 0)), (3, (1, 1)), (4, (0, 1)), (6, (1, 0)), (8, (0, 1))])
def test_a_picture_is_turned_as_its_camera_was_held(orientation: int, corner: tuple[int, int]) -> None:
    """One corner is white; `corner` is where it belongs after turning."""
    flat = Image.new("RGB", (64, 32), "black")
    flat.paste("white", (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = upright(encoded(flat, "JPEG", exif=exif, quality=95))
    x, y = corner[0] * (made.width - 1), corner[1] * (made.height - 1)
    assert made.getpixel((x, y))[0] > 200  # type: ignore[index]
    assert made.size == ((64, 32) if orientation < 5 else (32, 64))


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_of_an_animation_the_first_frame_counts(kind: str) -> None:
    data = encoded(image("red", (32, 32)), kind, save_all=True, append_images=[image("blue", (32, 32))])
    assert upright(data).getpixel((5, 5))[0] > 200  # type: ignore[index]


def test_a_large_picture_is_reduced_to_the_working_size_whatever_its_kind() -> None:
    for kind in ("JPEG", "PNG"):
        assert upright(picture(1, (3000, 1500), kind)).size == (1024, 512)
    assert upright(picture(1, (3, 4000), "PNG")).size == (1, 1024)


def test_faithful_keeps_size_and_orientation(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.jpg").write_bytes(encoded(image(1, (1500, 600)), "JPEG", exif=exif))
    assert IMAGES.faithful(ImageReference(tmp_path / "a.jpg")).size == (1500, 600)
    assert IMAGES.upright(ImageReference(tmp_path / "a.jpg")).size == (409, 1024)


def test_a_colour_profile_is_taken_to_srgb_and_a_broken_one_ignored() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = np.asarray(upright(encoded(image(1), "PNG")))
    assert np.abs(np.asarray(upright(encoded(image(1), "PNG", icc_profile=srgb))).astype(int) - plain).max() <= 2
    for broken in (profile, b"no profile at all"):
        assert (np.asarray(upright(encoded(image(1), "PNG", icc_profile=broken))) == plain).all()


def test_a_picture_of_one_pixel_is_a_picture() -> None:
    assert upright(picture("red", (1, 1), "PNG")).size == (1, 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image-empty"),
        (b"plain text", "image-unknown"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "image-unknown"),
        (picture(1, (300, 300))[:-200], "image-damaged"),
        (picture(1, (300, 300), "PNG")[:200], "image-damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "image-unknown"),
    ],
)
def test_what_is_no_whole_picture_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(InputFailure) as caught:
        upright(data)
    assert caught.value.code == code


def test_a_bomb_is_refused_by_its_header_alone() -> None:
    """40,000 x 40,000 pixels in some 200 KB: decoded it would take 1.6 GB."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100_000)) + chunk(b"IEND", b"")
    with pytest.raises(InputFailure, match="1,600 megapixels; the limit is 150"):
        upright(bomb)


def test_the_pixel_limit_is_a_setting() -> None:
    data = picture(1, (20, 20), "PNG")
    assert FileImages(400).upright_bytes(data).size == (20, 20)
    with pytest.raises(InputFailure, match="pixel_limit"):
        FileImages(399).upright_bytes(data)


def test_an_unreadable_file_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputFailure, match="No such file"):
        read_image(tmp_path / "nowhere.jpg")


def test_a_picture_is_the_same_from_bytes_and_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(4, (1300, 900)))
    from_file = IMAGES.upright(ImageReference(tmp_path / "a.jpg"))
    assert from_file.tobytes() == upright((tmp_path / "a.jpg").read_bytes()).tobytes()


def test_random_damage_never_escapes_as_anything_but_a_failure() -> None:
    random = np.random.default_rng(0)
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"):
        whole = np.frombuffer(picture(1, (64, 64), kind), dtype=np.uint8)
        for _ in range(60):
            broken = whole.copy()
            broken[random.integers(0, len(broken), 12)] = random.integers(0, 256, 12)
            try:
                assert upright(broken.tobytes()).mode == "RGB"
            except InputFailure as failure:
                assert failure.code.startswith("image-")  # noqa: PT017


def test_reading_leaves_no_file_open(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, (10, 10), "PNG"))
    made = IMAGES.upright(ImageReference(tmp_path / "a.png"))
    (tmp_path / "a.png").unlink()
    assert made.convert("L").size == (10, 10)
    assert io.BytesIO(made.tobytes()).getbuffer().nbytes == 300
