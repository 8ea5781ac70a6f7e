"""A folder full of oddities, as somebody who doubts the program would fill it."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from storage.thumbnails import ThumbnailSize
from tests.conftest import Worlds
from tests.folders import Link, encoded, image, picture
from tests.ingest.manifests import manifest
from uniir.documents import Modality


def animation(kind: str) -> bytes:
    """Red first, then blue."""
    frames = [image("red", (40, 30)), image("blue", (40, 30))]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def bomb() -> bytes:
    """A PNG of a few bytes that promises 900 megapixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


GOOD = {
    "cmyk.jpg": encoded(image("red").convert("CMYK"), "JPEG"),
    "sixteen.png": encoded(Image.fromarray(np.full((20, 30), 40_000, np.uint16)), "PNG"),
    "palette.png": encoded(image("red").convert("P"), "PNG"),
    "alpha.webp": encoded(Image.new("RGBA", (20, 20), (255, 0, 0, 10)), "WEBP"),
    "grey.bmp": encoded(image("red").convert("L"), "BMP"),
    "bits.tiff": encoded(image("red").convert("1"), "TIFF"),
    "moving.gif": animation("GIF"),
    "moving.webp": animation("WEBP"),
    "one.png": picture("red", (1, 1), "PNG"),
    "wide.png": picture("red", (6000, 1), "PNG"),
    "a jpeg.PNG": picture("green"),
    "a png.jpeg": picture("blue", kind="PNG"),
    "\u65e5\u672c \U0001f408.jpg": picture(1),
    "new\nline.jpg": picture(2),
    "trailing space .jpg": picture(3),
    "-dash.jpg": picture(4),
    "quote'\".jpg": picture(5),
    "link.jpg": Link("cmyk.jpg"),
}
BAD = {
    "cut.jpg": (picture(1, (300, 300))[:-500], "image-damaged"),
    "empty.png": (b"", "image-empty"),
    "bomb.png": (bomb(), "image-too-large"),
    "words.gif": (b"these are words", "image-unknown"),
    "page.webp": (b"<html></html>", "image-unknown"),
    "script.tiff": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "image-unknown"),
    "blank.txt": (b"", "text-empty"),
    "nul.md": (b"a\0b", "text-nul"),
    "loop.jpg": (Link("loop.jpg"), "unreadable"),
    "nowhere.txt": (Link("nowhere"), "unreadable"),
}


def test_what_can_be_used_is_used_and_the_rest_is_named(world: Worlds) -> None:
    here = world({**GOOD, **{name: content for name, (content, _) in BAD.items()}, "up": Link("..")})
    os.mkfifo(here.corpus / "pipe.jpg")
    counts = here.ingest()
    assert here.failed(counts) == {name: code for name, (_, code) in BAD.items()}
    assert here.documents().keys() == GOOD.keys()
    assert here.checks() == []
    again = here.ingest()
    assert (again.added, again.changed, again.failed, again.quarantined, again.unchanged) == (0, 0, [], len(BAD), len(GOOD))


def test_thumbnails_show_what_a_person_sees(world: Worlds) -> None:
    here = world(GOOD)
    here.ingest()
    colours = {}
    for place, document in here.documents().items():
        assert document.image is not None
        assert document.image.sha256 is not None
        with Image.open(here.thumbnails.path(document.image.sha256, ThumbnailSize.SMALL)) as small:
            assert small.mode == "RGB"
            assert max(small.size) <= ThumbnailSize.SMALL
            colours[place] = tuple(np.asarray(small).reshape(-1, 3).mean(axis=0))
    for name in ("cmyk.jpg", "palette.png", "moving.gif", "moving.webp", "one.png", "wide.png"):
        red, green, blue = colours[name]
        assert red > 180, name
        assert max(green, blue) < 90, name
    assert min(colours["alpha.webp"]) > 200, "what is nearly transparent is nearly white"
    assert 140 < colours["sixteen.png"][0] < 170, "sixteen bits are scaled"


def test_a_folder_turned_by_its_camera_is_shown_upright(world: Worlds) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    here = world({"turned.jpg": picture("red", (60, 20), exif=exif)})
    here.ingest()
    (document,) = here.documents().values()
    assert document.image is not None
    assert document.image.sha256 is not None
    with Image.open(here.thumbnails.path(document.image.sha256, ThumbnailSize.LARGE)) as shown:
        assert shown.size == (20, 60)


@pytest.mark.parametrize(
    "text", ["\u65e5\u672c\u8a9e", "\U0001f468\u200d\U0001f469", "\u202eright to left", "a\x1b[31mb", "\ufeffmark inside", "e\u0301"]
)
def test_texts_names_and_metadata_come_back_as_they_were(world: Worlds, text: str) -> None:
    fields = {"caption": text, text: [text, {text: text}], "empty": "", "none": None, "huge": 10**30, "tiny": 1e-300}
    here = world(
        {f"{text}.txt": text, "pair.jpg": picture(), "pair.json": json.dumps(fields), "list.jsonl": manifest({"did": text, "txt": text})}
    )
    assert here.ingest().failed == []
    documents = here.documents()
    assert documents[f"{text}.txt"].text == text.removeprefix("\ufeff")
    assert documents["pair.jpg"].text == text
    assert documents["pair.jpg"].metadata == {name: value for name, value in fields.items() if name != "caption"}
    assert documents[f"list.jsonl#did={text}"].external_id == text


