"""Image hygiene: the one module that opens pictures. Safety always; orientation and colour by policy."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from uniir.documents import ImageReference
from uniir.errors import InputFailure

_T = TypeVar("_T")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
_READERS = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    WebPImagePlugin.WebPImageFile,
    GifImagePlugin.GifImageFile,
    BmpImagePlugin.BmpImageFile,
    TiffImagePlugin.TiffImageFile,
)
_FORMATS = tuple(reader.format for reader in _READERS)  # nothing else is even tried: some of Pillow's formats start programs
DEFAULT_PIXEL_LIMIT = 150_000_000
WORKING_SIDE = 1024  # longest side of an upright picture: the larger thumbnail, and more than any encoder reads

# Pillow's own limit is one for the whole process and can't follow a setting; ours is checked below, before any decoding.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class FileImages:
    """The ImageLoader that reads files."""

    pixel_limit: int = DEFAULT_PIXEL_LIMIT

    def upright(self, image: ImageReference) -> Image.Image:
        """RGB as a person sees it: turned by EXIF, in sRGB, alpha over white, 16 bits scaled, 1,024 pixels at most. Raises InputFailure."""
        return self.upright_bytes(read_image(image.path))

    def upright_bytes(self, data: bytes) -> Image.Image:
        """The same for a file's bytes."""
        return self._decode(data, _make_upright)

    def measured(self, image: ImageReference) -> tuple[int, int]:
        """Width and height in pixels as a person sees it, without decoding it all. Raises InputFailure."""
        return self.measured_bytes(read_image(image.path))

    def measured_bytes(self, data: bytes) -> tuple[int, int]:
        """The same for a file's bytes."""
        return self._decode(data, _measure)

    def faithful(self, image: ImageReference) -> Image.Image:
        """RGB by plain conversion at full size, as the papers' code does. Raises InputFailure."""
        return self.faithful_bytes(read_image(image.path))

    def faithful_bytes(self, data: bytes) -> Image.Image:
        """The same for a file's bytes."""
        return self._decode(data, _convert_plainly)

    def _decode(self, data: bytes, policy: Callable[[Image.Image], _T]) -> _T:
        if not data:
            raise InputFailure("image-empty", "the file is empty")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what Pillow doubts about metadata is no reason to speak to a person
                with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                    pixels = opened.width * opened.height
                    if pixels > self.pixel_limit:
                        raise InputFailure(
                            "image-too-large",
                            f"{opened.width} x {opened.height} is {pixels / 1e6:,.0f} megapixels; the limit is "
                            f"{self.pixel_limit / 1e6:,.0f} (setting `pixel_limit`)",
                        )
                    return policy(opened)
        except InputFailure:
            raise
        except UnidentifiedImageError:
            raise InputFailure("image-unknown", "the file holds no image that can be read") from None
        except MemoryError:
            raise InputFailure("image-too-large", "the picture does not fit into memory") from None
        # Pillow's decoders raise whatever the damaged bytes provoke; at this edge all of it means one thing.
        except Exception as error:
            raise InputFailure("image-damaged", f"the picture is damaged or cut off ({error})") from None


def read_image(path: Path) -> bytes:
    """The file's bytes; raises InputFailure where it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputFailure("unreadable", f"the file can't be read ({error.strerror or error})") from None
    except ValueError as error:  # what is no path, since it holds a zero or half of a surrogate pair
        raise InputFailure("unreadable", f"the file can't be read ({error})") from None


def _measure(image: Image.Image) -> tuple[int, int]:
    lies_on_its_side = image.getexif().get(ExifTags.Base.Orientation) in {5, 6, 7, 8}
    return (image.height, image.width) if lies_on_its_side else image.size


def _convert_plainly(image: Image.Image) -> Image.Image:
    return image.convert("RGB")


def _make_upright(image: Image.Image) -> Image.Image:
    width, height = _fitting(image.size)
    image.draft(None, (width, height))  # a JPEG is decoded at the smallest scale that is not smaller
    profile = image.info.get("icc_profile")
    picture = _to_eight_bits(image)
    if picture.mode not in {"RGB", "L", "CMYK", "RGBA", "YCbCr"}:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return ImageOps.exif_transpose(_with_orientation(_over_white(picture, profile), image))


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    longest = max(size)
    if longest <= WORKING_SIDE:
        return size
    return max(1, size[0] * WORKING_SIDE // longest), max(1, size[1] * WORKING_SIDE // longest)


def _with_orientation(picture: Image.Image, original: Image.Image) -> Image.Image:
    orientation = original.getexif().get(ExifTags.Base.Orientation)
    if orientation is not None:
        picture.getexif()[ExifTags.Base.Orientation] = orientation
    return picture


def _to_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.float64) / 257).clip(0, 255).astype(np.uint8))
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image))
        scale = 255.0 if float(values.max(initial=0.0)) <= 1.0 else 1.0
        return Image.fromarray((values * scale).clip(0, 255).astype(np.uint8))
    return image


def _over_white(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not image.has_transparency_data:
        return _to_srgb(image, profile)
    opaque = image.convert("RGBA")
    alpha = opaque.getchannel("A")
    white = Image.new("RGB", image.size, "white")
    white.paste(_to_srgb(opaque.convert("RGB"), profile), mask=alpha)
    return white


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and image.mode in {"RGB", "CMYK", "L"}:
        try:
            converted = ImageCms.profileToProfile(
                image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken or unfitting profile says nothing; the plain conversion below is what other programs show
        else:
            if converted is not None:
                return converted
    return image.convert("RGB")