@pytest.mark.parametrize("depth", [40, 900, *range(950, 1000, 10), 2000])
def test_metadata_of_any_depth_never_stops_a_run(world: Worlds, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    here = world(
        {
            "good.txt": "good",
            "list.jsonl": manifest({"did": "1", "txt": "fine"}, f'{{"did": "2", "txt": "deep", "x": {deep}}}'),
            "pair.jpg": picture(),
            "pair.json": f'{{"x": {deep}}}',
        }
    )
    here.ingest()
    assert {"good.txt", "list.jsonl#did=1"} <= here.documents().keys()
    assert here.ingest().added == 0


def test_a_manifest_that_names_a_pipe_does_not_wait_for_it(world: Worlds) -> None:
    here = world({"list.jsonl": manifest({"did": "1", "txt": "fine"}, {"did": "2", "img_path": "pipe.jpg"})})
    os.mkfifo(here.corpus / "pipe.jpg")
    counts = here.ingest()
    assert here.failed(counts) == {"list.jsonl#did=2": "unreadable"} or here.failed(counts) == {"list.jsonl#line=2": "unreadable"}
    assert here.documents().keys() == {"list.jsonl#did=1"}


def test_a_manifest_reaches_no_picture_outside_its_folder(world: Worlds) -> None:
    here = world({"in": {"list.jsonl": manifest({"did": "1", "txt": "fine"}, {"did": "2", "img_path": "secret.jpg"})}})
    (here.corpus / "secret.jpg").write_bytes(picture())
    counts = here.ingest("in")
    assert here.failed(counts) == {"in/list.jsonl#did=2": "unreadable"}


def test_texts_in_other_encodings_that_say_so_are_read(world: Worlds) -> None:
    text = "caf\u00e9 \u65e5\u672c"
    here = world(
        {
            "8.txt": text.encode("utf-8-sig"),
            "16.txt": text.encode("utf-16"),
            "16be.txt": b"\xfe\xff" + text.encode("utf-16-be"),
            "32.txt": text.encode("utf-32"),
            "mac.txt": text.replace(" ", "\r").encode(),
        }
    )
    assert here.ingest().failed == []
    assert {place: document.text for place, document in here.documents().items()} == {
        "8.txt": text,
        "16.txt": text,
        "16be.txt": text,
        "32.txt": text,
        "mac.txt": text.replace(" ", "\n"),
    }


def test_a_text_of_one_endless_word_is_cut(world: Worlds) -> None:
    here = world({"endless.txt": "x" * 25_000})
    here.ingest()
    assert "".join(document.text or "" for document in sorted(here.documents().values(), key=lambda one: one.id)).count("x") == 25_000
    assert {document.modality for document in here.documents().values()} == {Modality.TEXT}


def test_random_bytes_under_any_suffix_end_as_failures_or_documents(world: Worlds) -> None:
    random = np.random.default_rng(7)
    tree = {}
    whole = {"jpg": picture(1, (50, 50)), "png": picture(1, (50, 50), "PNG"), "gif": animation("GIF"), "webp": animation("WEBP")}
    for suffix, data in whole.items():
        for number in range(12):
            damaged = bytearray(data)
            for place in random.integers(0, len(data), 6):
                damaged[place] = random.integers(0, 256)
            tree[f"{number}.{suffix}"] = bytes(damaged)
    tree |= {f"noise{number}.txt": random.bytes(40) for number in range(10)} | {
        f"noise{number}.jsonl": random.bytes(60) for number in range(10)
    }
    here = world(tree)
    counts = here.ingest()
    assert counts.added + len(counts.failed) == len(tree)
    assert here.checks() == []


def test_a_picture_that_grows_while_it_is_read_is_read_again(world: Worlds) -> None:
    here = world({"a.jpg": picture(1)})
    here.ingest()
    status = (here.corpus / "a.jpg").stat()
    (here.corpus / "a.jpg").write_bytes(picture(2, (200, 200)))
    os.utime(here.corpus / "a.jpg", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert here.ingest().changed == 1, "another size is a change, even at the same time"


def test_an_image_is_decoded_once_for_thumbnail_and_vector(world: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world({"a.jpg": picture(1), "b.jpg": picture(2)})
    opened: list[int] = []
    real = Image.open

    def counting(source: io.BytesIO, *arguments: object, **options: object) -> Image.Image:
        opened.append(1)
        return real(source, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Image, "open", counting)
    here.ingest()
    assert len(opened) == 2
